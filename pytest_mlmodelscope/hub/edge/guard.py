"""The outermost of the hub: names that it goes by, headers that protect its readers, a number for every request."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytest_mlmodelscope.hub.problems import problem

#: What a page may load, from where: nothing inline, nothing from elsewhere; pictures may come from a camera or a file.
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(self), microphone=(self), geolocation=()",
        "cross-origin-opener-policy": "same-origin",
    }.items()
)
#: Anybody's page may read what is open to read anyway.
_OPEN: Final = (b"access-control-allow-origin", b"*")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_log = logging.getLogger(__name__)
access = logging.getLogger("pytest_mlmodelscope.hub.access")


@dataclass(slots=True)
class Guard:
    """ASGI middleware. ``hosts`` are the names that requests may call the hub (None: any); by others a page of
    somebody else, whose name suddenly leads here, would speak to it with its reader's rights.
    """

    app: ASGIApp
    hosts: Collection[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with whatever goes wrong in it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        told = _Told(scope, send)
        try:
            refused = _refused(scope, self.hosts)
            await (refused or self.app)(scope, receive, told.send)
        except Exception:
            _log.exception("request %s failed", told.number)
            if told.status:
                raise  # too late to say it; the connection is cut
            await problem(500, f"the hub failed; its log tells of it as request {told.number}")(
                scope, receive, told.send
            )
        finally:
            told.log()


@dataclass(slots=True)
class _Told:
    """One response: what is added to it, and what is remembered of it."""

    scope: Scope
    to: Send
    number: str = field(default_factory=lambda: uuid.uuid4().hex)
    begun: float = field(default_factory=time.perf_counter)
    status: int = 0
    size: int = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            opened = (_OPEN,) if self.scope["path"].startswith("/api/") and self.scope["method"] in _SAFE else ()
            number = (b"x-request-id", self.number.encode())
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS, *opened, number]}
        else:
            self.size += len(message.get("body", b""))
        await self.to(message)

    def log(self) -> None:
        """One line, of nothing that a client may keep secret: neither headers nor what stands behind a "?"."""
        if access.isEnabledFor(logging.INFO):
            client, raw = self.scope.get("client"), self.scope.get("raw_path") or b""
            path = raw.partition(b"?")[0].decode("ascii", "backslashreplace")
            took = 1000 * (time.perf_counter() - self.begun)
            access.info(
                "%s %s %s %d %d B %.1f ms %s",
                client[0] if client else "-",
                self.scope["method"],
                path[:500],
                self.status,
                self.size,
                took,
                self.number,
            )


def _refused(scope: Scope, hosts: Collection[str] | None) -> ASGIApp | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if hosts is not None and _name(f"//{host}") not in hosts:
        return problem(421, "the hub does not go by this name", hint="start it with `mlms serve --address URL`")
    if scope["method"] not in _SAFE and _is_foreign(headers, host):
        return problem(403, "a page of another site may not write here")
    return None


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a browser says that somebody else's page sends this. Programs say nothing of it."""
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != host


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
