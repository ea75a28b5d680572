"""Read a file as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.interfaces.step import Kind, StepContext
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema(
    {
        "encoding": {"description": "of the file (default: utf-8)", "type": "string"},
        "errors": {
            "description": "bytes that are no text: refuse them (strict, default), mark them, or leave them out",
            "enum": ["strict", "replace", "ignore"],
        },
    }
)
READS: Final = "text"
GIVES: Final = Kind("text")


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Path | bytes], str]:
    """From a path, or a file's bytes, to the text of the file, its line ends as they are.

    Raises DocumentError for what is not text of this encoding.
    """
    encoding, errors = options.get("encoding", "utf-8"), options.get("errors", "strict")

    def read_text(value: Path | bytes) -> str:
        held = value if isinstance(value, bytes) else Path(value).read_bytes()
        try:
            return held.decode(encoding, errors)
        except (UnicodeDecodeError, LookupError) as error:
            where = None if isinstance(value, bytes) else shown_path(Path(value))
            raise DocumentError(f"cannot be read as text: {error}", where=where) from None

    return read_text
