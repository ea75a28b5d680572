"""The place of the largest score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()
CHOOSES: Final = "one"


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], int]:
    """From scores (of any shape) to the index of the largest, the first of equals."""
    return lambda value: int(array("argmax", value).argmax())


def make_batched(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], list[int]]:
    """The same for many items."""

    def argmax(values: Any) -> list[int]:
        places: list[int] = array("argmax", values).reshape(len(values), -1).argmax(axis=1).tolist()
        return places

    return argmax
