"""A stranger's machine for each module of tests, reached by a client that knows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mlmodelscope.remote.machine import remote

from .stranger import Stranger, unpacked_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SSH server's programs."""
    return unpacked_server(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def stranger(server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    """A machine with nothing but a shell; ``ssh`` is a client that knows its key."""
    machine = Stranger(server, tmp_path_factory.mktemp("stranger"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(machine.client), prepend=os.pathsep)
        yield machine
    machine.close()
    remote.cache_clear()
