"""Pre- and post-processing as the manifest declares it: items to tensors, tensors to predictions.

It runs in the host, once, in one version, so that two frameworks see the same tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlmodelscope.core.errors import MlmsError, ModelError
from pytest_mlmodelscope.core.manifest import Input, Output, Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.step import StepContext

#: What is asked at once when neither claim nor manifest says: enough to hide the wire's cost.
TEXT_BATCH = 512
TENSOR_BATCH = 32

Tensors = dict[str, Any]
Function = Callable[[Any], Any]


def chain(steps: Sequence[Step], files: Mapping[str, Path]) -> Function | None:
    """The steps as one function, or None where there are none."""
    made = [member("steps", step.name).make(step.options, StepContext(files)) for step in steps]
    if not made:
        return None
    if len(made) == 1:
        first: Function = made[0]
        return first

    def run(value: Any) -> Any:
        for function in made:
            value = function(value)
        return value

    return run


class Preparation:
    """Makes input tensors of items."""

    def __init__(self, inputs: Sequence[Input], files: Mapping[str, Path]) -> None:
        self._inputs = [(spec, chain(spec.steps, files)) for spec in inputs]
        fed = [spec for spec in inputs if spec.constant is None]
        self.batched = all(spec.batched for spec in fed)
        self._text = any(spec.dtype == "string" for spec in fed)

    def batch_size(self, asked: int | None) -> int:
        """How many items go into one query.

        Raises:
            ModelError: a batch is asked of a model that takes one item at a time.
        """
        if not self.batched:
            if asked not in (None, 1):
                raise ModelError(
                    f"a batch of {asked} is asked of a model that takes one item at a time",
                    hint="call the first axis of its inputs `batch` in the manifest, or drop `batch` from the claim",
                )
            return 1
        return asked or (TEXT_BATCH if self._text else TENSOR_BATCH)

    def tensors(self, items: Sequence[Item]) -> Tensors:
        """Input tensors of a batch of items, by name.

        Raises:
            ModelError: a step fails, or gives another dtype or shape than the manifest declares.
        """
        return {spec.name: self._tensor(spec, function, items) for spec, function in self._inputs}

    def _tensor(self, spec: Input, function: Function | None, items: Sequence[Item]) -> Any:
        if spec.constant is not None:
            shape = [len(items) if axis == "batch" else axis for axis in spec.shape]
            return np.full(shape, spec.constant, dtype=spec.dtype)
        values = [_apply(spec, function, item) for item in items]
        if spec.dtype == "string":
            return values
        return _stacked(spec, values)


def _apply(spec: Input, function: Function | None, item: Item) -> Any:
    value = item.input if spec.field is None else _field(spec, item)
    if function is None:
        return value
    try:
        return function(value)
    except Exception as error:
        raise ModelError(
            f"pre-processing of item {item.id} for the input {spec.name} failed: {_said(error)}",
            hint="check the steps in the model's manifest against the data",
        ) from error


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, MlmsError) else f"{type(error).__name__}: {error}"


def _field(spec: Input, item: Item) -> Any:
    try:
        return item.input[spec.field]
    except (KeyError, TypeError, IndexError):
        raise ModelError(f'item {item.id} has no field "{spec.field}", which the input {spec.name} wants') from None


def _stacked(spec: Input, values: list[Any]) -> Any:
    arrays = [np.asarray(value) for value in values]
    first = arrays[0]
    if first.dtype != spec.dtype:
        raise ModelError(
            f"the steps of the input {spec.name} give {first.dtype}",
            expected=spec.dtype,
            got=str(first.dtype),
            hint=f"end them with `- cast: {{dtype: {spec.dtype}}}`",
        )
    shape = spec.shape[1:] if spec.batched else spec.shape
    fits = _fits(first.shape, shape)
    for array in arrays:
        if not (fits and array.shape == first.shape):
            raise ModelError(
                f"the steps of the input {spec.name} give the wrong shape",
                expected=list(shape) or list(first.shape),
                got=list(array.shape),
                hint="resize, crop or pad to one shape, or leave `batch` out of the input's shape",
            )
    return np.stack(arrays) if spec.batched else first


def _fits(shape: tuple[int, ...], declared: Sequence[int | str]) -> bool:
    if not declared:
        return True
    return len(shape) == len(declared) and all(
        isinstance(want, str) or want == have for have, want in zip(shape, declared, strict=True)
    )


class Decision:
    """Makes one prediction of each item's part of the outputs.

    The first output with steps is the prediction; without any, the first output as it is.
    """

    def __init__(self, outputs: Sequence[Output], files: Mapping[str, Path], batched: bool) -> None:
        self._output = next((spec for spec in outputs if spec.steps), outputs[0] if outputs else None)
        self._function = chain(self._output.steps, files) if self._output else None
        self._batched = batched

    def predictions(self, outputs: Mapping[str, Any], count: int) -> list[Any]:
        """One prediction an item; None where the model gave no answer.

        Raises:
            ModelError: the output is missing or does not have one entry an item, or a step fails.
        """
        values = self._values(outputs, count)
        if self._function is None:
            return [value.item() if isinstance(value, np.generic) else value for value in values]
        try:
            return [None if value is None else self._function(value) for value in values]
        except Exception as error:
            raise ModelError(
                f"post-processing failed: {_said(error)}",
                hint="check the output's steps in the model's manifest",
            ) from error

    def _values(self, outputs: Mapping[str, Any], count: int) -> Sequence[Any]:
        name = self._output.name if self._output else next(iter(outputs), "")
        if name not in outputs:
            raise ModelError(f'the model has no output "{name}"', got=", ".join(outputs) or "none")
        value = outputs[name]
        if not self._batched:
            return [value]
        if not getattr(value, "shape", True):
            raise ModelError(f"the output {name} has no entries, but one value, for {count} items")
        if len(value) != count:
            raise ModelError(f"the output {name} has {len(value)} entries for {count} items")
        return value  # type: ignore[no-any-return]
