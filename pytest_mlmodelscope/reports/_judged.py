"""A judged table in words: its findings, what they rest on, and the counts of its verdicts."""

from __future__ import annotations

from collections import Counter

from pytest_mlmodelscope.reports import _text
from pytest_mlmodelscope.table.cells import VERDICTS, Finding, Judged

#: Lines of a finding that are named one by one.
_LINES = 8


def title(judged: Judged) -> str:
    """Which table, and how much of it there is."""
    cells = judged.table.cells
    models, stacks = ({getattr(cell, key) for cell in cells} for key in ("model", "stack"))
    return _text.plain(
        f"{judged.table.path}: {_counted(len(cells), 'figure')} of {_counted(len(models), 'model')} "
        f"on {_counted(len(stacks), 'stack')}"
    )


def kind(finding: Finding) -> str:
    """The word for a finding, with the size of the difference."""
    return f"{finding.kind}, {finding.size}" if finding.size else finding.kind


def lines(judged: Judged, finding: Finding) -> str:
    """Where in the file the cells stand."""
    numbers = sorted({judged.table.cells[place].line for place in finding.cells})
    told = ", ".join(map(str, numbers[:_LINES])) + (f" and {len(numbers) - _LINES} more" if numbers[_LINES:] else "")
    return f"line{'s' if len(numbers) > 1 else ''} {told}"


def chance(finding: Finding) -> str:
    """How often a clean table shows such a thing."""
    if finding.p is None:
        return "certain" if finding.kind == "impossible" else ""
    return "p < 1e-12 for all tests together" if finding.p < 1e-12 else f"p = {finding.p:.1g} for all tests together"


def remarks(judged: Judged) -> list[str]:
    """What was taken for granted, and how often a clean table has a finding."""
    rate = f"at most {judged.rules.error_rate:.3g} of all clean tables have a finding"
    return [*(_text.plain(note) for note in judged.notes), rate]


def counts(judged: Judged) -> str:
    """``2 findings; 1 refuted, 40 consistent``."""
    found = Counter(judged.verdicts)
    verdicts = ", ".join(f"{found[word]:,} {word}" for word in VERDICTS if found[word])
    return f"{_counted(len(judged.findings), 'finding')}; {verdicts}"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
