"""Make one axis of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from numpy.typing import NDArray

from pytest_mlmodelscope.interfaces.step import StepContext
from pytest_mlmodelscope.steps._array import array
from pytest_mlmodelscope.steps._schema import options as schema

OPTIONS: Final = schema()


def make(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """From an array to its elements in row-major order."""
    return lambda value: array("flatten", value).reshape(-1)


def make_batched(options: Mapping[str, Any], context: StepContext) -> Callable[[Any], NDArray[Any]]:
    """The same for many items."""
    return lambda values: array("flatten", values).reshape(len(values), -1)
