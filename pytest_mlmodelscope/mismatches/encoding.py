"""Text is read in another encoding."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, inputs, replaced, stages

TITLE: Final = "encoding"
USUAL: Final = 0.5


_ENCODINGS: Final = ("utf-8", "latin-1", "cp1252", "utf-16")


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Another encoding of files, or of the table that the dataset is read from."""
    for number, at, step in found(setup, "read_text"):
        for encoding in _ENCODINGS:
            if encoding != step.options.get("encoding", "utf-8"):
                other = changed(step, encoding=encoding, errors="replace")
                yield Variant(f"text is read as {encoding}", replaced(setup, number, at, other))
    reads_text = any(spec.dtype == "string" or spec.steps for _, spec in inputs(setup))
    if setup.split.reader == "table" and reads_text and list(stages(setup, sight, "text")):
        for encoding in _ENCODINGS:
            if encoding != setup.split.options.get("encoding", "utf-8"):
                split = dataclasses.replace(setup.split, options={**setup.split.options, "encoding": encoding})
                yield Variant(f"text is read as {encoding}", dataclasses.replace(setup, split=split))
