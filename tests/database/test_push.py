"""Records on their way to a hub: by a small one here, that can fail as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from fill import records

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
        self.answer(200 if self.path.rpartition("/")[2] in self.server.kept else 404)

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts += 1
        if self.server.next:
            status, detail = self.server.next.pop(0)
            if status == "drop":
                self.close_connection = True
                self.connection.close()
                return
            self.answer(status, detail)
            return
        if self.headers["Authorization"] != "Bearer secret":
            self.answer(401, "no token")
            return
        found = opened(raw, {self.server.key.fingerprint: self.server}.get, to=self.server.address)
        new = found.digest not in self.server.kept
        self.server.kept[found.digest] = found.record
        self.answer(201 if new else 200)

    def answer(self, status, detail=""):
        body = json.dumps({"title": "Problem", "detail": detail}).encode() if detail else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if detail:
            self.send_header("Content-Type", "application/problem+json")
        if "scope" in detail:
            self.send_header("WWW-Authenticate", 'Bearer error="insufficient_scope"')
        if status == 302:
            self.send_header("Location", "https://elsewhere.example/")
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
    server.kept, server.next, server.posts = {}, [], 0
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
        ((302, ""), "--to https://elsewhere"),
    ],
)
def test_who_may_not_write_is_told_at_once(push, hub, answer, said):
    hub.next = [answer]
    assert said in push(status=2)
    assert hub.posts == 1


def test_a_push_that_broke_off_is_taken_up_again(push, hub):
    hub.next = [(401, "not yet")]
    push(status=2)
    digest = digest_of(MADE[0])
    hub.kept[digest] = MADE[0]
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
