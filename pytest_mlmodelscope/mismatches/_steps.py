"""What mismatches do with the steps of a setup: find them, change them, see what they are given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.manifest import Input, Output, Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight

Form = Literal["HWC", "CHW", "HW", "vector", "series", "text", "bytes", "other"]
#: A vector of more values than this is a recording or another series, not a row of a table.
LONGEST_ROW = 64
#: Largest values of usual ranges: shares, the grey of digits, bytes, 16-bit sound.
CEILINGS = (1.0, 16.0, 255.0, 32768.0, 65535.0)
#: More values beside few channels are a series as well.
MOST_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class Stage:
    """A place among the steps of an input, ``at`` steps from the first, and the values of a few items there."""

    number: int
    spec: Input
    at: int
    values: Sequence[Any]

    @property
    def form(self) -> Form:
        """What the values are, by their type and shape."""
        first = self.values[0] if len(self.values) else None
        if isinstance(first, (str, bytes)):
            return "text" if isinstance(first, str) else "bytes"
        return form_of(first.shape) if isinstance(first, np.ndarray) and first.dtype.kind in "biuf" else "other"

    @property
    def array(self) -> NDArray[Any]:
        """All numbers of the few items, in one axis."""
        return np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in self.values])

    @property
    def channels(self) -> int:
        """The number of channels of a picture; 0 of anything else."""
        shape = np.shape(self.values[0]) if len(self.values) else ()
        return {"HWC": shape[-1], "CHW": shape[0], "HW": 1}.get(self.form, 0) if shape else 0


def form_of(shape: Sequence[int]) -> Form:
    """What an array of this shape is."""
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return "HWC"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "CHW"
    if len(shape) == 2:
        return "series" if min(shape) <= MOST_CHANNELS < max(shape) / 8 else "HW"
    if len(shape) == 1:
        return "vector" if shape[0] <= LONGEST_ROW else "series"
    return "other"


def inputs(setup: Setup) -> Iterator[tuple[int, Input]]:
    """The inputs that are made of items, with their places."""
    return ((number, spec) for number, spec in enumerate(setup.inputs) if spec.constant is None)


def stages(setup: Setup, sight: Sight, *forms: Form) -> Iterator[Stage]:
    """For each input the first place where the values have one of these forms."""
    for number, spec in inputs(setup):
        found = (Stage(number, spec, at, sight.values(spec, at)) for at in range(len(spec.steps) + 1))
        yield from [stage for stage in found if stage.form in forms][:1]


def last(setup: Setup, sight: Sight) -> Iterator[Stage]:
    """For each input what goes into the model."""
    for number, spec in inputs(setup):
        values = sight.values(spec, len(spec.steps))
        if len(values):
            yield Stage(number, spec, len(spec.steps), values)


def found(setup: Setup, *names: str) -> Iterator[tuple[int, int, Step]]:
    """The steps of these names before the model: place of the input, place among its steps, the step."""
    for number, spec in inputs(setup):
        yield from ((number, at, step) for at, step in enumerate(spec.steps) if step.name in names)


def replaced(setup: Setup, number: int, at: int, *steps: Step, count: int = 1) -> Setup:
    """The setup with ``count`` steps of an input replaced by others (or by none)."""
    spec = setup.inputs[number]
    made = (*spec.steps[:at], *steps, *spec.steps[at + count :])
    changed = dataclasses.replace(spec, steps=made)
    return dataclasses.replace(setup, inputs=(*setup.inputs[:number], changed, *setup.inputs[number + 1 :]))


def inserted(setup: Setup, number: int, at: int, *steps: Step) -> Setup:
    """The setup with steps put before the one at this place."""
    return replaced(setup, number, at, *steps, count=0)


def changed(step: Step, **options: Any) -> Step:
    """The step with other options; None takes one away."""
    kept = {key: value for key, value in {**step.options, **options}.items() if value is not None}
    return Step(step.name, kept)


def decisive(setup: Setup) -> tuple[int, Output] | None:
    """The output that predictions are made of: the first with steps, else the first."""
    if not setup.outputs:
        return None
    number = next((number for number, spec in enumerate(setup.outputs) if spec.steps), 0)
    return number, setup.outputs[number]


def with_output(setup: Setup, *steps: Step) -> Setup:
    """The setup with other steps after the model."""
    decided = decisive(setup)
    assert decided is not None  # who calls has looked
    number, spec = decided
    outputs = (*setup.outputs[:number], dataclasses.replace(spec, steps=steps), *setup.outputs[number + 1 :])
    return dataclasses.replace(setup, outputs=outputs)


def without(setup: Setup, name: str) -> Iterator[tuple[int, Setup]]:
    """For each step of this name after the model: its place, and the setup without it."""
    decided = decisive(setup)
    steps = decided[1].steps if decided else ()
    for at, step in enumerate(steps):
        if step.name == name:
            yield at, with_output(setup, *steps[:at], *steps[at + 1 :])


def place_of(spec: Output, *names: str) -> int | None:
    """Where the first step of one of these names stands after the model."""
    return next((at for at, step in enumerate(spec.steps) if step.name in names), None)


def ceiling(values: NDArray[Any]) -> float:
    """The end of the usual range that the largest magnitude lies in: 1, 16, 255, 32768...; 0 where there is none."""
    finite = np.abs(values[np.isfinite(values)])
    most = float(finite.max(initial=0))
    return next((end for end in CEILINGS if end / 8 < most <= end), most)
