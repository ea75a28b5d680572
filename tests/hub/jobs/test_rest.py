"""``/api/jobs``, with a hub and its worker that are real."""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
import uvicorn
from PIL import Image
from published import DIGITS
from telling import problem

from pytest_mlmodelscope.agent import confinement
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.jobs import door, queue
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.hub.jobs.watching import Watcher
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.store import runs
from pytest_mlmodelscope.store.access import new_token
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.tables import Job

SLOW = {"kind": "predict", "model": "slow", "input": {"text": "hello"}}
ID = re.compile(r"[0-9a-f]{32}")


@contextmanager
def serving(**settings):
    """A hub on a port of loopback: its address and its application."""
    app = create_app(Settings(**{"open_jobs": True, **settings}))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
                yield client, app
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def hub(job_shelf, tmp_path_factory):
    """A hub without a worker: jobs wait."""
    folder = tmp_path_factory.mktemp("hub")
    with serving(database=folder / "hub.sqlite", shelf=job_shelf, jobs=Bounds(input_bytes=500, upload_bytes=5000)) as (
        client,
        _,
    ):
        client.folder = folder
        yield client


@pytest.fixture(scope="module")
def working(job_shelf, tmp_path_factory):
    """A hub with a worker."""
    folder = tmp_path_factory.mktemp("working")
    with serving(database=folder / "hub.sqlite", shelf=job_shelf, workers=1) as (client, app):
        client.app, client.folder = app, folder
        yield client


@pytest.fixture(autouse=True)
def _empty(request):
    """Jobs of one test do not wait in the next."""
    yield
    if "hub" in request.fixturenames:
        with Database(request.getfixturevalue("hub").folder / "hub.sqlite") as database, database.writing() as session:
            session.query(Job).delete()


def picture(size=(28, 28), form="PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(size[0] * size[1], dtype=np.uint8).reshape(size[::-1]) % 17).save(file, form)
    return file.getvalue()


def followed(client, identity, headers=None) -> list[dict[str, str]]:
    """The events of a job until they end."""
    found, now = [], {}
    with client.stream("GET", f"/api/jobs/{identity}/events", headers=headers or {}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                now[name] = value
            elif not line and now:
                found.append(now)
                now = {}
    return found


def test_a_job_waits_with_its_place_and_can_be_cancelled(hub) -> None:
    first, second = hub.post("/api/jobs", json=SLOW), hub.post("/api/jobs", json=SLOW)
    assert first.status_code == 202, first.text
    told = second.json()
    assert ID.fullmatch(told["id"])
    assert second.headers["location"] == f"/api/jobs/{told['id']}"
    assert (told["state"], told["position"], told["request"]["frameworks"]) == ("queued", 2, ["python"])
    assert hub.get("/api/jobs").json()["queued"] == 2
    assert hub.post(f"/api/jobs/{first.json()['id']}/cancel").json()["state"] == "cancelled"
    assert hub.get(f"/api/jobs/{told['id']}").json()["position"] == 1


def test_who_has_not_the_id_sees_no_job(hub) -> None:
    hub.post("/api/jobs", json=SLOW)
    assert hub.get("/api/jobs").json()["jobs"] == []
    for path in ("0" * 32, "0" * 32 + "/events"):
        assert hub.get(f"/api/jobs/{path}").status_code == 404
    assert hub.post(f"/api/jobs/{'0' * 32}/cancel").status_code == 404
    assert hub.get("/api/jobs/..%2f..%2fetc").status_code in (404, 422)


def test_a_file_comes_in_a_form_and_is_kept_under_a_name_of_the_hubs(hub) -> None:
    form = {"kind": "predict", "model": "fashion-cnn", "frameworks": "onnxruntime"}
    answer = hub.post("/api/jobs", data=form, files={"file": ("../../evil.png", picture())})
    assert answer.status_code == 202, answer.text
    assert answer.json()["request"]["input"] == f"a file of {len(picture())} bytes"
    kept = list((hub.folder / "uploads").iterdir())
    assert [ID.fullmatch(path.name) is not None for path in kept] == [True]
    assert kept[0].read_bytes() == picture()
    kept[0].unlink()


def test_the_stages_of_a_pipeline_may_be_asked_on_frameworks_of_their_own(hub) -> None:
    form = {"kind": "predict", "model": "ppocr-v4", "frameworks": "find=onnxruntime+read=openvino,openvino"}
    answer = hub.post("/api/jobs", data=form, files={"file": ("text.png", picture())})
    assert answer.status_code == 202, answer.text
    assert answer.json()["request"]["frameworks"] == ["find=onnxruntime+read=openvino", "openvino"]
    hub.post(f"/api/jobs/{answer.json()['id']}/cancel")
    for path in (hub.folder / "uploads").iterdir():
        path.unlink()


WRONG = {
    "no model of this name": ({**SLOW, "model": "slw"}, "slw"),
    "no framework of the model": ({**SLOW, "frameworks": ["pytorch"]}, "pytorch"),
    "no such stage": ({**SLOW, "frameworks": ["read=python"]}, "has no stage"),
    "a version": ({**SLOW, "frameworks": ["python>=3"]}, "has no framework"),
    "no target": ({**SLOW, "target": "cpuu"}, "cpuu"),
    "another machine": ({**SLOW, "target": "ssh://somebody@example.org"}, "there is no target"),
    "no input": ({**SLOW, "input": {}}, "a job asks about one input"),
    "two inputs": ({**SLOW, "input": {"text": "a", "array": [1]}}, "a job asks about one input"),
    "numbers for a text": ({**SLOW, "input": {"array": [1, 2]}}, "is not a text"),
    "a blank": ({**SLOW, "input": {"text": "  "}}, "the text is empty"),
    "half of a character": ({**SLOW, "input": {"text": "\ud800"}}, ""),
    "a key that nobody knows": ({**SLOW, "shell": "rm"}, "shell"),
    "a path": ({"kind": "predict", "model": "digits-means", "input": {"text": "/etc/passwd"}}, "JSON"),
    "an upload by name": ({**SLOW, "input": {"upload": "a" * 32}}, "upload"),
    "too long": ({**SLOW, "input": {"text": "x" * 600}}, "the input is too large"),
    "a text for a picture": ({**SLOW, "model": "fashion-cnn", "input": {"text": "shoe"}}, "the model takes no text"),
    "no axis for each of the model's": (
        {**SLOW, "model": "fashion-cnn", "input": {"array": [1, 2, 3]}},
        "what the steps of the manifest make image (float32 of [1, 28, 28]) of",
    ),
    "another dtype": (
        {**SLOW, "model": "digits-mlp", "input": {"array": [[0.5] * 8] * 8}},
        "cannot hold these numbers",
    ),
    "no claim": ({"kind": "verify", "claim": "no-such"}, "no-such"),
    "a framework that the claim does not admit": (
        {"kind": "verify", "claim": "eld-m-big-test", "framework": "pytorch"},
        "pytorch",
    ),
    "another kind": ({"kind": "train"}, "kind"),
    "a list": ([], ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_at_once(hub, case) -> None:
    asked, said = WRONG[case]
    answer = hub.post("/api/jobs", content=json.dumps(asked), headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404, 422), answer.text
    assert said in answer.text
    assert hub.get("/api/jobs").json()["queued"] == 0


@pytest.mark.parametrize(
    ("model", "name", "expected", "got"),
    [("fashion-cnn", "image", "[1, 28, 28]", "[1, 2, 3]"), ("jedi-linear", "input", "[64, 16]", "[2, 3]")],
)
def test_numbers_of_another_shape_are_refused_before_they_wait(hub, model, name, expected, got) -> None:
    asked = {"kind": "predict", "model": model, "input": {"array": [[1, 2, 3], [4, 5, 6]]}}
    told = problem(hub.post("/api/jobs", json=asked), 422)
    assert f"the input {name} " in told["detail"]
    assert (told["expected"], told["got"]) == (expected, got)
    assert hub.get("/api/jobs").json()["queued"] == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 9_000, b'{"kind":"predict","model":"slow","input":{"array":NaN}}']
)
def test_what_is_no_json_is_refused(hub, body) -> None:
    assert hub.post("/api/jobs", content=body, headers={"content-type": "application/json"}).status_code in (400, 422)


def test_a_file_that_is_no_picture_or_too_large_leaves_nothing_behind(hub) -> None:
    form = {"kind": "predict", "model": "squeezenet-1.1", "frameworks": "onnxruntime"}
    for content, status in ((b"no picture", 422), (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, 422), (b"x" * 100_000, 413)):
        answer = hub.post("/api/jobs", data=form, files={"file": ("a.png", content)})
        assert answer.status_code == status, answer.text
        page = hub.post("/playground?model=squeezenet-1.1", data=form, files={"file": ("a.png", content)})
        assert page.status_code == status
        assert str(hub.folder) not in answer.text + page.text
    assert list((hub.folder / "uploads").iterdir()) == []


def test_a_body_without_a_length_is_read_no_further_than_its_bound(hub) -> None:
    host, port = hub.base_url.host, hub.base_url.port
    head = f"POST /api/jobs HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, port), 30) as connection:
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")
        # The body has no end yet, and is refused.
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_pages_of_other_sites_give_no_jobs(hub) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert hub.post("/api/jobs", json=SLOW, headers=headers).status_code == 403
    own = {"origin": str(hub.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert hub.post("/api/jobs", json=SLOW, headers=own).status_code == 202


def test_a_hub_that_is_not_open_wants_a_token_and_keeps_jobs_apart(job_shelf, tmp_path) -> None:
    with serving(database=tmp_path / "hub.sqlite", shelf=job_shelf, open_jobs=False) as (client, app):
        assert client.post("/api/jobs", json=SLOW).status_code == 401
        assert "jobs:write" in client.get("/jobs", headers={"accept": "text/html"}).text
        with app.state.database.writing() as session:
            tokens = [
                new_token(session, *who)
                for who in (("a", ["jobs:write"]), ("b", ["jobs:write"]), ("c", ["results:write"]))
            ]
        alice, bob, carol = ({"authorization": f"Bearer {token}"} for token in tokens)
        assert client.post("/api/jobs", json=SLOW, headers=carol).status_code == 403
        identity = client.post("/api/jobs", json=SLOW, headers=alice).json()["id"]
        assert [job["id"] for job in client.get("/api/jobs", headers=alice).json()["jobs"]] == [identity]
        assert client.get("/api/jobs", headers=bob).json()["jobs"] == []
        assert client.post(f"/api/jobs/{identity}/cancel", headers=bob).status_code == 403
        assert client.post(f"/api/jobs/{identity}/cancel").status_code == 403
        assert client.post(f"/api/jobs/{identity}/cancel", headers=alice).json()["state"] == "cancelled"


def test_a_full_queue_says_when_to_come_back(job_shelf, tmp_path) -> None:
    with serving(database=tmp_path / "hub.sqlite", shelf=job_shelf, jobs=Bounds(queue=1, listeners=0)) as (client, _):
        identity = client.post("/api/jobs", json=SLOW).json()["id"]
        answer = client.post("/api/jobs", json=SLOW)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert client.get(f"/api/jobs/{identity}/events").status_code == 503


def test_one_asker_leaves_room_for_others(job_shelf, tmp_path) -> None:
    with serving(database=tmp_path / "hub.sqlite", shelf=job_shelf, jobs=Bounds(queue=9, each=2)) as (client, app):
        with app.state.database.writing() as session:
            token = new_token(session, "alice", ["jobs:write"])
        alice = {"authorization": f"Bearer {token}"}
        assert [client.post("/api/jobs", json=SLOW).status_code for _ in range(3)] == [202, 202, 429]
        answers = [client.post("/api/jobs", json=SLOW, headers=alice) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert "of yours" in answers[2].json()["detail"]
        assert int(answers[2].headers["retry-after"]) > 0
        # The second of one comes after the first of the other.
        assert [answer.json()["position"] for answer in answers[:2]] == [2, 4]


def test_a_hub_that_cannot_isolate_says_so_and_refuses_where_it_is_told_to(job_shelf, tmp_path, monkeypatch) -> None:
    def nothing(isolation):
        if isolation == "required":
            raise EnvironmentUnavailable("models cannot be isolated on this machine")
        return confinement.Held("none")

    monkeypatch.setattr(door, "best", nothing)
    with serving(database=tmp_path / "a.sqlite", shelf=job_shelf) as (client, _):
        assert "not kept from the machine" in client.get("/api/jobs").json()["isolation"]
        assert client.post("/api/jobs", json=SLOW).status_code == 202
    with serving(database=tmp_path / "b.sqlite", shelf=job_shelf, jobs=Bounds(isolation="required")) as (client, _):
        assert "runs no models" in client.get("/api/jobs").json()["isolation"]
        assert client.post("/api/jobs", json=SLOW).status_code == 503


def test_events_tell_of_a_job_until_it_has_ended_and_go_on_where_they_were(working) -> None:
    form = {"kind": "predict", "model": "fashion-cnn", "frameworks": "onnxruntime"}
    identity = working.post("/api/jobs", data=form, files={"file": ("a.png", picture())}).json()["id"]
    said = followed(working, identity)
    states = [json.loads(event["data"])["state"] for event in said]
    assert states[-1] == "finished"
    assert sorted(set(states), key=["queued", "running", "finished"].index) == list(dict.fromkeys(states))
    shares = [json.loads(event["data"])["progress"] for event in said]
    assert shares == sorted(shares)
    assert {event["event"] for event in said} == {"job"}
    # Who knows the end hears nothing more; who knows less hears only what is new.
    again = working.get(f"/api/jobs/{identity}/events", headers={"last-event-id": said[-1]["id"]})
    assert again.status_code == 204
    assert followed(working, identity, {"last-event-id": said[0]["id"]})[-1]["id"] == said[-1]["id"]
    done = working.get(f"/api/jobs/{identity}").json()
    (one,) = done["result"]["predictions"]
    assert one["framework"] == "onnxruntime"
    assert len(one["answers"][0]["top"]) == 5
    assert one["latency_s"] > 0
    assert not list((working.folder / "uploads").iterdir())


def test_two_hundred_listeners_cost_as_many_looks_as_one(working) -> None:
    database = working.app.state.database
    with database.writing() as session:
        identity = queue.submit(session, "predict", {"input": {}}).id
        queue.take(session, "nobody", 600)
    looks = []

    class Counted(Watcher):
        def _look(self, identities):
            looks.append(len(identities))
            return super()._look(identities)

    async def listen(watcher):
        return [card.state async for card in watcher.follow(identity)]

    async def all_listen():
        watcher = Counted(database, 200)
        tasks = [asyncio.create_task(listen(watcher)) for _ in range(200)]
        while watcher.listeners < 200 or not looks:
            await asyncio.sleep(0.01)
        with pytest.raises(Exception, match="too many"):
            watcher.refuse_too_many()
        with database.writing() as session:
            queue.let_go(session, queue.Hold(identity, "nobody", 1))
        heard = await asyncio.gather(*tasks)
        await watcher.close()
        return heard, watcher.listeners

    heard, left = asyncio.run(all_listen())
    assert {states[-1] for states in heard} == {"cancelled"}
    assert left == 0
    assert set(looks) == {1}  # one job, however many listen
    assert len(looks) < 50


def test_a_claim_is_verified_and_its_record_is_among_those_of_the_hub(job_shelf, tmp_path) -> None:
    claims = tmp_path / "claims"
    claims.mkdir()
    (claims / "digits.yml").write_text(DIGITS)
    shelf = Shelf([job_shelf.catalogue.roots[0]], [claims])
    with serving(database=tmp_path / "hub.sqlite", shelf=shelf, workers=1) as (client, app):
        asked = {"kind": "verify", "claim": "digits-accuracy"}
        identity = client.post("/api/jobs", json=asked).json()["id"]
        said = followed(client, identity)
        done = client.get(f"/api/jobs/{identity}").json()
        assert done["state"] == "finished", done["message"]
        (case,) = done["result"]["cases"]
        assert (case["claim"], case["framework"], case["verdict"]) == ("digits-accuracy", "onnxruntime", "confirmed")
        with app.state.database.reading() as session:
            kept = runs.read(session, done["result"]["record"])
        assert [one["id"] for one in kept["mlms"]["cases"]] == [case["id"]]
        assert kept["mlms"]["cases"][0]["claim_file"] == ".../digits.yml:1"
        for folder in (tmp_path, Cache().root, Path.home()):
            assert f"{folder}/" not in json.dumps([said, done, kept])
        page = client.get(f"/jobs/{identity}").text
        assert "confirmed" in page
        assert "/claims/digits-accuracy" in page
