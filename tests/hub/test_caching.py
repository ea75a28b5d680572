"""What is shared is made once for all, and made anew when results have arrived."""

from __future__ import annotations

import asyncio
import threading

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import OperationalError

from pytest_mlmodelscope.hub.caching import Bodies, Sharing, shared, shared_paths


class Hub:
    """An application with one shared handler, and what tests change beneath it."""

    def __init__(self, behind_s=0.0):
        self.text, self.changes, self.made, self.status = "a" * 5000, 1, 0, 200
        self.go_on = threading.Event()
        self.go_on.set()
        router = APIRouter()

        @router.get("/models/{name}")
        @shared
        def model(name: str) -> str:
            self.made += 1
            assert self.go_on.wait(10)
            if self.status != 200:
                raise OperationalError("select", {}, Exception("gone"))
            return f"{name} {self.text}"

        @router.get("/other")
        def other() -> int:
            self.made += 1
            return self.made

        app = FastAPI()
        app.include_router(router, prefix="/api")
        self.bodies = Bodies(list(shared_paths(router, "/api")), self._count, behind_s)
        app.add_middleware(Sharing, bodies=self.bodies)
        self.app = app

    def _count(self):
        if self.changes is None:
            raise OperationalError("select", {}, Exception("the server closed the connection"))
        return self.changes

    def client(self):
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url="http://hub")


def run(hub, what):
    async def all_of_it():
        async with hub.client() as client:
            found = await what(client)
        await hub.bodies.close()
        return found

    return asyncio.run(all_of_it())


def test_what_is_kept_is_not_made_again_until_results_arrive() -> None:
    hub = Hub()

    async def ask(client):
        first = await client.get("/api/models/eld")
        again = await client.get("/api/models/eld")
        hub.text, hub.changes = "b" * 5000, 2
        return first, again, await client.get("/api/models/eld")

    first, again, later = run(hub, ask)
    assert hub.made == 2
    assert first.text == again.text != later.text
    assert first.headers["etag"] == again.headers["etag"] != later.headers["etag"]


def test_what_this_process_took_in_counts_without_a_look_at_the_database() -> None:
    hub = Hub()

    async def ask(client):
        await client.get("/api/models/eld")
        hub.text = "b"
        hub.bodies.arrived()
        return await client.get("/api/models/eld")

    assert run(hub, ask).json() == "eld b"


def test_addresses_hosts_and_questions_are_kept_apart() -> None:
    hub = Hub()

    async def ask(client):
        for address in ("/api/models/eld", "/api/models/vad", "/api/models/eld?page=2", "http://else/api/models/eld"):
            await client.get(address)

    run(hub, ask)
    assert hub.made == 4


def test_everybody_who_asks_at_once_waits_for_the_same_body() -> None:
    hub = Hub()
    hub.go_on.clear()

    async def ask(client):
        asked = [asyncio.create_task(client.get("/api/models/eld")) for _ in range(50)]
        while not hub.made:
            await asyncio.sleep(0.01)
        asked.pop().cancel()  # one who goes away takes nothing from the others
        hub.go_on.set()
        return await asyncio.gather(*asked)

    answers = run(hub, ask)
    assert hub.made == 1
    assert {answer.status_code for answer in answers} == {200}


def test_readers_get_the_old_body_while_the_new_one_is_made() -> None:
    hub = Hub(behind_s=0.01)

    async def ask(client):
        await client.get("/api/models/eld")
        hub.text = "new"
        hub.bodies.arrived()
        hub.go_on.clear()
        while hub.made < 2:  # making the first took its time, so the next is not made at once
            found = await client.get("/api/models/eld")  # would get an error, waited it for the new one
            await asyncio.sleep(0.01)
        hub.go_on.set()
        while (newer := await client.get("/api/models/eld")).text == found.text:
            await asyncio.sleep(0.01)
        return found, newer

    found, newer = run(hub, ask)
    assert found.json() == f"eld {'a' * 5000}"
    assert newer.json() == "eld new"


def test_who_wants_the_newest_waits_for_it() -> None:
    hub = Hub(behind_s=100)

    async def ask(client):
        await client.get("/api/models/eld")
        hub.text, hub.changes = "new", 2
        old = await client.get("/api/models/eld")
        return old, await client.get("/api/models/eld", headers={"cache-control": "no-cache"})

    old, new = run(hub, ask)
    assert old.json() != "eld new"
    assert new.json() == "eld new"


def test_who_has_it_already_is_told_so() -> None:
    hub = Hub()

    async def ask(client):
        first = await client.get("/api/models/eld")
        named = {"if-none-match": f'"x", {first.headers["etag"]}'}
        dated = {"if-modified-since": first.headers["last-modified"]}
        return [first, *[await client.get("/api/models/eld", headers=headers) for headers in (named, dated)]]

    first, *later = run(hub, ask)
    assert [answer.status_code for answer in later] == [304, 304]
    assert {answer.content for answer in later} == {b""}
    assert {answer.headers["etag"] for answer in later} == {first.headers["etag"]}


def test_bodies_are_sent_compressed_to_those_who_can_read_them() -> None:
    hub = Hub()

    async def ask(client):
        packed = await client.get("/api/models/eld", headers={"accept-encoding": "gzip"})
        return packed, await client.get("/api/models/eld", headers={"accept-encoding": "identity"})

    packed, plain = run(hub, ask)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 500
    assert packed.text == plain.text
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"


def test_the_head_of_a_body_has_its_length() -> None:
    hub = Hub()
    head = run(hub, lambda client: client.head("/api/models/eld", headers={"accept-encoding": "identity"}))
    assert head.content == b""
    assert int(head.headers["content-length"]) > 5000


def test_what_went_wrong_is_not_kept() -> None:
    hub = Hub()
    hub.status = 500

    async def ask(client):
        with pytest.raises(OperationalError):
            await client.get("/api/models/eld")
        hub.status = 200
        return await client.get("/api/models/eld")

    assert run(hub, ask).status_code == 200


def test_what_is_kept_is_shown_while_the_database_is_away() -> None:
    hub = Hub()

    async def ask(client):
        await client.get("/api/models/eld")
        hub.changes = None
        return await client.get("/api/models/eld")

    assert run(hub, ask).status_code == 200
    assert hub.made == 1


def test_what_nobody_called_shared_is_asked_each_time() -> None:
    hub = Hub()

    async def ask(client):
        return [(await client.get("/api/other")).json() for _ in range(2)]

    assert run(hub, ask) == [1, 2]


def test_the_least_asked_for_leave_when_there_are_too_many(monkeypatch) -> None:
    monkeypatch.setattr("pytest_mlmodelscope.hub.caching.MOST_BYTES", 20_000)
    hub = Hub()

    async def ask(client):
        for name in ("a", "b", "a", "c", "d", "a"):
            await client.get(f"/api/models/{name}")
        return hub.made

    assert run(hub, ask) == 4
    assert len(hub.bodies._kept) == 3
