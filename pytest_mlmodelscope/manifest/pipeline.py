"""Pre- and post-processing as the manifest declares it: items to tensors, tensors to predictions.

It runs in the host, once, in one version, so that two frameworks see the same tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.errors import MlmsError, ModelError
from pytest_mlmodelscope.core.manifest import Input, Output
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.chain import Chain, Many, stacked

#: What is asked at once when neither claim nor manifest says: enough to hide the wire's cost.
TEXT_BATCH = 512
TENSOR_BATCH = 32

Tensors = dict[str, Any]


class Preparation:
    """Makes input tensors of items."""

    def __init__(self, inputs: Sequence[Input], files: Mapping[str, Path]) -> None:
        self._inputs = [(spec, Chain(spec.steps, files)) for spec in inputs]
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
        return {spec.name: self._tensor(spec, steps, items) for spec, steps in self._inputs}

    def _tensor(self, spec: Input, steps: Chain, items: Sequence[Item]) -> Any:
        if spec.constant is not None:
            shape = [len(items) if axis == "batch" else axis for axis in spec.shape]
            return np.full(shape, spec.constant, dtype=spec.dtype)
        values = _prepared(spec, steps, items)
        return list(values) if spec.dtype == "string" else _as_declared(spec, values)


def _prepared(spec: Input, steps: Chain, items: Sequence[Item]) -> Many:
    values = [item.input if spec.field is None else _field(spec, item) for item in items]
    with suppress(Exception):
        return steps.many(values)
    # Once more, one by one, to say which item it was.
    return [_applied(spec, steps, value, item) for value, item in zip(values, items, strict=True)]


def _applied(spec: Input, steps: Chain, value: Any, item: Item) -> Any:
    try:
        return steps.one(value)
    except Exception as error:  # a step is anybody's code
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


def _as_declared(spec: Input, values: Many) -> Any:
    """The values as the tensor that the manifest declares.

    Raises:
        ModelError: one has another dtype or shape than declared, or than the first one.
    """
    arrays = values if isinstance(values, np.ndarray) else [np.asarray(value) for value in values]
    together = stacked(arrays)
    for array in arrays[:1] if together is not None else arrays:
        _check(spec, array, arrays[0].shape)
    assert together is not None  # whatever cannot be stacked has been refused
    return together if spec.batched else together[0]


def _check(spec: Input, array: NDArray[Any], like: tuple[int, ...]) -> None:
    if array.dtype != spec.dtype:
        raise ModelError(
            f"the steps of the input {spec.name} give {array.dtype}",
            expected=spec.dtype,
            got=str(array.dtype),
            hint=f"end them with `- cast: {{dtype: {spec.dtype}}}`",
        )
    shape = spec.shape[1:] if spec.batched else spec.shape
    if not _fits(array.shape, shape) or array.shape != like:
        raise ModelError(
            f"the steps of the input {spec.name} give the wrong shape",
            expected=list(shape) or list(like),
            got=list(array.shape),
            hint="resize, crop or pad to one shape, or leave `batch` out of the input's shape",
        )


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
        self.output = next((spec for spec in outputs if spec.steps), outputs[0] if outputs else None)
        self._steps = Chain(self.output.steps if self.output else (), files)
        self._batched = batched

    def predictions(self, outputs: Mapping[str, Any], count: int) -> list[Any]:
        """One prediction an item; None where the model gave no answer.

        Raises:
            ModelError: the output is missing or does not have one entry an item, or a step fails.
        """
        values = self.values(outputs, count)
        if not self._steps:
            return [value.item() if isinstance(value, np.generic) else value for value in values]
        answered = [place for place, value in enumerate(values) if value is not None]
        try:
            made = self._steps.many(values if len(answered) == count else [values[place] for place in answered])
        except Exception as error:  # a step is anybody's code
            raise ModelError(
                f"post-processing failed: {_said(error)}",
                hint="check the output's steps in the model's manifest",
            ) from error
        found = dict(zip(answered, made, strict=True))
        return [found.get(place) for place in range(count)]

    def values(self, outputs: Mapping[str, Any], count: int) -> Many:
        """Each item's part of the output that is decided by, before any step.

        Raises:
            ModelError: the output is missing or does not have one entry an item.
        """
        name = self.output.name if self.output else next(iter(outputs), "")
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
