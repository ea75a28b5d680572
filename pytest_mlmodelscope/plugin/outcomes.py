"""From a verdict to a pytest outcome, and the message that explains it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from pytest_mlmodelscope.claim.known import Known
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.result import Case, Measurement, Result
from pytest_mlmodelscope.verdict.judge import admitted, figure


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user wants to fail: inconclusive evidence, and what is not applicable here."""

    strict: bool = False
    required: frozenset[str] = frozenset()

    def requires(self, names: list[str]) -> bool:
        """Whether a case with these markers has to be applicable."""
        return "all" in self.required or not self.required.isdisjoint(names)


def decide(result: Result, known: Known | None, policy: Policy, markers: list[str], nodeid: str) -> None:
    """End the running test as its verdict says. Returns only when it passes."""
    word = result.verdict.word
    text = explanation(result, nodeid)
    if result.baseline.status == "worse":
        pytest.fail(f"worse than this machine's baseline: {result.baseline.reason}\n{text}", pytrace=False)
    compared = result.timing.get("comparison", {})
    if compared.get("word") == "slower":
        pytest.fail(f"slower than {compared['against']}: {compared['text']}\n{text}", pytrace=False)
    if word == "not_applicable":
        if policy.requires(markers):
            pytest.fail(f"required, but not applicable here\n{text}", pytrace=False)
        pytest.skip(f"not applicable here: {_one_line(result.verdict.reason)}")
    if "aa" in result.timing:
        return  # it was to test the gate, not the claim
    if known is not None:
        _decide_known(result, known, text)
    if word == "inconclusive" and not policy.strict:
        pytest.skip(f"inconclusive: {result.verdict.reason}")
    if word != "confirmed":
        pytest.fail(text, pytrace=False)


def _one_line(reason: str) -> str:
    """An error as pytest's list of skips shows it: the parts of its message beside each other."""
    return "; ".join(re.sub(r"^(\w+:) +", r"\1 ", line.strip()) for line in reason.splitlines())


def _decide_known(result: Result, known: Known, text: str) -> None:
    word = result.verdict.word
    accepted = " or ".join(sorted(known.verdicts))
    if word not in known.verdicts:
        pytest.fail(
            f"{known.where} accepts {accepted} ({known.reason}), but the verdict is now {word}\n"
            f"  try:      look why, then correct or remove that entry\n{text}",
            pytrace=False,
        )
    if word != "confirmed":
        # With --runxfail this call does nothing and the verdict counts as it is.
        pytest.xfail(f"known to be {word}: {known.reason}")


def explanation(result: Result, nodeid: str) -> str:
    """Published, measured, interval, n, tolerance, source: what a reader needs to check the verdict."""
    case, claim = result.case, result.case.claim
    source = claim.source
    rows = {
        "published": f"{source.figure}  ({_citation(case)})",
        "measured": _measured(case, result.measurement),
        "interval": _interval(result.measurement),
        "tolerance": _tolerance(case) if claim.group == "metrics" else None,
        "reason": result.verdict.reason.replace("\n", "\n             "),
        "why": result.cause.get("sentence"),
        "baseline": result.baseline.reason if result.baseline.status != "none" else None,
        "claim": f"{shown_path(claim.path)}:{claim.line}",
        "model": shown_path(case.model.path) if result.verdict.word == "error" else None,
        "repeat": f'pytest --mlms "{nodeid}"',
    }
    head = f"{result.verdict.word.upper()}: {claim.id} on {_stack(result)}"
    return "\n".join([head, *(f"  {name + ':':<10} {text}" for name, text in rows.items() if text)])


def _citation(case: Case) -> str:
    source = case.claim.source
    who = source.authors[0].split(",")[0] + (" et al." if len(source.authors) > 1 else "") if source.authors else None
    parts = [
        who,
        str(source.year) if source.year else None,
        source.title,
        source.where,
        f"read {source.read}" if source.read else None,
    ]
    return ", ".join(part for part in parts if part)


def _stack(result: Result) -> str:
    version, machine, target = result.software.get("version"), result.machine, result.case.target
    nature = "" if not machine or machine["nature"] == "hardware" else f", {machine['nature']}"
    named = "" if not machine or target == "cpu" else f" ({machine['name']}{nature})"
    return f"{result.case.framework.name}{f' {version}' if version else ''}, {target}{named}"


def _measured(case: Case, measurement: Measurement | None) -> str | None:
    if measurement is None:
        return None
    text = figure(measurement.value, measurement.unit)
    if measurement.kind == "timed":
        return f"{text} over {measurement.n:,} queries in {len(measurement.runs)} process runs"
    if measurement.kind == "static":
        return text
    if measurement.kind == "counted":
        return f"{text}, the median of {measurement.n:,} calls"
    if measurement.kind == "check":
        return f"{'1' if measurement.value else 'no'} counterexample in {measurement.n:,} inputs"
    data = f" of {case.dataset.name}" if case.dataset else ""
    failed = f", {measurement.failed:,} without an answer" if measurement.failed else ""
    return f"{text} over {'all ' if measurement.census else ''}{measurement.n:,} items{data}{failed}"


def _interval(measurement: Measurement | None) -> str | None:
    if measurement is None or measurement.kind == "check":
        return None
    interval = measurement.interval
    if measurement.census:
        return "none: a re-run over everything has no sampling error"
    low, high = figure(interval.low, measurement.unit, 4), figure(interval.high, measurement.unit, 4)
    return f"{low} to {high} ({interval.confidence:.0%}, {interval.method})"


def _tolerance(case: Case) -> str:
    tolerance = case.claim.tolerance
    amount = f"{tolerance.amount:.3g}" if tolerance.kind == "absolute" else f"{tolerance.amount:.3%}"
    unit = f" {case.claim.unit}" if tolerance.kind == "absolute" and case.claim.unit != "1" else ""
    origin = ", half a unit of the last published digit" if tolerance.derived else ""
    return f"{amount}{unit} {tolerance.kind}{origin}; the claim admits {admitted(case.claim)}"
