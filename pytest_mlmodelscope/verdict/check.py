"""What was seen of a check, against the promise that no counterexample is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlmodelscope.core.claim import COUNTEREXAMPLES
from pytest_mlmodelscope.core.result import Interval, Measurement, Verdict


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
