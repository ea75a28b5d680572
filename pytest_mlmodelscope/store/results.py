"""What runs left in the cache beside their records: predictions, outputs, inputs that break a check.

Records lie anywhere, so nobody can tell which of these files a record still names. Instead each says by its time
of last change when a run last gave these very values, or somebody read them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Folders of the cache, and the ending of the files in each; their names are digests.
RESULTS: Final = {"predictions": ".jsonl.gz", "outputs": ".npz", "counterexamples": ".npz"}


def files(root: Path) -> Iterator[tuple[str, Path]]:
    """Kind and place of all that is kept below a cache's root."""
    for kind, ending in RESULTS.items():
        yield from ((kind, path) for path in sorted((root / kind).glob(f"*/*{ending}")))


def digest(path: Path) -> str:
    """The digest that a file is named by."""
    return path.name.partition(".")[0]


def homeless(path: str) -> str:
    """A place as a record tells it, which others read: without the name of the user whose folder it is in."""
    home = str(Path.home())
    return "~" + path.removeprefix(home) if path.startswith(home + os.sep) else path


def at_home(path: str) -> Path:
    """The place that ``homeless`` told of, seen from the user who reads it."""
    return Path.home() / path[2:] if path.startswith("~/") else Path(path)


def used(path: Path) -> None:
    """Say that a file was used now."""
    with suppress(OSError):  # of another user's cache
        os.utime(path)


def is_right(kind: str, path: Path) -> bool:
    """Whether a file holds what its name says."""
    from pytest_mlmodelscope.store import arrays, predictions

    of_file = predictions.digest_of if kind == "predictions" else arrays.digest_of
    return of_file(path) == digest(path)
