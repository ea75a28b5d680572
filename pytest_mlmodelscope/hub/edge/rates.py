"""How often somebody may ask."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Mapping
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.caching import UNASKED
from pytest_mlmodelscope.hub.problems import Refused, problem

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Of an address of IPv6, the part that one household has.
_HOUSEHOLD: Final = 64


class Limits:
    """How often one may ask: ``reading`` and ``writing`` are such as "6000/minute"; ``guessing`` is for tokens that
    are none. They count in this process alone.
    """

    def __init__(self, reading: str, writing: str, guessing: str) -> None:
        """Nobody has asked yet.

        Raises:
            UsageError: one of them says no rate.
        """
        self._items = {name: _parsed(told) for name, told in vars_of(reading, writing, guessing).items()}
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, kind: str, who: str) -> tuple[bool, Mapping[str, str]]:
        """Whether somebody may ask once more, and the headers that say how often that is."""
        item = self._items[kind]
        allowed = await self._counts.hit(item, kind, who)
        left = await self._counts.get_window_stats(item, kind, who)
        wait = max(1, math.ceil(left.reset_time - time.time()))
        seconds = item.get_expiry()
        headers = {
            "RateLimit-Policy": f'"{kind}";q={item.amount};w={seconds}',
            "RateLimit": f'"{kind}";r={max(0, left.remaining)};t={wait}',
        }
        return allowed, headers if allowed else {**headers, "Retry-After": str(wait)}

    async def refuse(self, kind: str, who: str) -> None:
        """Count one more.

        Raises:
            Refused: it is one too many.
        """
        allowed, headers = await self.hit(kind, who)
        if not allowed:
            raise Refused(429, _TOO_MANY, headers=headers)


_TOO_MANY: Final = "too many requests: ask again later"


def vars_of(reading: str, writing: str, guessing: str) -> dict[str, str]:
    """The three limits by their names."""
    return {"reading": reading, "writing": writing, "guessing": guessing}


class Rates:
    """ASGI middleware that counts requests for each address. What is kept (``caching``) stands before it: to give it
    out costs no more than to refuse it.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope.get(UNASKED):
            await self.app(scope, receive, send)
            return
        kind = "reading" if scope["method"] in _SAFE else "writing"
        allowed, told = await self.limits.hit(kind, client(scope))
        if not allowed:
            await problem(429, _TOO_MANY, told)(scope, receive, send)
            return
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await self.app(scope, receive, send_told)


def client(scope: Scope) -> str:
    """Who asks, as far as an address tells."""
    host = (scope.get("client") or ("unknown",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 6:
        return str(ipaddress.ip_network((address, _HOUSEHOLD), strict=False))
    return str(address)


def _parsed(told: str) -> RateLimitItem:
    try:
        return parse(told)
    except ValueError:
        raise UsageError(
            f'"{told}" is not a rate', hint="a number and a time, such as 600/minute or 10/second"
        ) from None
