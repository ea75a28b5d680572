"""The domain of an input: which tensors a framework may be given, as a manifest declares it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.core.manifest import Domain, Input, Step

_NUMBERS: Final = ("low", "high")
_TEXTS: Final = ("alphabet", "min_length", "max_length")


def domain(document: Document, entry: Mapping[str, Any], at: Pointer) -> Domain | None:
    """The domain of the input that stands at ``at``; None where it has none.

    Raises:
        DocumentError: it does not go with the input's dtype or shape; with the line.
    """
    given = entry.get("domain")
    if given is None:
        return None
    inside = (*at, "domain")
    if "constant" in entry:
        raise DocumentError("a constant input has no domain", where=document.at(inside), hint="drop domain")
    text = entry["dtype"] == "string"
    _refuse_strangers(document, given, _NUMBERS if text else _TEXTS, entry["dtype"], inside)
    (_check_text if text else _check_numbers)(document, entry, given, inside)
    axes = {name: (int(low), int(high)) for name, (low, high) in given.get("axes", {}).items()}
    _check_axes(document, entry.get("shape", ()), axes, (*inside, "axes") if axes else inside)
    return Domain(**{**given, "values": tuple(given.get("values", ())), "axes": axes})


def _refuse_strangers(
    document: Document, given: Mapping[str, Any], strange: Iterable[str], dtype: str, at: Pointer
) -> None:
    for key in strange:
        if key in given:
            raise DocumentError(f'the domain of an input of {dtype} has no "{key}"', where=document.at((*at, key)))


def _check_text(document: Document, entry: Mapping[str, Any], given: Mapping[str, Any], at: Pointer) -> None:
    if len(entry.get("shape", ())) > 1:
        raise DocumentError("the domain of a text is that of one text an item", where=document.at(at))
    if not all(isinstance(value, str) for value in given.get("values", ())):
        raise DocumentError("the values of a text are texts", where=document.at((*at, "values")))
    if given.get("min_length", 0) > given.get("max_length", 100):
        raise DocumentError("min_length is larger than max_length", where=document.at(at))


def _check_numbers(document: Document, entry: Mapping[str, Any], given: Mapping[str, Any], at: Pointer) -> None:
    if not entry.get("shape"):
        raise DocumentError("a domain needs the shape of its input", where=document.at(at), hint='add "shape:"')
    if ("values" in given) == any(key in given for key in _NUMBERS):
        raise DocumentError("a domain has either low and high, or values", where=document.at(at))
    if "values" in given:
        _check_values(document, entry["dtype"], given["values"], (*at, "values"))
        return
    if not all(key in given for key in _NUMBERS):
        raise DocumentError("a domain has both low and high", where=document.at(at))
    _check_values(document, entry["dtype"], [given[key] for key in _NUMBERS], at)
    if given["low"] > given["high"]:
        raise DocumentError("low is larger than high", where=document.at(at))


def _check_values(document: Document, dtype: str, values: Sequence[Any], at: Pointer) -> None:
    """Refuse numbers that the dtype cannot hold."""
    for value in values:
        fits = isinstance(value, (int, float)) and _fits(value, np.dtype(dtype))
        if not fits:
            raise DocumentError(f"{value!r} is no value of {dtype}", where=document.at(at))


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "b":
        return value in (0, 1)
    if dtype.kind == "f":
        return abs(value) <= float(np.finfo(dtype).max)
    return value == int(value) and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _check_axes(document: Document, shape: Sequence[Any], axes: Mapping[str, tuple[int, int]], at: Pointer) -> None:
    named = [axis for axis in shape if isinstance(axis, str) and axis != "batch"]
    for name, (low, high) in axes.items():
        if name not in named:
            raise DocumentError(f'the shape has no axis "{name}"', where=document.at((*at, name)), got=list(shape))
        if low > high:
            raise DocumentError(f'the axis "{name}" is longest before shortest', where=document.at((*at, name)))
    for name in named:
        if name not in axes:
            raise DocumentError(
                f'the domain does not say how long the axis "{name}" may be',
                where=document.at(at),
                hint=f"add `axes: {{{name}: [SHORTEST, LONGEST]}}`",
            )


def drawable(inputs: Iterable[Input]) -> bool:
    """Whether all that varies in these inputs can be drawn from a declared domain."""
    fed = [spec for spec in inputs if spec.constant is None]
    return bool(fed) and all(spec.domain is not None for spec in fed)


def same_quantity(one: Input, other: Input) -> bool:
    """Whether two inputs hold the same numbers, perhaps under another name or with other axes' order."""
    return (one.dtype, one.field, one.constant, _values_of(one.steps)) == (
        *(other.dtype, other.field, other.constant),
        _values_of(other.steps),
    )


def _values_of(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.name != "layout"]


def inherited(own: tuple[Input, ...], of_model: Sequence[Input]) -> tuple[Input, ...]:
    """A framework's own inputs, with the model's domains where these are of the same quantity."""
    if len(own) != len(of_model):
        return own
    return tuple(
        replace(one, domain=other.domain) if one.domain is None and same_quantity(one, other) else one
        for one, other in zip(own, of_model, strict=True)
    )
