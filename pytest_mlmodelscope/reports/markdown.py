"""Reports as Markdown, for a pull request or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pytest_mlmodelscope.record.compare import Figure
from pytest_mlmodelscope.record.diff import Difference
from pytest_mlmodelscope.record.matrix import Matrix
from pytest_mlmodelscope.reports import _causes, _judged, _matrix, _text
from pytest_mlmodelscope.table.cells import Judged

_SPECIAL: Final = re.compile(r"([\\|`*\[\]~#])|(?<!\w)_|_(?!\w)")


def session(cases: Sequence[Mapping[str, Any]], width: int = 80, colour: bool = False) -> str:
    """The cases as one table, then why some are not confirmed; width and colour say nothing here."""
    rows = [
        (
            case["claim"],
            _text.framework(case),
            _text.published(case),
            _text.measured(case),
            f"{case['n']:,}" if case["n"] else "-",
            _text.verdict(case),
            _text.source(case),
        )
        for case in cases
    ]
    remarks = [f"- {escaped(case['id'])}: {escaped(remark)}" for case in cases for remark in _text.remarks(case)]
    table = _table(("claim", "framework", "published", "measured", "n", "verdict", "from"), rows)
    return "\n".join([f"**{_text.counts(cases)}**", "", *table, *(["", *remarks] if remarks else [])])


def difference(difference: Difference, width: int = 80, colour: bool = False) -> str:
    """What differs around the records, then verdicts, then figures; width and colour say nothing here."""
    (a, b), (then, now) = difference.names, difference.written
    lines = [f"### {_conclusion(difference)}", "", f"a: {escaped(a)} ({then[:19]}), b: {escaped(b)} ({now[:19]})"]
    lines += [f"\n**Warning**: {escaped(text)}" for text in difference.findings]
    if difference.elsewhere:
        lines += ["", f"**Another machine**: of {len(difference.elsewhere):,} timed figures"]
    for title, facts in _text.fact_groups(difference):
        if facts:
            lines += ["", f"#### {title.capitalize()}", "", *_table(("", "a", "b"), _text.fact_rows(facts))]
    lines += _verdicts(difference)
    return "\n".join([*lines, *_figures(difference), *_flips(difference), *_explained(difference)])


def matrices(matrices: Sequence[Matrix], width: int = 80, colour: bool = False) -> str:
    """One table for each model that ran on several frameworks; width and colour say nothing here."""
    lines: list[str] = []
    for matrix in matrices:
        lines += [*([""] if lines else []), f"#### {escaped(_matrix.title(matrix))}", ""]
        lines += [*_table(_matrix.head(matrix), _matrix.rows(matrix)), ""]
        lines += [f"- {escaped(remark)}" for remark in _matrix.remarks(matrix)]
    return "\n".join(lines)


def table(judged: Judged, width: int = 80, colour: bool = False) -> str:
    """What was found in a table of results, and what that rests on; width and colour say nothing here."""
    rows = [
        (_judged.kind(one), one.text, one.hint, _judged.lines(judged, one), _judged.chance(one))
        for one in judged.findings
    ]
    found = ["", *_table(("finding", "what", "perhaps", "where", "by chance"), rows)] if rows else []
    remarks = [f"- {escaped(remark)}" for remark in _judged.remarks(judged)]
    head = [f"### {_judged.counts(judged)}", "", escaped(_judged.title(judged))]
    return "\n".join([*head, *found, "", *remarks])


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in a cell of a table as well."""
    shielded = _SPECIAL.sub(lambda found: f"\\{found[0]}", _text.plain(text))
    return shielded.replace("<", "&lt;").replace(">", "&gt;")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _conclusion(difference: Difference) -> str:
    worse = len(difference.worse())
    return f"{worse:,} worse" if worse else f"Nothing is worse in {difference.compared:,} cases"


def _verdicts(difference: Difference) -> list[str]:
    rows = [
        (change.id, _word(change.a), f"{_word(change.b)}{' (worse)' if change.worse else ''}", change.reason)
        for change in difference.verdicts
    ]
    rows += [(case.id, _word(case.verdict), "vanished (worse)", "") for case in difference.vanished]
    rows += [(case.id, "-", f"{_word(case.verdict)} (new)", "") for case in difference.new]
    return ["", "#### Verdicts", "", *_table(("case", "a", "b", "why"), rows)] if rows else []


def _figures(difference: Difference) -> list[str]:
    figures, unchanged = _text.moved(difference)
    table = _table(("case", "a", "b", "change", ""), map(_figure_row, figures)) if figures else []
    return ["", "#### Figures", "", *table, *(["", unchanged] if unchanged else [])] if difference.figures else []


def _flips(difference: Difference) -> list[str]:
    lines = [f"- {escaped(case)}: {escaped(what)}" for case, what, _ in _causes.flips(difference)]
    return ["", "#### Answers", "", *lines] if lines else []


def _explained(difference: Difference) -> list[str]:
    lines = []
    for heading, sentences in _causes.explained(difference):
        lines += ["", f"{heading}:", "", *(f"1. {escaped(sentence)}" for sentence in sentences)]
    return ["", "#### What may explain it", *lines] if lines else []


def _word(verdict: str) -> str:
    return verdict.replace("_", " ")


def _figure_row(figure: Figure) -> tuple[str, ...]:
    differing = "; ".join(f"{place}: {a} -> {b}" for place, a, b in _text.fact_rows(figure.differing))
    return (
        f"{figure.id} ({figure.metric})",
        _text.figure(figure.a, figure.unit),
        _text.figure(figure.b, figure.unit),
        _text.change(figure),
        _text.JUDGEMENTS[figure.judgement] + (f" ({differing})" if differing else ""),
    )
