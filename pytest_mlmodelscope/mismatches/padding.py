"""What is too short is filled up in another way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import changed, found, replaced

TITLE: Final = "padding"
USUAL: Final = 0.4


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Other places for what was there, and other values beside it."""
    for number, at, step in found(setup, "pad"):
        for words, other in _padded(step):
            yield Variant(words, replaced(setup, number, at, other))
    for number, at, step in found(setup, "byte_window"):
        for words, other in _windows(step):
            yield Variant(words, replaced(setup, number, at, other))
    for number, at, step in found(setup, "fit_length"):
        keep = "end" if step.options.get("keep", "start") == "start" else "start"
        yield Variant(f"the {keep} is kept of what is too long", replaced(setup, number, at, changed(step, keep=keep)))


def _padded(step: Step) -> Iterator[tuple[str, Step]]:
    for keep in ("start", "centre", "end"):
        if keep != step.options.get("keep", "centre"):
            yield f"padding leaves the old values at the {keep}", changed(step, keep=keep)
    for value in (0, 1, -1, 127, 255):
        if value != step.options.get("value", 0):
            yield f"padding is {value}", changed(step, value=value)


def _windows(step: Step) -> Iterator[tuple[str, Step]]:
    """Bytes of a file: other padding, and other shares of its beginning and its end."""
    for value in (0, 255, 256, -1):
        if value != step.options.get("padding", 256):
            yield f"padding is {value}", changed(step, padding=value)
    total = step.options["beginning"] + step.options["end"]
    for beginning in dict.fromkeys((total, 0, total // 2, step.options["end"])):
        if beginning != step.options["beginning"]:
            words = f"{beginning} bytes of the beginning and {total - beginning} of the end are taken"
            yield words, changed(step, beginning=beginning, end=total - beginning)
