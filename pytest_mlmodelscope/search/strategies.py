"""Hypothesis' strategies of queries, and the extremes that are tried besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from pytest_mlmodelscope.core.manifest import Domain, Input
from pytest_mlmodelscope.interfaces.check import Query
from pytest_mlmodelscope.search.sketch import SMALL, Range, Sketch, coarse

#: Items in one query at most.
LARGEST_BATCH: Final = 8
_SPIKES: Final = 3

_Item = tuple[dict[str, Any], str]


def queries(inputs: Sequence[Input]) -> st.SearchStrategy[Query]:
    """Queries of one to ``LARGEST_BATCH`` items of the inputs' domains; all of them have the same lengths."""
    lengths = {name: st.integers(low, high) for name, (low, high) in _bounds(inputs).items()}

    def of_lengths(chosen: Mapping[str, int]) -> st.SearchStrategy[Query]:
        item = _items(inputs, chosen)
        return st.lists(item, min_size=1, max_size=_most(inputs)).map(lambda found: _query(inputs, found))

    return st.fixed_dictionaries(lengths).flatmap(of_lengths)


def queries_of_items(inputs: Sequence[Input], count: int, prepare: Callable[[int], _Item]) -> st.SearchStrategy[Query]:
    """Queries of ``count`` real items; ``prepare`` gives the tensors and the name of one of them."""

    def together(places: list[int]) -> Query:
        found = [prepare(place) for place in places]
        first = _shapes(found[0][0])
        # Items of different lengths cannot be asked about at once.
        return _query(inputs, [one for one in found if _shapes(one[0]) == first])

    return st.lists(st.integers(0, count - 1), min_size=1, max_size=_most(inputs)).map(together)


def extremes(inputs: Sequence[Input]) -> Iterator[Query]:
    """One item with every number at its least, and at its largest, with the axes shortest and longest."""
    bounds = _bounds(inputs)
    for end in (0, 1):
        lengths = {name: ends[end] for name, ends in bounds.items()}
        for largest in (False, True):
            texts, values = [], {}
            for spec in _fed(inputs):
                values[spec.name], text = _extreme(spec, lengths, largest)
                texts.append(f"{spec.name} = {text}")
            yield _query(inputs, [(values, "; ".join(texts))])


def _fed(inputs: Sequence[Input]) -> list[Input]:
    return [spec for spec in inputs if spec.constant is None]


def _domain(spec: Input) -> Domain:
    assert spec.domain is not None  # who draws has asked for it
    return spec.domain


def _bounds(inputs: Sequence[Input]) -> dict[str, tuple[int, int]]:
    """The lengths of each named axis that all inputs with that axis allow."""
    found: dict[str, tuple[int, int]] = {}
    for spec in _fed(inputs):
        for name, (low, high) in _domain(spec).axes.items():
            before = found.get(name, (low, high))
            found[name] = (max(low, before[0]), min(high, before[1]))
    return found


def _most(inputs: Sequence[Input]) -> int:
    return LARGEST_BATCH if all(spec.batched for spec in _fed(inputs)) else 1


def _query(inputs: Sequence[Input], found: Sequence[_Item]) -> Query:
    return Query(tuple(inputs), tuple(values for values, _ in found), tuple(text for _, text in found))


def _shapes(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "shape", None) for name, value in values.items()}


def _items(inputs: Sequence[Input], lengths: Mapping[str, int]) -> st.SearchStrategy[_Item]:
    parts = [_values(spec, lengths).map(partial(_named, spec)) for spec in _fed(inputs)]

    def joined(found: Sequence[tuple[str, Any, str]]) -> _Item:
        return {name: value for name, value, _ in found}, "; ".join(f"{name} = {text}" for name, _, text in found)

    return st.tuples(*parts).map(joined)


def _named(spec: Input, found: tuple[Any, str]) -> tuple[str, Any, str]:
    return spec.name, *found


def _values(spec: Input, lengths: Mapping[str, int]) -> st.SearchStrategy[tuple[Any, str]]:
    domain = _domain(spec)
    if spec.dtype == "string":
        return _texts(domain).map(lambda text: (text, repr(text)))
    shape, within = _shape(spec, lengths), Range.of(domain, spec.dtype)

    def expanded(sketch: Sketch) -> tuple[Any, str]:
        array = sketch.array(shape, within)
        return array, sketch.text(array)

    return _sketches(shape, within).map(expanded)


def _texts(domain: Domain) -> st.SearchStrategy[str]:
    if domain.values:
        return st.sampled_from(domain.values)
    characters = st.sampled_from(domain.alphabet) if domain.alphabet else st.characters(exclude_categories=["Cs"])
    return st.text(characters, min_size=domain.min_length, max_size=domain.max_length)


def _shape(spec: Input, lengths: Mapping[str, int]) -> list[int]:
    axes = spec.shape[1:] if spec.batched else spec.shape
    return [axis if isinstance(axis, int) else lengths[axis] for axis in axes]


def _sketches(shape: Sequence[int], within: Range) -> st.SearchStrategy[Sketch]:
    element = _elements(within)
    size = int(np.prod(shape))
    if within.values and size <= SMALL:
        # Each array in one way only, so that it is seen when all have been drawn.
        every = drawn.arrays(np.float64, tuple(shape), elements=element, fill=st.nothing())
        return every.map(lambda found: Sketch(0.0, found))
    pattern = drawn.arrays(np.float64, coarse(shape), elements=element)
    noise = st.tuples(st.integers(0, 2**16), st.sampled_from([0.01, 0.1, 1.0]))
    spike = st.tuples(st.integers(0, max(size - 1, 0)), element)
    spikes = st.lists(spike, max_size=min(size, _SPIKES)).map(tuple)
    return st.builds(Sketch, element, st.none() | pattern, st.none() | noise, spikes)


def _elements(within: Range) -> st.SearchStrategy[Any]:
    """One number of a range; its ends more often than others."""
    if within.values:
        return st.sampled_from(within.values).map(float)
    if within.dtype.kind != "f":
        return st.integers(int(within.low), int(within.high)).map(float)
    width: Any = 8 * within.dtype.itemsize
    ends = st.sampled_from([within.low, within.high])
    return st.floats(within.low, within.high, width=width, allow_subnormal=False) | ends


def _extreme(spec: Input, lengths: Mapping[str, int], largest: bool) -> tuple[Any, str]:
    domain = _domain(spec)
    if spec.dtype == "string":
        return _extreme_text(domain, largest)
    within = Range.of(domain, spec.dtype)
    sketch = Sketch(within.high if largest else within.low)
    array = sketch.array(_shape(spec, lengths), within)
    return array, sketch.text(array)


def _extreme_text(domain: Domain, largest: bool) -> tuple[str, str]:
    if domain.values:
        text = reduce(lambda a, b: b if (len(b) > len(a)) == largest else a, domain.values)
    else:
        last = (domain.alphabet or "z")[-1]
        text = last * (domain.max_length if largest else domain.min_length)
    return text, repr(text)
