"""The hub as a process: listens, says where, and ends in order."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Collection
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub.edge.heads import BoundedHeads

#: Connections at once, above which new ones get 503.
_CONNECTIONS: Final = 2000
#: Seconds that answers have to be finished in, once the hub is told to end.
_TO_FINISH_S: Final = 10
#: Seconds that an idle connection is kept.
_IDLE_S: Final = 15


def serve(
    app: FastAPI, host: str, port: int, proxies: Collection[str] = (), ready: Callable[[str], Any] | None = None
) -> None:
    """Listen (``port`` 0: one that is free) until SIGTERM or SIGINT. ``ready`` is told the address; ``proxies`` are as
    for ``configured``.

    Raises:
        UsageError: nobody can listen there, or a proxy has no such address.
    """
    config = configured(app, proxies)
    listening = _listening(host, port)
    server = _Server(config, lambda: ready(_address(host, listening)) if ready else None)
    # uvicorn gives the signal that ended it on; by then all is done.
    before = {number: signal.signal(number, _nothing) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        listening.close()
    if not server.started:
        raise UsageError("the hub could not start; its log says why")


def configured(app: FastAPI, proxies: Collection[str] = ()) -> uvicorn.Config:
    """How an application is served. What ``proxies`` (addresses, or networks of them) say of those whose requests they
    pass on is believed: who asks is the last of ``X-Forwarded-For`` that is no proxy. Others may say what they like.

    Raises:
        UsageError: a proxy has no such address.
    """
    return uvicorn.Config(
        app,
        http=BoundedHeads,
        log_config=None,
        access_log=False,  # the hub writes its own, without what is secret
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=[_network(proxy) for proxy in proxies] or "",
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=_TO_FINISH_S,
        ws="none",
    )


def _network(proxy: str) -> str:
    try:
        return str(ipaddress.ip_network(proxy, strict=False))
    except ValueError:
        hint = "its address, such as 10.0.0.7, or a network such as 10.0.0.0/24"
        raise UsageError(f'"{proxy}" is no address of a proxy', hint=hint) from None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], Any]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def log_to_stderr(requests: bool) -> None:
    """Write what the hub has to say to the standard error; with ``requests``, a line for each of them."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("pytest_mlmodelscope.hub").setLevel(logging.INFO)
    logging.getLogger("pytest_mlmodelscope.hub.access").setLevel(logging.INFO if requests else logging.WARNING)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_CONNECTIONS)
    except (OSError, OverflowError) as error:
        hint = "another --port, or 0 for one that is free"
        raise UsageError(f"nobody can listen there: {error}", where=f"{host}:{port}", hint=hint) from None


def _address(host: str, listening: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def _nothing(number: int, frame: Any) -> None:
    pass
