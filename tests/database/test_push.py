"""Records on their way to a hub: by a small one here, that can fail as it is told."""

from __future__ import annotations

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from fill import records
from processes import Started
from telling import mlms

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.errors import RemoteError, UsageError
from pytest_mlmodelscope.library.pushing import Hub
from pytest_mlmodelscope.record import keys
from pytest_mlmodelscope.record.envelope import opened
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add

MADE = list(records(3, cases=2))


class Handler(BaseHTTPRequestHandler):
    """What a hub does with records, and answers that were put into ``server.next``, which come before."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.server.tokens.append(self.headers["Authorization"])
        digest = self.path.rpartition("/")[2]
        self.answer(200 if digest in self.server.kept else 404, digest=digest)

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        if self.server.next:
            status, detail = self.server.next.pop(0)
            if status in ("drop", "hold"):
                if status == "hold":
                    self.server.held.set()
                    assert self.server.go_on.wait(60)
                self.close_connection = True
                self.connection.close()
                return
            if status != "take":
                self.answer(status, detail)
                return
        if self.headers["Authorization"] != "Bearer secret":
            self.answer(401, "no token")
            return
        found = opened(raw, {self.server.key.fingerprint: self.server}.get, to=self.server.address)
        new = found.digest not in self.server.kept
        self.server.kept[found.digest] = found.record
        self.answer(201 if new else 200, digest=found.digest)

    def answer(self, status, detail="", digest=""):
        told = {"title": "Problem", "detail": detail} if detail else {"digest": digest}
        body = b"" if self.command == "HEAD" else detail.encode() if "<" in detail else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if digest:
            self.send_header("ETag", f'"{digest}"')
        if detail:
            self.send_header("Content-Type", "text/html" if "<" in detail else "application/problem+json")
        if status == 429:
            self.send_header("Retry-After", "1")
        if "scope" in detail:
            self.send_header("WWW-Authenticate", 'Bearer error="insufficient_scope"')
        if status == 302:
            self.send_header("Location", self.server.elsewhere)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing to say."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MLMS_STORE", str(tmp_path / "results.sqlite"))
    monkeypatch.setenv("MLMS_TOKEN", "secret")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.kept, server.next, server.posts, server.tokens = {}, [], 0, []
    server.held, server.go_on = threading.Event(), threading.Event()
    server.elsewhere = "https://elsewhere.example/\x1b[31m"
    server.key = keys.new()
    server.public, server.revoked = server.key.public, None
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def push(hub, tmp_path):
    with Database(tmp_path / "results.sqlite") as database, database.writing() as session:
        for record in MADE:
            add(session, record)

    def run(*arguments, status=0):
        done = CliRunner().invoke(cli, ["push", *map(str, arguments), "--to", hub.address])
        assert done.exit_code == status, done.output
        return done.output

    return run


def test_all_that_is_kept_is_sent_once(push, hub):
    assert "3 new, 0 there, 0 refused" in push()
    assert hub.kept == {digest_of(record): record for record in MADE}
    assert "0 new, 3 there, 0 refused" in push()
    assert hub.posts == 3


def test_one_record_is_sent_by_its_digest(push, hub):
    rows = json.loads(push(digest_of(MADE[1])[:8], "--json"))
    assert [(row["digest"], row["outcome"]) for row in rows] == [(digest_of(MADE[1]), "new")]


@pytest.mark.parametrize("trouble", [(503, "starting"), (429, "slowly"), (500, "ill"), ("drop", "")])
def test_what_passes_is_waited_for(push, hub, trouble):
    hub.next = [trouble]
    assert "3 new" in push()
    assert len(hub.kept) == 3


def test_a_refused_record_is_said_and_the_others_are_sent(push, hub):
    hub.next = [(422, "the record is \x1b[31mred")]
    said = push(status=1)
    assert "422 the record is  [31mred" in said
    assert "2 new, 0 there, 1 refused" in said


def test_a_record_whose_signature_is_refused_does_not_keep_the_others_back(push, hub):
    hub.next = [(403, "was signed later than now")]
    said = push(status=1)
    assert "403 was signed later than now" in said
    assert "2 new, 0 there, 1 refused" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, "unknown token"), "MLMS_TOKEN"),
        ((403, ""), "MLMS_TOKEN"),
        ((403, "scope"), "MLMS_TOKEN"),
        ((302, ""), "if you trust it: --to https://elsewhere.example/ [31m"),
        ((507, "no room left"), "507 no room left"),
        ((404, "<p>Not here</p>"), "the hub does not take it: 404"),
        ((403, "<p>A portal</p>"), "the hub does not take it: 403"),
        ((200, "<p>Welcome</p>"), "what answers there is no hub"),
        ((201, "of something else"), "what answers there is no hub"),
    ],
)
def test_who_may_not_write_is_told_at_once(push, hub, answer, said):
    hub.next = [answer]
    told = push(status=2)
    assert said in told
    assert "secret" not in told
    assert hub.posts == 1


def test_a_page_that_is_always_there_is_not_taken_for_a_hub(push, hub, monkeypatch):
    monkeypatch.setattr(Handler, "do_HEAD", lambda self: self.answer(200))
    assert "what answers there is no hub" in push(status=2)
    assert hub.posts == 0


def test_a_token_does_not_follow_a_hub_that_leads_elsewhere(push, hub):
    other = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.elsewhere, hub.next = f"http://127.0.0.1:{other.server_port}", [(302, ""), (302, "")]
    other.timeout, other.tokens = 0.2, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handler, "do_HEAD", lambda self: self.answer(302))
        push(status=2)
    push(status=2)
    other.handle_request()  # nobody comes
    other.server_close()
    assert other.tokens == []


def test_a_token_for_this_machine_passes_no_proxy(push, hub, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    assert "3 new" in push()
    assert set(hub.tokens) == {"Bearer secret"}


@pytest.mark.parametrize("token", ["s3cr3t\nX: y", "s3cr3t \u20ac", "s3cr3t s3cr3t", "s3\x1bcr3t"])
def test_a_token_that_is_none_is_said_without_it(push, monkeypatch, token):
    monkeypatch.setenv("MLMS_TOKEN", token)
    said = push(status=2)
    assert "the token is none" in said
    assert "cr3t" not in said


def test_a_line_end_behind_a_token_is_nothing(push, monkeypatch):
    monkeypatch.setenv("MLMS_TOKEN", "secret\n")
    assert "3 new" in push()


def test_a_push_that_broke_off_is_taken_up_again(push, hub):
    hub.next = [(401, "not yet")]
    push(status=2)
    digest = digest_of(MADE[0])
    hub.kept[digest] = MADE[0]
    assert "2 new, 1 there" in push()


def test_a_push_that_breaks_off_says_what_became_of_those_before(push, hub):
    hub.next = [("take", ""), (503, "falling"), (401, "no more")]
    said = push(status=2)
    assert "1 new, 0 there, 0 refused" in said
    assert "401 no more" in said
    hub.next = [(401, "no more")]
    rows, _, error = push("--json", status=2).partition("]")
    assert [row["outcome"] for row in json.loads(f"{rows}]")] == ["there"]
    assert "no more" in json.loads(error)["error"]["what"]


def test_who_waits_is_told_why_and_how_long(push, hub):
    hub.next = [(429, "slowly")]
    assert "the hub says 429: again in 1 s\n" in push()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_push_that_is_ended_is_taken_up_again(push, hub, end):
    hub.next = [("take", ""), ("hold", "")]
    pushing = Started(mlms, "push", "--to", hub.address)
    assert hub.held.wait(60)
    os.kill(pushing.pid, end)
    said = pushing.rest()
    hub.go_on.set()
    assert pushing.wait() == (130 if end == signal.SIGINT else -end)
    assert "Traceback" not in said
    assert ("1 new, 0 there, 0 refused" in said) is (end == signal.SIGINT)
    assert "2 new, 1 there" in push()


def test_a_hub_that_is_not_there_is_said(hub):
    with Hub("http://127.0.0.1:1", tries=1) as nowhere, pytest.raises(RemoteError, match="cannot be reached") as caught:
        nowhere.has("0" * 64)
    assert "push again" in str(caught.value)


def test_a_token_is_not_sent_in_the_clear():
    with pytest.raises(UsageError, match="in the clear"):
        Hub("http://hub.example", "secret")
    for address in ("https://hub.example", "http://localhost:1", "http://[::1]:1"):
        Hub(address, "secret").close()
    Hub("http://hub.example", "secret", insecure=True).close()


@pytest.mark.parametrize("address", ["hub.example", "ftp://x", "http://", "https://x/?a", "https://u:p@x", "http://[x"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(UsageError, match="no address of a hub"):
        Hub(address)


def test_a_user_without_a_key_is_told_how_to_make_one(push, hub):
    hub.key.path.unlink()
    assert "mlms key new" in push(status=2)


def test_keys_are_made_and_shown(hub):
    def run(*arguments):
        return CliRunner().invoke(cli, ["key", *arguments])

    made = json.loads(run("new", "second", "--json").output)
    assert json.loads(run("show", "second", "--json").output) == made
    assert made["fingerprint"] in run("list").output
    assert hub.key.fingerprint in run("show").output
    assert run("new", "second").exit_code == 2
