"""A table judged: all rules at their share of the error rate, and a verdict on every figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pytest_mlmodelscope.table import flips, impossible
from pytest_mlmodelscope.table.cells import Cell, Finding, Judged, Rules, Table, Word
from pytest_mlmodelscope.table.claimed import Held, held
from pytest_mlmodelscope.table.grouping import grouped, listed, points, size_of
from pytest_mlmodelscope.table.implausible import Implausible, implausible
from pytest_mlmodelscope.table.items import with_items
from pytest_mlmodelscope.table.outliers import Deviation, comparable, deviations, variances
from pytest_mlmodelscope.table.shifts import Shift, shifts
from pytest_mlmodelscope.table.spread import Residual, residuals
from pytest_mlmodelscope.table.twins import Twins, twins

#: The rules that can be wrong, each of which has an equal share of the error rate.
FAMILIES: Final = ("outlier", "shift", "twins", "implausible", "claim", "spread")
DEFAULT: Final = Rules()
#: Factors between units that are mistaken for each other.
_UNITS: Final = {1e3: "a thousand", 1e6: "a million", 60.0: "sixty"}


def judge(table: Table, rules: Rules = DEFAULT, items: int | None = None) -> Judged:
    """What is wrong with a table, and a verdict on each of its figures.

    Of tables in which nothing is wrong, a share ``rules.error_rate`` at most has any finding: each family
    of rules has a sixth of it, and inside a family p-values are corrected for all its tests.
    """
    stated = [cell.n is not None for cell in table.cells]
    table = with_items(table, items)
    cells, level = table.cells, rules.error_rate / len(FAMILIES)
    tested = deviations(cells, rules, level)
    off = frozenset(one.cell for one in tested if one.p <= level)
    claims = held(cells, rules, level)
    alike = [one for one in twins(cells, _broken(cells, tested, level)) if one.p <= level]
    findings = [
        *impossible.findings(cells, stated),
        *_with_twins(cells, list(grouped(cells, tested, level)), alike),
        *_of_shifts(cells, [one for one in shifts(cells, rules, off) if one.p <= level]),
        *(_of_twins(cells, one) for one in alike),
        *_of_implausible([one for one in implausible(cells, off) if one.p <= level]),
        *_of_claims(cells, [one for one in claims if one.verdict == "refuted"]),
        *(_of_residual(cells, one) for one in residuals(cells) if one.p <= level),
    ]
    verdicts, reasons = zip(*_verdicts(cells, findings, claims, tested), strict=True)
    notes = (*table.notes, *impossible.notes(cells, stated), *_power(cells, rules, level))
    tests = {"cells": len(cells), "compared": len(tested), "claims": len(claims)}
    return Judged(table, rules, tuple(findings), verdicts, reasons, tests, notes)


def _broken(cells: Sequence[Cell], tested: Sequence[Deviation], level: float) -> frozenset[int]:
    return frozenset(one.cell for one in tested if one.p <= level and size_of(cells[one.cell], one) == "broken")


def _with_twins(cells: Sequence[Cell], found: Sequence[Finding], alike: Sequence[Twins]) -> Iterator[Finding]:
    """A figure that is off and is another model's has its explanation."""
    for finding in found:
        own = {cells[place].model for place in finding.cells}
        others = [
            next(iter(set(one.models) - own), "")
            for one in alike
            if finding.kind == "outlier" and set(finding.cells) & set(one.cells)
        ]
        hint = f"these are the figures of {others[0]}: that model was loaded, it seems" if others else finding.hint
        yield replace(finding, hint=hint)


def _of_shifts(cells: Sequence[Cell], found: Sequence[Shift]) -> Iterator[Finding]:
    """One for each framework and machine, whatever metrics show it."""
    for part, name in dict.fromkeys((one.part, one.name) for one in found):
        rows = [one for one in found if (one.part, one.name) == (part, name)]
        told = " and ".join(f"{points(one.difference)} in {one.metric}" for one in rows)
        others = {getattr(cell, part) for cell in cells} - {name}
        against = next(iter(others)) if len(others) == 1 else f"the other {part}s"
        text = f"the {part} {name} is off against {against} by {told}, in the mean of its models"
        places = tuple(sorted(place for one in rows for place in one.cells))
        hint = "a constant difference: decoder, resize, precision or rounding"
        yield Finding("shift", text, places, "slight", min(one.p for one in rows), hint)


def _of_twins(cells: Sequence[Cell], one: Twins) -> Finding:
    sides = [
        f"{model} on {listed([cells[place].stack for place in one.cells if cells[place].model == model])}"
        for model in one.models
    ]
    figures = {cells[place].metric.name: cells[place].text for place in one.cells}
    told = ", ".join(f"{name} {text}" for name, text in figures.items())
    text = f"{sides[0]} has the very figures of {sides[1]}: {told}"
    return Finding("twins", text, one.cells, "", one.p, "one model under two names: a wrong file was loaded, it seems")


def _of_implausible(found: Sequence[Implausible]) -> Iterator[Finding]:
    """One for each model, whatever metrics show it."""
    for model in dict.fromkeys(one.model for one in found):
        rows = [one for one in found if one.model == model]
        one = rows[0]
        text = (
            f"{model} is far below the other models wherever it runs: {one.metric} {100 * one.value:.4g} %, "
            f"the median of the models is {100 * one.typical:.4g} %"
        )
        hint = "that its stacks agree proves nothing: look at its input, labels and weights, or hold it against a claim"
        places = tuple(sorted(place for row in rows for place in row.cells))
        yield Finding("implausible", text, places, "broken", min(row.p for row in rows), hint)


def _of_claims(cells: Sequence[Cell], refuted: Sequence[Held]) -> Iterator[Finding]:
    """One for each model and metric; the figure that is farthest from its claim is told."""
    hint = "what was claimed may be of other data or conditions"
    for key in dict.fromkeys((cells[one.cell].model, cells[one.cell].metric.name) for one in refuted):
        rows = [one for one in refuted if (cells[one.cell].model, cells[one.cell].metric.name) == key]
        worst = max(rows, key=lambda one: max(one.admitted[0] - one.high, one.low - one.admitted[1]))
        cell = cells[worst.cell]
        others = f"; as well on {len(rows) - 1:,} more" if len(rows) > 1 else ""
        text = f"{cell.model} on {cell.stack}: {_claim_reason(cell, worst)}{others}"
        yield Finding("claim", text, tuple(one.cell for one in rows), "", None, hint)


def _claim_reason(cell: Cell, one: Held) -> str:
    assert cell.published is not None  # it is held against it
    return (
        f"{cell.metric.name} {100 * cell.value:.5g} % ({100 * one.low:.4g} to {100 * one.high:.4g} %) "
        f"against {100 * cell.published.value:.5g} % claimed"
    )


def _of_residual(cells: Sequence[Cell], one: Residual) -> Finding:
    cell = cells[one.cell]
    more = max(one.factor, 1 / one.factor)
    near = next((word for unit, word in _UNITS.items() if 0.5 < more / unit < 2), "")
    text = (
        f"{cell.model} on {cell.stack}: {cell.metric.name} {cell.text} is {more:.3g} times "
        f"{'more' if one.factor > 1 else 'less'} than model and stack make likely"
    )
    return Finding("spread", text, (one.cell,), "", one.p, f"a factor of {near}: another unit?" if near else "")


def _power(cells: Sequence[Cell], rules: Rules, level: float) -> Iterator[str]:
    """From which difference on a figure is seen to be off."""
    groups = [group for group in comparable(cells) if len(group) > 1]
    tests = sum(map(len, groups))
    if not tests or not rules.paired:
        return
    per_item = max(variances(cells, groups, rules).values())
    others = {cells[group[0]].n or 1: len({cells[place].framework for place in group}) for group in groups}
    for n, frameworks in sorted(others.items(), reverse=True)[:3]:
        variance = per_item * n * (1 + 1 / max(1, frameworks - 1))
        least = (flips.critical(variance, level / tests) + 1) / n + flips.NEGLIGIBLE
        yield f"of {n:,} items, a figure that is {100 * least:.2g} points off is seen"


def _verdicts(
    cells: Sequence[Cell], findings: Sequence[Finding], claims: Sequence[Held], tested: Sequence[Deviation]
) -> Iterator[tuple[Word, str]]:
    """Of each cell, in order of weight: impossible or refuted, suspect, confirmed, consistent, open."""
    against = {one.cell: one for one in claims}
    compared = {one.cell: one for one in tested}
    accused: dict[int, Finding] = {}
    for finding in findings:
        for place in _accused(finding, findings):
            accused.setdefault(place, finding)
    for place, cell in enumerate(cells):
        one, found = against.get(place), accused.get(place)
        if found is not None and found.kind == "impossible":
            yield "refuted", found.text
        elif one is not None and one.verdict == "refuted":
            yield "refuted", _claim_reason(cell, one)
        elif found is not None:
            yield "suspect", found.text
        elif one is not None:
            yield one.verdict, _claim_reason(cell, one)
        elif place in compared:
            yield "consistent", _agreeing(place, compared[place])
        else:
            yield "inconclusive", "there is nothing to hold it against"


def _agreeing(place: int, deviation: Deviation) -> str:
    others = len(set(deviation.group.agreeing) - {place})
    if not others:
        return "the other stacks are hardly ever right"
    return f"agrees with {others:,} other stack{'' if others == 1 else 's'}"


def _accused(finding: Finding, findings: Sequence[Finding]) -> Iterator[int]:
    """The cells that a finding speaks against: of twins those that are off, where some are."""
    if finding.kind != "twins":
        yield from finding.cells
        return
    off = {place for one in findings if one.kind == "outlier" for place in one.cells}
    yield from [place for place in finding.cells if place in off] or finding.cells
