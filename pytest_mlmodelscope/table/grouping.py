"""From single cells to findings: one for each cause, not one for each cell that it shows in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from pytest_mlmodelscope.table.cells import Cell, Finding
from pytest_mlmodelscope.table.outliers import Deviation

Size = Literal["slight", "large", "broken"]
Part = Literal["framework", "machine"]
_PARTS: Final[tuple[Part, ...]] = ("machine", "framework")
#: What is likely to make a difference of each size.
CAUSES: Final[dict[Size, str]] = {
    "slight": "another decoder, resize or crop, or another version of the weights",
    "large": "another preprocessing (colour order, mean and scale, crop), or other weights",
    "broken": "hardly an item is right: scale or layout of the input, the label map, or weights that were not loaded",
}
#: A difference up to this fraction is slight.
SLIGHT: Final = 0.01
#: A framework or machine is at fault itself where so many models, and this share of its figures, are off.
LEAST_MODELS: Final = 3
MOST: Final = 0.5
#: Figures that differ by less than this share of what others differ are alike.
ALIKE: Final = 0.2


def size_of(cell: Cell, deviation: Deviation) -> Size:
    """The class of a difference; broken: fewer than half as many items right as elsewhere."""
    reference = cell.value - deviation.difference
    right, expected = (1 - cell.value, 1 - reference) if cell.metric.error else (cell.value, reference)
    if right < expected / 2:
        return "broken"
    return "slight" if abs(deviation.difference) < SLIGHT else "large"


def grouped(cells: Sequence[Cell], tested: Sequence[Deviation], level: float) -> Iterator[Finding]:
    """Findings of the cells that are apart: stacks that disagree, whole frameworks and machines, then the rest."""
    off = {one.cell: one for one in tested if one.p <= level}
    undecided = {place for place, one in off.items() if one.group.reference is None}
    yield from _disagreements(cells, {place: off[place] for place in undecided})
    left = {place: one for place, one in off.items() if place not in undecided}
    everything = [one.cell for one in tested if one.group.reference is not None]
    while (fault := _whole(cells, left, everything)) is not None:
        part, name, places = fault
        yield _of_whole(cells, {place: left.pop(place) for place in places}, part, name)
    yield from _single(cells, left)


def points(difference: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * difference:+.3g} points"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Different names in a row, not too many."""
    known = list(dict.fromkeys(names))
    return ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")


def _disagreements(cells: Sequence[Cell], off: Mapping[int, Deviation]) -> Iterator[Finding]:
    """One where two frameworks, or two machines, disagree in many models; then one for each model that is left."""
    left = dict(off)
    for part in _PARTS:
        places = [place for place in left if _splits(cells, left[place], part)]
        models = list(dict.fromkeys(cells[place].model for place in places))
        if len(models) >= LEAST_MODELS:
            names = listed([getattr(cells[place], part) for place in places])
            text = f"the {part}s {names} do not agree in {len(models)} models ({listed(models)})"
            yield _disagreement(cells, {place: left.pop(place) for place in places}, text)
    by_model: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place in sorted(left):
        cell = cells[place]
        by_model[cell.model, cell.dataset, cell.precision].append(place)
    for (model, _, _), places in by_model.items():
        metric = cells[places[0]].metric.name
        told = [f"{cells[place].stack} {cells[place].text}" for place in places if cells[place].metric.name == metric]
        text = f"the stacks of {model} do not agree, and none of them has a majority: {metric} {listed(told)}"
        yield _disagreement(cells, {place: left[place] for place in places}, text)


def _disagreement(cells: Sequence[Cell], off: Mapping[int, Deviation], text: str) -> Finding:
    size = _largest(cells, list(off.values()))
    p = min(one.p for one in off.values())
    return Finding("disagreement", text, tuple(off), size, p, "a third one, or a claim, would say which is right")


def _splits(cells: Sequence[Cell], deviation: Deviation, part: Part) -> bool:
    """Whether figures of one framework (machine) are alike and those of several are not."""
    values: dict[str, list[float]] = defaultdict(list)
    for place in deviation.group.cells:
        values[getattr(cells[place], part)].append(cells[place].value)
    inside = max(max(some) - min(some) for some in values.values())
    return len(values) > 1 and inside < ALIKE * abs(deviation.difference)


def _largest(cells: Sequence[Cell], deviations: Sequence[Deviation]) -> Size:
    sizes = {size_of(cells[one.cell], one) for one in deviations}
    return next(size for size in ("broken", "large", "slight") if size in sizes)


def _whole(
    cells: Sequence[Cell], off: Mapping[int, Deviation], everything: Sequence[int]
) -> tuple[Part, str, list[int]] | None:
    """The framework or machine of which the largest share of figures is off, where it is large enough."""
    best: tuple[float, int] = (0.0, 0)
    found: tuple[Part, str, list[int]] | None = None
    for part in reversed(_PARTS):
        names = {getattr(cells[place], part) for place in everything}
        for name in sorted(names) if len(names) > 1 else ():
            places = sorted(place for place in off if getattr(cells[place], part) == name)
            all_ = sum(getattr(cells[place], part) == name for place in everything)
            share = (len(places) / all_, len(places))
            if share[0] >= MOST and len({cells[place].model for place in places}) >= LEAST_MODELS and share > best:
                best, found = share, (part, name, places)
    return found


def _of_whole(cells: Sequence[Cell], off: Mapping[int, Deviation], part: Part, name: str) -> Finding:
    models = listed([cells[place].model for place in off])
    size = _largest(cells, list(off.values()))
    far = [one.difference for one in off.values()]
    return Finding(
        part,
        f"the {part} {name} is off in {len({cells[place].model for place in off})} models ({models}): "
        f"by {points(min(far))} to {points(max(far))}",
        tuple(off),
        size,
        min(one.p for one in off.values()),
        f"one cause for all of them: {CAUSES[size]}",
    )


def _single(cells: Sequence[Cell], off: Mapping[int, Deviation]) -> Iterator[Finding]:
    """One for each model and framework, over all metrics and machines."""
    groups: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for place in sorted(off):
        cell = cells[place]
        groups[cell.model, cell.framework, cell.dataset, cell.precision].append(place)
    for places in groups.values():
        deviations = [off[place] for place in places]
        size = _largest(cells, deviations)
        worst = max(deviations, key=lambda one: abs(one.difference))
        yield Finding(
            "outlier",
            f"{_where(cells, places)}: {_told(cells[worst.cell], worst)}",
            tuple(places),
            size,
            min(one.p for one in deviations),
            _hint(cells[worst.cell], worst, size),
        )


def _where(cells: Sequence[Cell], places: Sequence[int]) -> str:
    first = cells[places[0]]
    machines = listed([cells[place].machine for place in places])
    stack = " on ".join(filter(None, (first.framework, machines)))
    about = ", ".join(filter(None, (first.dataset, first.precision)))
    return first.model + (f" ({about})" if about else "") + (f" on {stack}" if stack else "")


def _told(cell: Cell, deviation: Deviation) -> str:
    reference = cell.value - deviation.difference
    agreeing = len(set(deviation.group.agreeing) - {deviation.cell})
    side = "above" if deviation.difference > 0 else "below"
    return (
        f"{cell.metric.name} {100 * cell.value:.5g} % is {100 * abs(deviation.difference):.3g} points {side} the "
        f"{100 * reference:.5g} % of {agreeing:,} {'stack' if agreeing == 1 else 'stacks that agree'}"
    )


def _hint(cell: Cell, deviation: Deviation, size: Size) -> str:
    reference = cell.value - deviation.difference
    if deviation.difference > reference:
        return "far more is right here than on the stacks that agree: they may be what is broken"
    for factor in (100, 0.01):
        if reference and abs(cell.value * factor - reference) <= abs(reference) * SLIGHT:
            return "it would agree in the other unit: a fraction among figures in per cent, or the other way round"
    return CAUSES[size]
