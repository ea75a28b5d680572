"""A hub in a process of its own: ``python serving.py FD DATABASE MANIFESTS``, on a socket that is there already."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from pathlib import Path

import uvicorn

from pytest_mlmodelscope.hub.app import create_app
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.library.shelf import Shelf


def main() -> None:
    listening, database, manifests = sys.argv[1:]
    app = create_app(Settings(database, Shelf([Path(manifests)]), workers=1, open_jobs=True))
    # Streams of events stay open as long as somebody reads them: they must not keep the process from ending.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    with socket.socket(fileno=int(listening)) as taken, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[taken])


main()
