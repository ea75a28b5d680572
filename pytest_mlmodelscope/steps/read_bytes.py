"""Read a file as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Path], bytes]:
    """From a path to the bytes of the file."""
    return lambda value: Path(value).read_bytes()
