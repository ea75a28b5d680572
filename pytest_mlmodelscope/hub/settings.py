"""What a hub is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.library.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Settings:
    """``database`` is a file of SQLite or an address of PostgreSQL; ``shelf`` has the models and claims that the hub
    shows and runs; ``address`` is how its readers reach it, for permanent links (None: as they asked for it).
    ``workers`` processes run jobs on this machine, as ``jobs`` bounds them; ``open_jobs``: from anybody, else from who
    has a token. Files that come with jobs lie in ``uploads`` (None: beside the database, or in the cache). A body of a
    request has at most ``largest_bytes``. What many read is at most about ``behind_s`` seconds behind the results (0:
    never, for tests).
    ``hosts`` are the names that requests may call it by (None: any). One address may ask as often as ``reading`` and
    ``writing`` say, and a token write as often; ``guessing`` is for tokens that are none.
    """

    database: str | Path
    shelf: Shelf = field(default_factory=Shelf)
    address: str | None = None
    workers: int = 0
    jobs: Bounds = field(default_factory=Bounds)
    open_jobs: bool = False
    uploads: Path | None = None
    largest_bytes: int = 32 * 2**20
    behind_s: float = 1.0
    hosts: frozenset[str] | None = None
    reading: str = "6000/minute"
    writing: str = "600/minute"
    guessing: str = "30/minute"
