"""Measured figures against those that were claimed, with what sampling, rounding and numerics allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.table import flips
from pytest_mlmodelscope.table.cells import Cell, Metric, Published, Rules, Table, Word


@dataclass(frozen=True, slots=True)
class Held:
    """One cell against its claim: the interval of what it may really be, what is admitted, the verdict."""

    cell: int
    low: float
    high: float
    admitted: tuple[float, float]
    verdict: Word


def with_claims(table: Table, claims: Table) -> Table:
    """The table with the claims of another one, which has a figure for each model and metric.

    Raises:
        UsageError: no claim is about a model and metric of the table.
    """
    known = {(cell.model, cell.metric): cell for cell in claims.cells}
    cells = tuple(_with_claim(cell, known.get((cell.model, cell.metric))) for cell in table.cells)
    if cells == table.cells:
        models = dict.fromkeys(cell.model for cell in table.cells)
        first = claims.cells[0]
        raise UsageError(
            f"no claim is about a figure of {table.path}",
            where=claims.path,
            got=f"{first.model}, {first.metric.name}",
            hint=did_you_mean(first.model, models),
        )
    return replace(table, cells=cells, notes=tuple(dict.fromkeys((*table.notes, *claims.notes))))


def _with_claim(cell: Cell, claim: Cell | None) -> Cell:
    if claim is None:
        return cell
    tolerance = claim.published.tolerance if claim.published else None
    return replace(cell, published=Published(claim.value, claim.half, tolerance, claim.n))


def held(cells: Sequence[Cell], rules: Rules, level: float) -> list[Held]:
    """Every share and score that has a claim, each at ``level`` divided among all of them (Bonferroni)."""
    places = [place for place, cell in enumerate(cells) if cell.published is not None and cell.metric.kind != "other"]
    return [_held(place, cells[place], rules, level / len(places)) for place in places]


def _held(place: int, cell: Cell, rules: Rules, level: float) -> Held:
    published = cell.published
    assert published is not None  # held asks for it
    same = _are_same_items(cell, rules)
    low, high = _interval(cell, rules, level, same)
    margin = published.half + max(rules.tolerance, published.tolerance or 0.0)
    least, most = _bounds(cell.metric, published.value, margin)
    verdict: Word = "inconclusive"
    # Of the same items the figure is what it is; numerics alone are no reason to refute it.
    if least <= (cell.value if same else low) and (cell.value if same else high) <= most:
        verdict = "confirmed"
    elif high < least or most < low:
        verdict = "refuted"
    return Held(place, low, high, (least, most), verdict)


def _bounds(metric: Metric, value: float, margin: float) -> tuple[float, float]:
    """What is better than claimed does not refute a claim."""
    slack = margin + 1e-12
    return (0.0, value + slack) if metric.error else (value - slack, 1.0)


def _are_same_items(cell: Cell, rules: Rules) -> bool:
    """Whether a claim is about the items of its figure: as somebody says, or as it has just as many."""
    published = cell.published
    return rules.census or (published is not None and published.n is not None and published.n == cell.n)


def _interval(cell: Cell, rules: Rules, level: float, same: bool) -> tuple[float, float]:
    """What the figure may really be: of the same items within the numerics of two stacks, of others within sampling."""
    n = cell.n or 1
    if same or cell.metric.kind == "score":
        half = flips.critical(2 * rules.flips * n, level) / n + cell.half
        return max(0.0, cell.value - half), min(1.0, cell.value + half)
    low, high = _clopper_pearson(min(n, max(0, round(cell.value * n))), n, level)
    return max(0.0, low - cell.half), min(1.0, high + cell.half)


def _clopper_pearson(hits: int, n: int, level: float) -> tuple[float, float]:
    """As ``verdict.intervals`` has it, a hundred times faster: a table has many figures."""
    from scipy.special import betaincinv

    low = float(betaincinv(hits, n - hits + 1, level / 2)) if hits else 0.0
    return low, float(betaincinv(hits + 1, n - hits, 1 - level / 2)) if hits < n else 1.0
