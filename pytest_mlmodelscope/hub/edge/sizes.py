"""How large a request may be, held before it is read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytest_mlmodelscope.hub.problems import Refused, problem

#: Seconds between two parts of a body before the client is taken for gone.
_PATIENCE_S: Final = 30.0
#: Bytes of an address with its query.
_LONGEST: Final = 8192
#: Digits of a length; Python itself refuses numbers of thousands.
_DIGITS: Final = 19
#: What is left of such a body is not read.
_CLOSE: Final = {"Connection": "close"}


@dataclass(slots=True)
class Sizes:
    """ASGI middleware: a body has at most ``largest_bytes``, whether it says so or comes in parts, and is sent as it
    is: what is compressed has no size before it is read.
    """

    app: ASGIApp
    largest_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        else:
            app = self._refused(scope) or self.app
            await app(scope, bounded(receive, self.largest_bytes, "a body"), send)

    def _refused(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _LONGEST:
            return problem(414, f"an address has at most {_LONGEST} bytes")
        if headers.get("content-encoding", "identity") != "identity":
            return problem(415, "a body is sent as it is, not compressed", {"Accept-Encoding": "identity"})
        told = headers.get("content-length", "0")
        if not (told.isascii() and told.isdigit() and len(told) <= _DIGITS):
            return problem(400, "Content-Length is not a number")
        if int(told) > self.largest_bytes:
            return problem(413, _too_large("a body", self.largest_bytes), _CLOSE)
        return None


def bounded(receive: Receive, most: int, what: str) -> Receive:
    """What comes in of a body (``what`` it is, for people), of which no more than ``most`` bytes are read; what gives
    it raises 413 then, and 408 where nothing comes.
    """
    seen, is_whole = 0, False

    async def receive_some() -> Message:
        nonlocal seen, is_whole
        # After the body comes nothing but the end of the connection, for which a stream of events waits long.
        message = await (receive() if is_whole else _in_time(receive))
        is_whole = not message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > most:
            raise Refused(413, _too_large(what, most), headers=_CLOSE)
        return message

    return receive_some


def _too_large(what: str, most: int) -> str:
    return f"{what} has at most {most:,} bytes"


async def _in_time(receive: Receive) -> Message:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await receive()
    except TimeoutError:
        raise Refused(408, f"nothing came for {_PATIENCE_S:.0f} seconds", headers=_CLOSE) from None
