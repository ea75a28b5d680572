"""Pages and answers that change only when results arrive: made once for all of their readers, kept, compressed.

A handler says so by ``@shared``, below its ``@router.get``::

    @router.get("/matrix")
    @shared
    def matrix(session: Reading) -> Matrix: ...

Whoever asks for one that is kept gets it without any of the application being run. When results have arrived since
it was made, one task makes it anew behind the backs of its readers, however many they are; meanwhile they get the
old one, which is at most some seconds behind. Somebody who asks with ``Cache-Control: no-cache`` waits for the new.

A shared answer depends on its address and the results alone: not on who asks, not on a cookie.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.routing import Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_F = TypeVar("_F", bound=Callable[..., Any])
_Key = tuple[bytes, str, str, bytes]

#: Bytes of all bodies that are kept, with their compressed twins; those that nobody asks for leave first.
MOST_BYTES: Final = 128 * 2**20
#: Seconds after which one that was last known to be right is no longer shown, not even while a new one is made.
_TOO_OLD_S: Final = 10.0
#: Making a body anew takes at most this share of the time, however fast results arrive.
_SHARE_OF_TIME: Final = 0.25
#: Bodies below so many bytes are sent as they are.
_WORTH_PACKING: Final = 1024
#: Of what the one who asks says, what an answer may depend on.
_PASSED_ON: Final = (b"host",)

#: Where a scope says that the hub itself asks.
UNASKED: Final = "mlms.unasked"
#: What it costs to keep a body of no length.
_LEAST_BYTES: Final = 1024

_log = logging.getLogger(__name__)


def shared(handler: _F) -> _F:
    """Say of a handler that what it answers changes only when results arrive, and is the same for everybody."""
    handler._shared = True  # type: ignore[attr-defined]  # functions have no place for it that a type checker knows
    return handler


def shared_paths(router: APIRouter, prefix: str = "") -> Iterator[re.Pattern[str]]:
    """The addresses of the handlers in a router that are ``shared``."""
    for route in router.routes:
        if isinstance(route, Route) and getattr(route.endpoint, "_shared", False):
            yield compile_path(prefix + route.path)[0]


@dataclass(slots=True)
class _Body:
    """One answer. ``right`` is when it was last known to be what the results give, ``seconds`` what making it took."""

    status: int
    headers: list[tuple[bytes, bytes]]
    plain: bytes
    revision: tuple[int, int]
    right: float
    packed: bytes | None = None
    etag: bytes = b""
    changed: bytes = b""
    seconds: float = 0.0

    @property
    def size(self) -> int:
        return _LEAST_BYTES + len(self.plain) + len(self.packed or b"")


class Sharing:
    """ASGI middleware that answers from ``bodies`` what is kept there, and lets ``app`` answer everything else."""

    def __init__(self, app: ASGIApp, bodies: Bodies) -> None:
        self.app, self.bodies = app, bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and self.bodies.has(scope):
            await _send(await self.bodies.body(scope, self.app), scope, send)
        else:
            await self.app(scope, receive, send)


@dataclass(slots=True)
class Bodies:
    """What is kept of the answers at ``paths``. ``count`` reads how often the results have changed, by whichever
    process (``store.changes``), or raises ``SQLAlchemyError``; ``behind_s`` is how many seconds readers may be behind
    the results (0: not at all).
    """

    paths: Sequence[re.Pattern[str]]
    count: Callable[[], int]
    behind_s: float = 1.0
    _kept: OrderedDict[_Key, _Body] = field(default_factory=OrderedDict)
    _size: int = 0
    _arrived: int = 0
    _changes: int = -1
    _looked: float = float("-inf")
    _tasks: dict[Any, asyncio.Task[Any]] = field(default_factory=dict)

    def has(self, scope: Scope) -> bool:
        """Whether what is asked for is shared."""
        return _key(scope) in self._kept or any(path.match(scope["path"]) for path in self.paths)

    def arrived(self) -> None:
        """Results have arrived by this very process: what is kept is behind from now on."""
        self._arrived += 1

    async def close(self) -> None:
        """End what is being made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- what is behind ----------------------------------------------------------------------

    async def body(self, scope: Scope, app: ASGIApp) -> _Body:
        """The answer to what is asked for, made by ``app`` where it has to be."""
        key = _key(scope)
        at_once = self.behind_s == 0 or _wants_newest(scope)
        await self._look(at_once)
        body = self._kept.get(key)
        now = time.monotonic()
        if body is None or (body.revision != self._revision and (at_once or now - body.right > _TOO_OLD_S)):
            return await self._made(key, scope, app)
        self._kept.move_to_end(key)
        if body.revision == self._revision:
            body.right = now
        elif now - body.right > max(self.behind_s, body.seconds / _SHARE_OF_TIME):
            self._begin(key, lambda: self._make(key, _unasked(scope), app))
        return body

    @property
    def _revision(self) -> tuple[int, int]:
        return self._arrived, self._changes

    async def _look(self, at_once: bool) -> None:
        """Have looked at the database: lately, or just now; other processes put results into it, too."""
        age = time.monotonic() - self._looked
        if at_once or age > _TOO_OLD_S:
            if at_once and "look" in self._tasks:  # that one may have looked before what the one who asks knows of
                await self._once("look", self._read_count)
            await self._once("look", self._read_count)
        elif age > self.behind_s:
            self._begin("look", self._read_count)

    async def _read_count(self) -> None:
        try:
            self._changes = await run_in_threadpool(self.count)
        except SQLAlchemyError as error:  # what is kept is better than nothing
            _log.warning("the database does not answer: %s", str(error).partition("\n")[0])
        self._looked = time.monotonic()

    # -- one task for all who wait -----------------------------------------------------------

    def _begin(self, name: Any, what: Callable[[], Coroutine[Any, Any, Any]]) -> asyncio.Task[Any]:
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.create_task(what())
            task.add_done_callback(lambda done: self._ended(name, done))
        return task

    async def _once(self, name: Any, what: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        # Whoever goes away takes nothing from the others.
        return await asyncio.shield(self._begin(name, what))

    def _ended(self, name: Any, task: asyncio.Task[Any]) -> None:
        del self._tasks[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("a shared answer could not be made: %r", error)

    # -- making ------------------------------------------------------------------------------

    async def _made(self, key: _Key, scope: Scope, app: ASGIApp) -> _Body:
        """The body that all who ask now wait for, of no older results than there are now."""
        wanted = self._revision
        body: _Body = await self._once(key, lambda: self._make(key, scope, app))
        if body.revision < wanted:  # its making had begun before
            body = await self._once(key, lambda: self._make(key, scope, app))
        return body

    async def _make(self, key: _Key, scope: Scope, app: ASGIApp) -> _Body:
        """Let the application answer, and keep it when it is a right answer."""
        revision, begun = self._revision, time.monotonic()
        body = await _answer(app, scope)
        body.revision, body.right = revision, begun
        if body.status == 200:
            await run_in_threadpool(_finish, body, self.behind_s)
            self._keep(key, body)
        body.seconds = time.monotonic() - begun
        return body

    def _keep(self, key: _Key, body: _Body) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._size -= before.size
            body.changed = before.changed if before.etag == body.etag else body.changed
        self._kept[key] = body
        self._size += body.size
        while self._size > MOST_BYTES and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1].size


def _key(scope: Scope) -> _Key:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return host, scope["scheme"], scope["path"], scope["query_string"]


def _wants_newest(scope: Scope) -> bool:
    return any(name == b"cache-control" and b"no-cache" in value for name, value in scope["headers"])


def _unasked(scope: Scope) -> Scope:
    """The same question, asked by the hub itself: it counts for nobody's limit."""
    return {**scope, UNASKED: True}


async def _answer(app: ASGIApp, scope: Scope) -> _Body:
    """What the application answers to a question that says nothing of the one who asks."""
    asked = {
        **scope,
        "method": "GET",
        "headers": [(name, value) for name, value in scope["headers"] if name in _PASSED_ON],
        "state": dict(scope.get("state", {})),
    }
    found = _Body(500, [], b"", (0, 0), 0.0)
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status, found.headers = message["status"], list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(asked, receive, send)
    found.plain = b"".join(parts)
    return found


def _finish(body: _Body, behind_s: float) -> None:
    if len(body.plain) >= _WORTH_PACKING:
        body.packed = gzip.compress(body.plain, compresslevel=6, mtime=0)
    body.etag = b'W/"' + hashlib.sha256(body.plain).hexdigest()[:32].encode() + b'"'
    body.changed = formatdate(usegmt=True).encode()
    age = b"no-cache" if behind_s == 0 else b"max-age=%d, must-revalidate" % max(1, round(behind_s))
    ours = {
        *(b"content-length", b"etag", b"last-modified", b"cache-control", b"vary"),
        *(b"ratelimit", b"ratelimit-policy"),  # of whoever asked first
    }
    body.headers = [
        *((name, value) for name, value in body.headers if name.lower() not in ours),
        (b"cache-control", b"public, " + age),
        (b"vary", b"accept-encoding"),
    ]


async def _send(body: _Body, scope: Scope, send: Send) -> None:
    asked = Headers(scope=scope)
    headers = list(body.headers)
    status, content = body.status, body.plain
    if body.etag:
        headers += [(b"etag", body.etag), (b"last-modified", body.changed)]
        if _has_it(asked, body):
            status, content = 304, b""
            headers = [(name, value) for name, value in headers if name != b"content-type"]
        elif body.packed is not None and "gzip" in asked.get("accept-encoding", ""):
            content = body.packed
            headers.append((b"content-encoding", b"gzip"))
        if status == 200:
            headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def _has_it(asked: Headers, body: _Body) -> bool:
    """Whether the one who asks has this very body (RFC 9110, 13.1.2; without an ETag, 13.1.3)."""
    tags = asked.get("if-none-match")
    if tags is None:
        return asked.get("if-modified-since", "").encode() == body.changed
    opaque = body.etag.removeprefix(b"W/").decode()
    return tags.strip() == "*" or opaque in (tag.strip().removeprefix("W/") for tag in tags.split(","))
