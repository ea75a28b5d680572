"""Where a framework can be run: the host's own environment, or one that is built for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pytest_mlmodelscope.core.claim import NOTHING

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python interpreter with a framework.

    ``version`` is the framework's, ``packages`` maps what is installed to versions, ``variables``
    are what the worker's process gets, ``key`` names a built one's folder.
    """

    python: Path
    key: str
    framework: str
    version: str
    source: Literal["host", "built"]
    variables: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    packages: Mapping[str, str] = field(default_factory=lambda: NOTHING)
