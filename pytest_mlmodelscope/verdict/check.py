"""What was seen of a check, against the promise that no counterexample is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.core.claim import COUNTEREXAMPLES
from pytest_mlmodelscope.core.result import Interval, Measurement, Verdict
from pytest_mlmodelscope.interfaces.check import Audited
from pytest_mlmodelscope.verdict.intervals import geometric_mean, process_runs


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what was seen.

    ``examples`` inputs were drawn of ``wanted``, ``items`` of a dataset were compared besides; the
    ``largest`` difference is over both. ``exhausted`` says that the domain holds no more inputs.
    ``differing`` of the ``decided`` items were decided otherwise. ``broken`` says in words how the
    promise was broken, and by what.
    """

    wanted: int
    examples: int = 0
    items: int = 0
    largest: float = 0.0
    exhausted: bool = False
    decided: int = 0
    differing: int = 0
    broken: str | None = None
    remark: str = ""


def admitted(options: Mapping[str, Any], decided: int) -> int:
    """How many of so many decisions may differ: a whole number, or below one a share of them."""
    given = options.get("decisions", 0)
    return int(given * decided) if given < 1 else int(given)


def judge_check(checked: Checked) -> tuple[Verdict, Measurement]:
    """Refuted by one counterexample, confirmed when everything asked for was looked at without one."""
    looked = checked.examples + checked.items
    count = 0.0 if checked.broken is None else 1.0
    interval = Interval(count, count, 1.0, "counted")
    measurement = Measurement(count, COUNTEREXAMPLES, looked, interval, kind="check")
    if checked.broken is not None:
        return Verdict("refuted", f"{checked.broken}{_after(checked)}"), measurement
    complete = checked.exhausted or checked.examples >= checked.wanted
    word = "no counterexample in " + _looked_at(checked)
    if not complete:
        return Verdict(
            "inconclusive", f"{word}, but the time was up before all of {checked.wanted:,} inputs were drawn"
        ), measurement
    return Verdict("confirmed", word), measurement


def _looked_at(checked: Checked) -> str:
    parts = []
    if checked.items:
        parts.append(f"{checked.items:,} items")
    if checked.examples or not checked.items:
        parts.append(f"{'all ' if checked.exhausted else ''}{checked.examples:,} drawn inputs")
    text = f"{' and '.join(parts)}; largest difference {checked.largest:.3g}"
    if checked.decided:
        text += f"; {checked.differing:,} of {checked.decided:,} decisions differ"
    return text + (f"; {checked.remark}" if checked.remark else "")


def _after(checked: Checked) -> str:
    """How much held before that."""
    return f" ({_looked_at(checked)})" if checked.examples + checked.items > 1 else ""


def judge_audit(audited: Audited) -> tuple[Verdict, Measurement]:
    """Refuted by one answer that differs, or by ratios whose interval over process runs lies above what is admitted."""
    seen, looked = audited.seen, audited.answers + len(audited.ratios)
    if seen.breach is not None:
        verdict = Verdict("refuted", f"{seen.breach.output}: {seen.breach.what}")
    elif audited.ratios:
        verdict = _of_ratios(audited)
    elif not audited.answers:
        verdict = Verdict("inconclusive", "no answer under load could be looked at: the time was up before")
    else:
        what = f"{audited.answers:,} answers under load are those without; largest difference {seen.difference:.3g}"
        verdict = Verdict("confirmed", what)
    count = float(verdict.word == "refuted")
    return verdict, Measurement(count, COUNTEREXAMPLES, looked, Interval(count, count, 1.0, "counted"), kind="check")


def _of_ratios(audited: Audited) -> Verdict:
    interval = process_runs(audited.ratios)
    middle = geometric_mean(audited.ratios)
    span = f"{middle:.3g} ({interval.low:.3g} to {interval.high:.3g}, {len(audited.ratios)} process runs)"
    admitted = f"{audited.most:.3g} may"
    if interval.low > audited.most:
        return Verdict("refuted", f"{span} {audited.what}, {admitted}")
    if interval.high <= audited.most:
        return Verdict("confirmed", f"{span} {audited.what}, {admitted}")
    return Verdict("inconclusive", f"{span} {audited.what}, {admitted}: more process runs would decide")
