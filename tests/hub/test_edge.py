"""What stands between the network and the application."""

from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient
from telling import problem

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.edge.rates import Limits, client
from pytest_mlmodelscope.hub.serving import configured


@pytest.mark.parametrize("path", ["/", "/api/models", "/nothing", "/static/style.css"])
def test_every_answer_protects_its_reader_and_has_a_number(hub, path) -> None:
    headers = hub.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert len(headers["x-request-id"]) == 32


def test_what_is_open_may_be_read_by_pages_of_others(hub) -> None:
    assert hub.get("/api/models").headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in hub.get("/").headers


def test_a_hub_goes_by_its_own_names_alone(start) -> None:
    hub = start(hosts=frozenset({"hub.example", "::1"}))
    assert hub.get("/health", headers={"host": "hub.example:8765"}).status_code == 200
    assert hub.get("/health", headers={"host": "[::1]:8765"}).status_code == 200
    for name in ("evil.example", "hub.example.evil.example", "", "[", "evil.example/hub.example"):
        problem(hub.get("/health", headers={"host": name}), 421)


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_pages_of_others_may_not_write(hub, headers, token) -> None:
    told = problem(hub.post("/api/keys", headers={**headers, **token("alice", "admin")}, json={}), 403)
    assert "another site" in told["detail"]


def test_a_page_of_the_hub_may_write(hub, token) -> None:
    own = {"origin": "http://testserver", "sec-fetch-site": "same-origin", **token("alice", "admin")}
    problem(hub.post("/api/keys", headers=own, json={}), 422)


def test_a_body_that_says_that_it_is_too_large_is_not_read(start, token) -> None:
    hub = start(largest_bytes=100)
    told = problem(hub.post("/api/keys", headers=token("alice", "admin"), content=b"x" * 101), 413)
    assert "100 bytes" in told["detail"]


def test_a_body_in_parts_is_read_no_further_than_it_may_be(start, token) -> None:
    hub, sent = start(largest_bytes=1000), []

    def parts():
        for _ in range(100):
            sent.append(1)
            yield b" " * 100

    headers = {**token("alice", "admin"), "content-type": "application/json"}
    problem(hub.post("/api/keys", headers=headers, content=parts()), 413)


def test_a_compressed_body_is_refused(hub) -> None:
    problem(hub.post("/api/keys", headers={"content-encoding": "gzip"}, content=b"\x1f\x8b"), 415)


def test_an_endless_address_is_refused(hub) -> None:
    problem(hub.get(f"/api/models?text={'a' * 9000}"), 414)


def test_who_asks_too_often_is_told_when_to_ask_again(start) -> None:
    hub = start(reading="2/minute")
    first, second, third = (hub.get("/health") for _ in range(3))
    assert first.headers["ratelimit-policy"] == '"reading";q=2;w=60'
    assert [answer.headers["ratelimit"].split(";")[1] for answer in (first, second)] == ["r=1", "r=0"]
    problem(third, 429)
    assert 1 <= int(third.headers["retry-after"]) <= 120


@pytest.fixture
def asked_from(start):
    """How often a hub answers who says that they are elsewhere: ``asked_from(["192.0.2.7"], proxies=["10.0.0.1"])``."""

    def statuses(forwarded, proxies=(), peer="10.0.0.1"):
        config = configured(start(reading="2/minute").app, proxies)
        config.load()
        hub = TestClient(config.loaded_app, client=(peer, 5))
        return [hub.get("/health", headers={"x-forwarded-for": said}).status_code for said in forwarded]

    return statuses


OTHERS = [f"192.0.2.{number}" for number in range(1, 4)]


def test_a_stranger_lifts_no_limit_by_saying_that_they_are_others(asked_from) -> None:
    assert asked_from(OTHERS) == [200, 200, 429]
    assert asked_from(OTHERS, proxies=["10.0.0.2"]) == [200, 200, 429]


@pytest.mark.parametrize("proxy", ["10.0.0.1", "10.0.0.0/24", "2001:db8::1"])
def test_a_proxy_that_is_known_says_who_asks(asked_from, proxy) -> None:
    peer = "10.0.0.1" if "." in proxy else proxy
    assert asked_from(OTHERS, [proxy], peer) == [200, 200, 200]
    assert asked_from(["192.0.2.7"] * 3, [proxy], peer) == [200, 200, 429]


def test_what_a_client_says_to_a_proxy_lifts_no_limit(asked_from) -> None:
    """A proxy puts whom it sees behind what it was told."""
    forged = [f"{other}, 192.0.2.7" for other in (*OTHERS[:2], "10.0.0.1")]
    assert asked_from(forged, ["10.0.0.1"]) == [200, 200, 429]
    assert asked_from([f"{said}, 10.0.0.2" for said in forged], ["10.0.0.0/24"]) == [200, 200, 429]


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "", "10.0.0.1,10.0.0.2", "10.0.0.0/99"])
def test_a_proxy_without_an_address_is_refused(hub, proxy) -> None:
    with pytest.raises(UsageError, match="is no address of a proxy"):
        configured(hub.app, [proxy])


def test_what_is_kept_costs_nothing_and_counts_for_nobody(start) -> None:
    hub = start(reading="1/minute", behind_s=60)
    assert {hub.get("/api/models").status_code for _ in range(5)} == {200}
    assert "ratelimit" not in hub.get("/api/models").headers
    problem(hub.get("/health"), 429)


def test_guessing_tokens_is_slow(start) -> None:
    hub = start(guessing="2/minute")
    guess = {"authorization": "Bearer mlms_guess"}
    statuses = [hub.post("/api/keys", headers=guess, json={"public": ""}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_a_token_may_write_so_often_from_wherever(start, token) -> None:
    hub, mine = start(writing="3/minute"), token("alice", "results:write")
    statuses = [hub.post("/api/keys", headers=mine, json={"public": ""}).status_code for _ in range(4)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:3]


@pytest.mark.parametrize(
    ("host", "who"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::/64"), ("testclient", "testclient"), (None, "unknown")],
)
def test_a_household_counts_as_one(host, who) -> None:
    assert client({"client": host and (host, 5)}) == who


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a rate"):
        Limits("often", "1/second", "1/second")


def test_the_log_of_requests_has_neither_tokens_nor_queries(hub, caplog) -> None:
    caplog.set_level(logging.INFO, "pytest_mlmodelscope.hub.access")
    answer = hub.get("/api/models?text=secret%0Aline", headers={"authorization": "Bearer mlms_secret"})
    hub.get("/a%0Ab")
    lines = [record.getMessage() for record in caplog.records]
    assert f"GET /api/models {answer.status_code}" in lines[0]
    assert answer.headers["x-request-id"] in lines[0]
    assert "secret" not in caplog.text
    assert "GET /a%0Ab 404" in lines[1]


def test_a_failure_is_told_without_what_failed(hub, monkeypatch, caplog) -> None:
    monkeypatch.setattr(type(hub.app.state.settings.shelf), "models", lambda *_: 1 / 0)
    told = problem(hub.get("/api/models?text=never-asked-before"), 500)
    assert "ZeroDivisionError" not in str(told)
    assert "ZeroDivisionError" in caplog.text
    assert told["detail"].split()[-1] in caplog.text
