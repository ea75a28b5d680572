"""What models take and give, as far as their steps and their outputs say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pytest_mlmodelscope.core.manifest import Input, Output, Step
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.step import Kind

TEXT: Final = Kind("text")
NUMBERS: Final = Kind("numbers")
PICTURE: Final = Kind("picture")
FIELDS: Final = Kind("fields")


def taken(inputs: Sequence[Input]) -> Kind | None:
    """What an item has to be for a model with these inputs; None where it does not say."""
    fed = [spec for spec in inputs if spec.constant is None]
    if any(spec.field is not None for spec in fed):
        return FIELDS
    return first(fed[0].steps, _of_dtype(fed[0].dtype)) if fed else None


def first(steps: Sequence[Step], otherwise: Kind | None) -> Kind | None:
    """What these steps take; ``otherwise`` is what is taken where there are none."""
    if not steps:
        return otherwise
    step = member("steps", steps[0].name)
    reads = getattr(step, "READS", None)
    found: Kind | None = Kind("picture" if reads == "picture" else "file") if reads else getattr(step, "TAKES", None)
    return found


def given(outputs: Sequence[Output]) -> Kind | None:
    """What the prediction of a model with these outputs is; None where they do not say."""
    output = answering(outputs)
    if output is None:
        return None
    return last(output.steps, None if output.dtype is None else _of_dtype(output.dtype))


def last(steps: Sequence[Step], start: Kind | None) -> Kind | None:
    """What these steps make of what they are given, which is ``start``."""
    if not steps:
        return start
    step = member("steps", steps[-1].name)
    chooses = getattr(step, "CHOOSES", None)
    found: Kind | None = Kind("class", int(chooses != "one")) if chooses else getattr(step, "GIVES", None)
    return found


def answering(outputs: Sequence[Any]) -> Any:
    """The output whose steps make the prediction: the first one with steps, else the first; None without any."""
    return next((spec for spec in outputs if spec.steps), outputs[0] if outputs else None)


def fits(is_given: Kind | None, is_taken: Kind | None) -> bool:
    """Whether what is given may be what is taken; what is not known may be anything."""
    if is_given is None or is_taken is None:
        return True
    # The name of a class is a text; the lengths of axes are not known of numbers.
    return is_given == is_taken or (is_given == Kind("class") and is_taken in (TEXT, NUMBERS))


def _of_dtype(dtype: str) -> Kind:
    return TEXT if dtype == "string" else NUMBERS
