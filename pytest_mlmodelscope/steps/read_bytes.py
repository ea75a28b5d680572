"""Read a file as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()
READS: Final = "bytes"


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Path | bytes], bytes]:
    """From a path to the bytes of the file; bytes are those of one."""
    return lambda value: value if isinstance(value, bytes) else Path(value).read_bytes()
