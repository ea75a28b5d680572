"""A bisection in words, and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from pytest_mlmodelscope.bisection.design import ALARM, CHANGE, Share
from pytest_mlmodelscope.bisection.factors import in_words
from pytest_mlmodelscope.bisection.recorded import LeftOver
from pytest_mlmodelscope.engine.bisecting import Bisection
from pytest_mlmodelscope.engine.dating import BY, Dated
from pytest_mlmodelscope.record.case import json_ready
from pytest_mlmodelscope.reports._causes import answered
from pytest_mlmodelscope.reports._text import number, plain, shown, with_unit
from pytest_mlmodelscope.reports.terminal import listing


def bisected(found: Bisection, left: Sequence[LeftOver], width: int = 100) -> str:
    """The change, what each difference is worth, and what is left over."""
    lines = [f"{plain(found.case)}: {_changed(found)}"]
    if found.answers is not None:
        lines.append(f"B answers otherwise: {answered(found.answers)}")
    if found.shares:
        head = ("difference", "worth", "alone", "with the others", "")
        lines += ["", listing(head, [_row(share, found) for share in found.shares], width)]
    lines += ["", listing(("stack", f"{found.unit}", "runs"), list(_stacks(found.figures)), width), ""]
    lines += [*_conclusion(found), *left_over(left), _measured(found)]
    return "\n".join(lines)


def bisected_json(found: Bisection, left: Sequence[LeftOver]) -> str:
    """Everything that is known."""
    return _json({**asdict(found), "timed": _timed(found), "left_over": [asdict(one) for one in left]})


def left_over(left: Iterable[LeftOver]) -> list[str]:
    """What cannot be swapped here, one line for each kind."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for one in left:
        told = f"{plain(one.fact.place)} {shown(one.fact.a)} -> {shown(one.fact.b)}"
        kinds.setdefault((one.kind, one.why), []).append(told)
    return [
        f"left over: {kind} ({why}): {'; '.join(told[:3])}{f' and {len(told) - 3} more' if told[3:] else ''}"
        for (kind, why), told in kinds.items()
    ]


def dated(found: Dated, width: int = 100) -> str:
    """The version that made the change, and every one that was measured."""
    rows = [
        (version, answer, _middle(found.figures.get(version, ())), found.why.get(version, ""))
        for version in found.versions
        if (answer := found.answers.get(version))
    ]
    return "\n".join([_first(found), "", listing(("version", "", found.unit, ""), rows, width)])


def dated_json(found: Dated) -> str:
    """Everything that is known."""
    return _json({**asdict(found), "text": _first(found)})


def _first(found: Dated) -> str:
    good, bad = found.versions[0], found.versions[-1]
    if found.by is None or found.found is None:
        return f"{plain(found.case)}: {bad} is not told apart from {good}: nothing to look for"
    is_what = BY[found.by]
    if found.by == "time":
        is_what = "is slower" if found.change[0] > 0 else "is faster"
    if found.found.between:
        between = ", ".join(found.found.between)
        return (
            f"{plain(found.case)}: one of {between} and {found.found.first_bad} is the first that {is_what} than "
            f"{found.found.last_good}; those before the last could not be judged"
        )
    return f"{plain(found.case)}: {found.found.first_bad} is the first that {is_what} than {found.found.last_good}"


def _timed(found: Bisection) -> bool:
    return found.plan.kind == "timed"


def _changed(found: Bisection) -> str:
    value, low, high = found.change
    if not _timed(found):
        return f"{with_unit(f'{value:+.6g}', found.unit)} from A to B" if value else "the same figure in A and B"
    words = "a change" if found.made else f"no change of more than {CHANGE:.0%} is certain"
    return f"B / A = {math.exp(value):.3f} [{math.exp(low):.3f}, {math.exp(high):.3f}], {words}"


def _row(share: Share, found: Bisection) -> tuple[str, ...]:
    if _timed(found):
        worth = f"x {math.exp(share.value):.3f} [{math.exp(share.low):.3f}, {math.exp(share.high):.3f}]"
        return share.name, worth, f"x {math.exp(share.alone):.3f}", f"x {math.exp(share.last):.3f}", share.word
    unit = {"figure": found.unit, "decisions": "items", "outputs": "apart"}[found.of]
    told = [with_unit(f"{value:+.4g}", unit) for value in (share.value, share.alone, share.last)]
    return (share.name, *told, share.word)


def _stacks(figures: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, str, str]]:
    for words, values in figures.items():
        yield words, _middle(values), f"{len(values)}"


def _middle(values: Sequence[float]) -> str:
    return number(median(values), None) if values else "-"


def _conclusion(found: Bisection) -> Iterator[str]:
    if not found.made:
        yield "what was swapped does not make the change here: " + in_words(found.plan.factors)
        return
    named = [share.name for share in found.shares if share.word == "explains"]
    undecided = [share.name for share in found.shares if share.word == "undecided"]
    if named:
        yield f"the cause: {', '.join(named)}"
    if undecided:
        yield f"undecided: {', '.join(undecided)}; more --rounds would tell"
    if not found.shares:
        yield f"the change needs more differences at once than are combined: {in_words(found.plan.factors)}"


def _measured(found: Bisection) -> str:
    told = f"measured in {found.seconds:.0f} s"
    if found.disturbed:
        runs = sum(map(len, found.figures.values()))
        told = f"{found.disturbed} of {runs} process runs were disturbed, and widen the intervals; {told}"
    if _timed(found):
        told += (
            f", {found.rounds} rounds; a difference without effect is named with a probability of {ALARM:.0%} at most"
        )
    return told


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(json_ready(data), indent=2, ensure_ascii=False)
