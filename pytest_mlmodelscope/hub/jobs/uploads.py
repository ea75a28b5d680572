"""The files that come with jobs: in one folder, each under a name that the hub makes up."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pytest_mlmodelscope.core.errors import InputError

#: Bytes of chance in a name.
_CHANCE: Final = 16
_NAME: Final = re.compile(r"[0-9a-f]{32}")
_CHUNK: Final = 2**20


@dataclass(frozen=True, slots=True)
class Uploads:
    """Files below ``folder``, which nobody else can read."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where a file lies that ``keep`` named."""
        assert _NAME.fullmatch(name), "names of uploads are the hub's own"
        return self.folder / name

    def keep(self, file: BinaryIO, most: int) -> str:
        """Copy a file to its end; the name that it has from now on.

        Raises:
            InputError: it has more than ``most`` bytes.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = secrets.token_hex(_CHANCE)
        path = self.path(name)
        size = 0
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:  # noqa: PTH123
            while size <= most and (chunk := file.read(_CHUNK)):
                size += len(chunk)
                kept.write(chunk)
        if size > most:
            path.unlink()
            raise InputError("the file is too large", expected=f"at most {most:,} bytes")
        return name

    def remove(self, name: str) -> None:
        """The job has ended."""
        self.path(name).unlink(missing_ok=True)

    def tidy(self, in_use: Collection[str], keep_s: float) -> None:
        """Remove files that are older than ``keep_s`` seconds and that no job needs any more."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            old = path.stat().st_mtime < time.time() - keep_s
            if _NAME.fullmatch(path.name) and path.name not in in_use and old:
                path.unlink(missing_ok=True)
