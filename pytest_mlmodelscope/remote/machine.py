"""A machine at the other end of a connection: its Pythons, its facts, and programs of ours that it runs."""

from __future__ import annotations

import functools
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, RemoteError
from pytest_mlmodelscope.remote.connection import Connection

#: The oldest Python that the programs in ``there`` are written for.
OLDEST: Final = (3, 6)
_THERE: Final = Path(__file__).with_name("there")
#: Prints a line for every Python on PATH: its path, and its version where it has one.
_LIST: Final = """
IFS=:
for folder in $PATH; do
  for python in "$folder"/python3 "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9]; do
    [ -x "$python" ] && [ ! -d "$python" ] || continue
    echo "mlms: $("$python" -I -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>&1 </dev/null) $python"
  done
done
echo "mlms: end"
"""


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter there."""

    path: str
    version: tuple[int, int, int]

    @property
    def text(self) -> str:
        """Its version as it is written."""
        return ".".join(map(str, self.version))


class Remote:
    """One machine, by its address; ``remote`` gives the one that this process knows already.

    ``found`` is for what others find out of it, by names of theirs, and want to ask once.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.found: dict[Hashable, Any] = {}
        self._connection: Connection | None = None
        self._refused: RemoteError | None = None

    def connection(self) -> Connection:
        """The connection, a new one where the last one broke.

        Raises:
            RemoteError: there is none. A machine that once let nobody in is not asked again.
        """
        if self._refused is not None:
            raise self._refused
        if self._connection is None or not self._connection.alive:
            try:
                self._connection = Connection(self.address)
            except RemoteError as error:
                if self._connection is None:
                    self._refused = error
                raise
        return self._connection

    def close(self) -> None:
        """End the connection; the next use makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @functools.cached_property
    def pythons(self) -> Sequence[Python]:
        """The interpreters on PATH there that can run a worker, the newest first, one of each minor version.

        Raises:
            EnvironmentUnavailable: there is none.
        """
        said = self.connection().run(["sh", "-c", _LIST]).decode(errors="replace")
        found = _listed(line for line in said.splitlines() if line.startswith("mlms: "))
        if not found:
            raise EnvironmentUnavailable(
                f"{self.address} has no Python",
                expected="python3, of version 3.6 or later, on the PATH of a command by ssh",
                got="none",
                hint=f"install python3 there; look with: ssh {self.address} 'echo $PATH'",
            )
        return found

    @functools.cached_property
    def facts(self) -> Mapping[str, Any]:
        """What ``there/facts.py`` says of it, as it is now."""
        found: Mapping[str, Any] = self.ask("facts")
        return found

    def ask(
        self,
        program: str,
        *words: str,
        stdin: bytes | IO[bytes] = b"",
        seconds: float = 60.0,
        python: str | None = None,
    ) -> Any:
        """What a program of ``there`` prints as JSON, run by one of the machine's Pythons.

        Raises:
            RemoteError: it fails, or the connection broke.
        """
        said = self.connection().run([*self.words(program, python), *words], stdin, seconds)
        try:
            # Whatever a shell of that machine prints at its start comes before it.
            return json.loads(said.decode().splitlines()[-1])
        except (ValueError, IndexError):
            raise RemoteError(f"{self.address} gave no answer to a question", got=repr(said[-200:])) from None

    def words(self, program: str, python: str | None = None) -> list[str]:
        """The command that runs a program of ``there``, by the newest Python where none is named."""
        text = (_THERE / f"{program}.py").read_text(encoding="utf-8")
        return [python or self.pythons[0].path, "-I", "-S", "-c", text]


@functools.cache
def remote(address: str) -> Remote:
    """The machine at an address, which one process connects to once."""
    return Remote(address)


def _listed(lines: Iterable[str]) -> tuple[Python, ...]:
    """The newest of each minor version."""
    found: dict[tuple[int, int], Python] = {}
    for line in lines:
        _, version, path = [*line.split(" ", 2), "", ""][:3]
        numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
        if len(numbers) == 3 and numbers >= OLDEST:
            known = found.setdefault(numbers[:2], Python(path, numbers))
            if known.version < numbers:
                found[numbers[:2]] = Python(path, numbers)
    return tuple(found[minor] for minor in sorted(found, reverse=True))
