"""Reports for a terminal: tables where there is room, a few short lines a case where there is not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.record.compare import Fact
from pytest_mlmodelscope.record.diff import Difference, Lone, VerdictChange
from pytest_mlmodelscope.record.matrix import Matrix
from pytest_mlmodelscope.reports import _causes, _fitted, _judged, _matrix, _text
from pytest_mlmodelscope.table.cells import Judged

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

#: Columns from which a session is one table; below it, each case is a block of short lines.
TABLE_FROM: Final = 120
_STYLES: Final = {
    "confirmed": "green",
    "refuted": "red",
    "inconclusive": "yellow",
    "not_applicable": "dim",
    "error": "bold red",
    "better": "green",
    "worse": "red",
    "not_comparable": "yellow",
    "same": "",
    "equivalent": "",
}


def session(cases: Sequence[Mapping[str, Any]], width: int = 80, colour: bool = False) -> str:
    """Every case: published, measured, verdict, where it came from; then why it is not confirmed."""
    if not cases:
        return "no cases"
    width = max(width, 40)
    if width < TABLE_FROM:
        return _rendered((line for case in cases for line in _block(case, width)), width, colour)
    return _rendered([_session_table(cases), *_all_remarks(cases, width)], width, colour)


def difference(difference: Difference, width: int = 80, colour: bool = False) -> str:
    """What differs around the records, then verdicts, then figures."""
    width = max(width, 40)
    parts: list[RenderableType] = [_heading(difference)]
    for title, facts in _text.fact_groups(difference):
        parts += _section(title, _fact_table(facts)) if facts else []
    changes: Iterable[VerdictChange] = difference.verdicts
    parts += [line for change in changes for line in _verdict_lines(change, width)]
    parts += [_lone_line("vanished", "red", case) for case in difference.vanished]
    parts += [_lone_line("new", "cyan", case) for case in difference.new]
    parts += [line for text in difference.findings for line in _wrapped(f"WARNING: {_text.plain(text)}", width, "")]
    parts += [*_figures(difference, width), *_flips(difference, width), *_explained(difference, width)]
    return _rendered([*parts, "", *_conclusion(difference)], width, colour)


def matrices(matrices: Sequence[Matrix], width: int = 80, colour: bool = False) -> str:
    """One table for each model that ran on several frameworks."""
    parts: list[RenderableType] = []
    for matrix in matrices:
        table = _table(*_matrix.head(matrix))
        for column in table.columns[1:]:
            column.no_wrap = True
        for cells in _matrix.rows(matrix):
            table.add_row(*(_styled(cell, "") for cell in cells))
        parts += [*([""] if parts else []), _styled(_matrix.title(matrix), "bold"), table]
        for remark in _matrix.remarks(matrix):
            parts += _wrapped(remark, max(width, 40), "  ")
    return _rendered(parts, max(width, 40), colour)


def table(judged: Judged, width: int = 80, colour: bool = False) -> str:
    """What was found in a table of results, then what that rests on, then the counts of its verdicts."""
    width = max(width, 40)
    parts: list[RenderableType] = [_styled(_judged.title(judged), "bold")]
    for finding in judged.findings:
        text = f"{_judged.kind(finding).upper()}  {_text.plain(finding.text)}"
        parts += ["", *(_styled(line, "red") for line in textwrap.wrap(text, width, subsequent_indent="    "))]
        parts += _wrapped(_text.plain(finding.hint), width, "    ")
        told = [_judged.lines(judged, finding), _judged.chance(finding)]
        parts += _wrapped("; ".join(filter(None, told)), width, "    ")
    parts.append("")
    for remark in _judged.remarks(judged):
        parts += _wrapped(remark, width, "")
    return _rendered(
        [*parts, "", _styled(_judged.counts(judged), "red" if judged.findings else "green")], width, colour
    )


def listing(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80) -> str:
    """A plain table; the first column is never cut."""
    width, table = max(width, 40), _table(*head)
    given = _fitted.widths(list(zip(head, *rows, strict=True)), width)
    table.columns[0].no_wrap = True
    for column, wide in zip(table.columns, given, strict=True):
        column.width = wide
    for row in rows:
        table.add_row(*(_styled(_fitted.broken(cell, wide), "") for cell, wide in zip(row, given, strict=True)))
    return _rendered([table], width, colour=False)


def _rendered(parts: Iterable[RenderableType], width: int, colour: bool) -> str:
    from rich.console import Console

    buffer = StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().rstrip("\n").split("\n"))


def _styled(text: str, word: str) -> RenderableType:
    from rich.text import Text

    return Text("\n".join(map(_text.printable, text.split("\n"))), style=_STYLES.get(word, word))


def _wrapped(text: str, width: int, indent: str) -> list[RenderableType]:
    return [_styled(line, "") for line in textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)]


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


# -- a session ----------------------------------------------------------------------------


def _block(case: Mapping[str, Any], width: int) -> Iterable[RenderableType]:
    word = _text.verdict(case)
    named = f"{_text.plain(case['claim'])}, {_text.framework(case)}"
    for line in textwrap.wrap(f"{word.upper()}  {named}", width, subsequent_indent="    "):
        yield _styled(line, case["verdict"])
    figures = f"published {_text.published(case)}, measured {_text.measured(case)}"
    if case["measured"] is not None and not case["census"]:
        figures += f", n = {case['n']:,}"
    yield from _wrapped(figures, width, "    ")
    for remark in _text.remarks(case):
        yield from _wrapped(remark, width, "    ")
    yield from _wrapped(f"from {_text.source(case)}", width, "    ")


def _session_table(cases: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("claim", "framework", "published", "measured", "n", "verdict", "from")
    for column in (1, 2, 5):
        table.columns[column].no_wrap = True
    table.columns[4].justify = "right"
    for case in cases:
        cells = [
            (case["claim"], ""),
            (_text.framework(case), ""),
            (_text.published(case), ""),
            (_text.measured(case), ""),
            (f"{case['n']:,}" if case["n"] else "-", ""),
            (_text.verdict(case), case["verdict"]),
            (_text.source(case), "dim"),
        ]
        table.add_row(*(_styled(text, style) for text, style in cells))
    return table


def _all_remarks(cases: Sequence[Mapping[str, Any]], width: int) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for case in cases:
        for remark in _text.remarks(case):
            lines += _wrapped(f"{_text.plain(case['id'])}: {remark}", width, "  ")
    return ["", *lines] if lines else []


# -- a difference -------------------------------------------------------------------------


def _heading(difference: Difference) -> RenderableType:
    (a, b), (then, now) = difference.names, difference.written
    same = "" if difference.machine or difference.software else "\nsame machine, same software"
    if difference.elsewhere:
        same = (
            f"\nANOTHER MACHINE: of {len(difference.elsewhere):,} timed figures; what differs may be the machine alone"
        )
    return _styled(f"a: {_text.plain(a)}, {then[:19]}\nb: {_text.plain(b)}, {now[:19]}{same}", "")


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return ["", _styled(title, "bold"), body]


def _fact_table(facts: Sequence[Fact]) -> Table:
    table = _table("", "a", "b")
    for row in _text.fact_rows(facts):
        table.add_row(*(_styled(cell, "") for cell in row))
    return table


def _verdict_lines(change: VerdictChange, width: int) -> list[RenderableType]:
    mark = "WORSE" if change.worse else "changed"
    text = f"{mark}  {_text.plain(change.id)}: {change.a} -> {change.b}".replace("not_applicable", "not applicable")
    lines = [_styled(line, "worse" if change.worse else "cyan") for line in textwrap.wrap(text, width)]
    return ["", *lines, *_wrapped(_text.plain(change.reason), width, "    ")]


def _lone_line(what: str, style: str, case: Lone) -> RenderableType:
    return _styled(f"{what}  {_text.plain(case.id)} ({case.verdict.replace('_', ' ')})", style)


def _figures(difference: Difference, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    figures, unchanged = _text.moved(difference)
    for figure in figures:
        text = f"{_text.JUDGEMENTS[figure.judgement]}  {_text.plain(figure.id)} ({figure.metric})"
        parts += [_styled(line, figure.judgement) for line in textwrap.wrap(text, width, subsequent_indent="    ")]
        sides = f"{_text.figure(figure.a, figure.unit)} -> {_text.figure(figure.b, figure.unit)}"
        parts += _wrapped(f"{sides}; {_text.change(figure)}", width, "    ")
        for place, a, b in _text.fact_rows(figure.differing):
            parts += _wrapped(f"{place}: {a} -> {b}", width, "    ")
    parts += _wrapped(unchanged, width, "") if unchanged else []
    return ["", _styled("figures", "bold"), *parts] if parts else []


def _flips(difference: Difference, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for case, what, items in _causes.flips(difference):
        parts += _wrapped(f"{_text.plain(case)}: {what}", width, "")
        parts += [line for item in items for line in _wrapped(item, width, "    ")]
    return ["", _styled("answers", "bold"), *parts] if parts else []


def _explained(difference: Difference, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for heading, sentences in _causes.explained(difference):
        parts.append(_styled(heading, ""))
        for number, sentence in enumerate(sentences, 1):
            lines = textwrap.wrap(f"{number}. {sentence}", width - 2, subsequent_indent="   ")
            parts += [_styled(f"  {line}", "") for line in lines]
    return ["", _styled("what may explain it", "bold"), *parts] if parts else []


def _conclusion(difference: Difference) -> list[RenderableType]:
    worse = difference.worse()
    if not worse:
        return [_styled(f"nothing is worse in {difference.compared:,} cases", "green")]
    return [_styled(f"{len(worse):,} worse, {difference.compared:,} cases compared", "red")]
