"""A folder of files, one item each: pictures, source code, anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.datasets._source import ASSET, LABEL_TYPE, label_converter, path_of, text_of
from pytest_mlmodelscope.interfaces.dataset import Item

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["asset"],
    "properties": {
        "asset": {**ASSET, "description": "the name of an asset that is a tree of files"},
        "glob": {"description": "which files of the tree (default: all)", "type": "string"},
        "pattern": {
            "description": "a regular expression for the path below the tree, with a group (?P<label>...)",
            "type": "string",
            "format": "regex",
        },
        "labels": {
            **ASSET,
            "description": "the name of an asset that is a text file with `path label` in each line",
        },
        "map": {
            "description": "from labels as found to labels as meant; files of other labels are left out",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": ["string", "integer", "number"]},
        },
        "label_type": LABEL_TYPE,
    },
    "not": {"required": ["pattern", "labels"]},
}


def read(files: Mapping[str, Path], options: Mapping[str, Any]) -> Iterator[Item]:
    """One file an item, in the order of their paths: the input is its path, the id the path in the tree.

    Files that no label is found for are left out; without ``pattern`` and ``labels`` no item has one.

    Raises:
        DocumentError: no file is left, or a label is not of its type.
    """
    root = path_of(files, options["asset"])
    label_of = _labelling(files, options, root)
    found = sorted((path.relative_to(root).as_posix(), path) for path in root.glob(options.get("glob", "**/*")))
    labelled = ((name, path, label_of(name)) for name, path in found if path.is_file())
    items = [Item(name, path, label) for name, path, label in labelled if label is not _UNKNOWN]
    if not items:
        raise DocumentError("no file is an item", where=shown_path(root), hint="look at `glob`, `pattern` and `map`")
    return iter(items)


_UNKNOWN: Final = object()


def _labelling(files: Mapping[str, Path], options: Mapping[str, Any], root: Path) -> Callable[[str], Any]:
    if "labels" not in options and "pattern" not in options:
        return lambda name: None
    table = _table(path_of(files, options["labels"])) if "labels" in options else None
    raw: Callable[[str], str | None] = _by_pattern(options["pattern"]) if table is None else table.get
    convert = label_converter(options.get("label_type", "text"), root)
    meant = options.get("map")

    def label(name: str) -> Any:
        found = raw(name)
        if found is None:
            return _UNKNOWN
        return convert(found, 1) if meant is None else meant.get(found, _UNKNOWN)

    return label


def _by_pattern(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    if "label" not in compiled.groupindex:
        raise UsageError("the pattern has no group called label", got=pattern, hint="write it as (?P<label>...)")

    def label(name: str) -> str | None:
        match = compiled.search(name)
        return match["label"] if match else None

    return label


def _table(path: Path) -> dict[str, str]:
    table = {}
    for number, line in enumerate(text_of(path, "utf-8").splitlines(), 1):
        if line.strip():
            name, _, label = line.strip().rpartition(" ")
            if not name:
                raise DocumentError("is not a path and a label", where=f"{shown_path(path)}:{number}", got=repr(line))
            table[name.strip()] = label
    return table
