"""A history in words, and for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from pytest_mlmodelscope.record.case import json_ready
from pytest_mlmodelscope.record.history import FAILURES, CaseHistory, Change, History
from pytest_mlmodelscope.reports._causes import sentences
from pytest_mlmodelscope.reports._text import number, plain, with_unit
from pytest_mlmodelscope.reports._text import shown as datum

_BARS: Final = "▁▂▃▄▅▆▇█"
#: Figures that a line has room for; of more, the latest.
_WIDE: Final = 60


def only(found: History, chosen: Sequence[str]) -> History:
    """The cases with one of these texts in their id; all where there is none."""
    if not chosen:
        return found
    return dataclasses.replace(found, cases=tuple(c for c in found.cases if any(text in c.id for text in chosen)))


def shown(found: History, width: int, everything: bool) -> str:
    """The cases in which something happened, each as a line of bars with what there is to say."""
    telling = [case for case in found.cases if everything or _happened(case)]
    lines = [f"{len(found.records):,} records, {plain(found.records[0])} to {plain(found.records[-1])}"]
    lines += [f"ANOTHER MACHINE than before: {f.place} {datum(f.a)} -> {datum(f.b)}" for f in found.machine]
    lines += [f"WARNING: {plain(text)}" for text in found.findings]
    for case in telling:
        lines += ["", *_case(case, width)]
    quiet = len(found.cases) - len(telling)
    lines += ["", f"{quiet:,} of {len(found.cases):,} cases: nothing happened" if telling else "nothing happened"]
    if found.tested:
        lines.append(
            f"{found.tested:,} timed figures tested: a change or drift is seen where there is none "
            f"with a probability of {found.alarm:.0%} at most, in all of them together"
        )
    return "\n".join(lines)


def as_json(found: History) -> str:
    """Every field, the figures of each case, and under ``worse`` what a gate may fail on."""
    cases = [{**asdict(dataclasses.replace(case, series=_bare(case))), **_points(case)} for case in found.cases]
    worse = {kind: list(found.worse([kind])) for kind in FAILURES}
    plain_data = {
        "records": found.records,
        "alarm": found.alarm,
        "tested": found.tested,
        "findings": found.findings,
        "machine": found.machine,
    }
    held = {**{key: value for key, value in plain_data.items() if key != "machine"}, "cases": cases, "worse": worse}
    return json.dumps(json_ready({**held, "machine": [asdict(fact) for fact in found.machine]}), indent=2)


def _bare(case: CaseHistory) -> Any:
    return dataclasses.replace(case.series, points=())


def _points(case: CaseHistory) -> dict[str, Any]:
    points = case.series.points
    told = [{"record": p.record, "when": p.when, "value": p.value, "verdict": p.case["verdict"]} for p in points]
    return {"points": told}


def _happened(case: CaseHistory) -> bool:
    return bool(case.changes or case.drift or case.flaky or case.vanished)


def _case(case: CaseHistory, width: int) -> Iterator[str]:
    values = [point.value for point in case.series.points if point.value is not None]
    yield f"{plain(case.id)}  {bars(values[-min(_WIDE, width // 2) :])}{_ends(values, case.unit)}"
    for change in case.changes:
        yield from _change(change, case.unit)
    if case.drift is not None:
        worse = ", the wrong way" if case.worse_drift else ""
        yield f"    drifts by {with_unit(f'{case.drift.slope:+.3g}', case.unit)} a record (p {case.drift.p:.2g}){worse}"
    yield from (f"    FLAKY: {sentence}" for sentence in case.flaky)
    if case.vanished:
        yield f"    {case.vanished}"
    yield from _left_out(case)


def _left_out(case: CaseHistory) -> Iterator[str]:
    one = case.series
    if one.others:
        told = ", ".join(f"{fact.place} {datum(fact.a)} -> {datum(fact.b)}" for fact in one.differing[:3])
        yield f"    {one.others:,} earlier figures are not comparable ({told})"
    if one.disturbed:
        yield f"    {one.disturbed:,} figures left out: the machine was disturbed"


def _change(change: Change, unit: str) -> Iterator[str]:
    word = "WORSE" if change.worse else "changed"
    sides = f"{number(change.before, None)} -> {with_unit(number(change.after, None), unit)}"
    if change.before == change.after:
        sides = f"{with_unit(number(change.after, None), unit)} as before, by other answers"
    share = f" ({change.after / change.before - 1:+.1%})" if change.before and change.before != change.after else ""
    yield f"    {word} since {plain(change.record)}: {sides}{share}"
    for explanation in change.explanations:
        yield from (f"        {sentence}" for sentence in sentences(explanation, alone=True))


def _ends(values: Sequence[float], unit: str) -> str:
    if not values:
        return "no figure"
    return f"  {number(values[0], None)} .. {with_unit(number(values[-1], None), unit)}, {len(values):,} figures"


def bars(values: Sequence[float]) -> str:
    """One character a figure, from the least to the largest."""
    if not values:
        return ""
    low, high = min(values), max(values)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)
