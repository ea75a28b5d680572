"""Time series of the UCR archive: ``.ts`` files, and the archive's own tab-separated ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.datasets._source import ASSET, path_of, text_of
from pytest_mlmodelscope.interfaces.dataset import Item

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["asset"],
    "properties": {
        "asset": ASSET,
        "format": {
            "description": "ts (default): a header, then `values:label`; tsv: `label<tab>values`",
            "enum": ["ts", "tsv"],
        },
    },
}


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """One univariate series an item: float64 values in time order, its class as text.

    A missing value (``?``) is NaN; ids count the series from 0.

    Raises:
        DocumentError: a line is not of the format.
    """
    path = path_of(files, options["asset"])
    split = _tsv_line if options.get("format") == "tsv" else _ts_line
    lines = enumerate(text_of(path, "utf-8").split("\n"), 1)
    series = lines if options.get("format") == "tsv" else _after_header(lines, path)
    rows = ((number, line.strip()) for number, line in series)
    return (
        _item(index, line, split, f"{shown_path(path)}:{number}")
        for index, (number, line) in enumerate((number, line) for number, line in rows if line)
    )


def _after_header(lines: Iterator[tuple[int, str]], path: Path) -> Iterator[tuple[int, str]]:
    for _, line in lines:
        if line.strip().lower() == "@data":
            return lines
    raise DocumentError("has no @data line", where=shown_path(path), hint="`format: tsv` for the archive's own files")


def _ts_line(line: str) -> tuple[str, str, str]:
    values, _, label = line.rpartition(":")
    return values, ",", label


def _tsv_line(line: str) -> tuple[str, str, str]:
    label, _, values = line.partition("\t")
    return values, "\t", label


def _item(index: int, line: str, split: Any, where: str) -> Item:
    values, separator, label = split(line)
    if ":" in values:
        raise DocumentError("has several series in one line", where=where, expected="one series and its class")
    try:
        return Item(str(index), _numbers(values.split(separator)), label.strip())
    except ValueError as error:
        raise DocumentError(f"is not a series and its class: {error}", where=where) from None


def _numbers(texts: list[str]) -> NDArray[np.float64]:
    return np.array([float("nan") if text.strip() == "?" else float(text) for text in texts], np.float64)
