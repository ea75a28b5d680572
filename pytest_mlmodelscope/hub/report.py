"""The report of a session: one page that is one file, with what the hub's pages show, and nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from pytest_mlmodelscope.hub import charts
from pytest_mlmodelscope.hub.drawing import Chart
from pytest_mlmodelscope.hub.rendering import STATIC, rendered
from pytest_mlmodelscope.hub.views import latencies, series
from pytest_mlmodelscope.hub.views.matrix import Column, Row
from pytest_mlmodelscope.hub.views.outcomes import Outcome, Total, from_case, ordered, tally
from pytest_mlmodelscope.hub.views.records import told
from pytest_mlmodelscope.record.diff import findings_of
from pytest_mlmodelscope.reports import _text
from pytest_mlmodelscope.reports._comment import in_order, worse_than_before, written

#: Of several, the claims that a reader should see first.
_FIRST: Final = ("refuted", "error", "inconclusive")
#: Charts of one report: each is drawn twice and takes a tenth of a megabyte.
MOST_CHARTS: Final = 24


@dataclass(frozen=True, slots=True)
class Verified:
    """A claim and what came of it. ``source`` has the keys of ``core.claim.Source``; a pair of ``remarks`` is a
    case and what its reader should know; ``history`` is there where several records have moving figures.
    """

    id: str
    model: str
    dataset: str | None
    metric: str
    published: str
    source: Mapping[str, Any]
    outcomes: tuple[Outcome, ...]
    totals: tuple[Total, ...]
    remarks: tuple[tuple[str, str], ...]
    history: Chart | None

    @property
    def anchor(self) -> str:
        """Where the page has it."""
        return f"claim-{self.id}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Model x framework x target, each cell with its verdicts."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def html(records: Sequence[Mapping[str, Any]], title: str = "Verified claims") -> str:
    """The page of the newest of some records (one at least), with the others as its past. It asks for no address."""
    past = in_order(records)
    newest = past[-1]
    found = _outcomes(newest)
    return rendered(
        "report.html",
        title=title,
        # A style sheet has no mark-up of its own; ours is a file of this package.
        style=Markup((STATIC / "style.css").read_text(encoding="utf-8")),  # noqa: S704
        at=written(newest),
        machine_class=str(newest["mlms"]["machine"].get("machine_class") or "an unnamed machine"),
        machine=told(newest["mlms"]["machine"]),
        software=told(newest["mlms"]["software"]),
        settings=told(newest["mlms"]["settings"]),
        findings=findings_of(newest),
        totals=tally(one.verdict for one in found),
        count=len(found),
        records=len(past),
        worse=worse_than_before(past),
        grid=grid(found),
        claims=_claims(newest, past),
        quick=_quick(newest),
    )


def _outcomes(record: Mapping[str, Any]) -> list[Outcome]:
    return [from_case(case, record["mlms"]["machine"], written(record)) for case in record["mlms"]["cases"]]


# -- the matrix -----------------------------------------------------------------------------------------


def grid(found: Iterable[Outcome]) -> Grid:
    """The verdicts of some cases: a row for each model, a column for each framework on each target."""
    words: dict[tuple[str, str, str], dict[str, int]] = {}
    for one in found:
        cell = words.setdefault((one.model, one.framework, one.target), {})
        cell[one.verdict] = cell.get(one.verdict, 0) + 1
    targets: dict[str, set[str]] = {}
    for _, framework, target in words:
        targets.setdefault(framework, set()).add(target)
    columns = tuple(Column(framework, tuple(sorted(targets[framework]))) for framework in sorted(targets))
    stacks = [(column.framework, target) for column in columns for target in column.targets]
    rows = [
        Row(model, model, tuple(ordered(words.get((model, *stack), {})) for stack in stacks))
        for model in sorted({model for model, *_ in words})
    ]
    return Grid(columns, tuple(rows))


# -- claims ---------------------------------------------------------------------------------------------


def _claims(newest: Mapping[str, Any], past: Sequence[Mapping[str, Any]]) -> list[Verified]:
    """The claims of a record, those first whose verdict somebody should look at."""
    of_claim: dict[str, list[Mapping[str, Any]]] = {}
    for case in newest["mlms"]["cases"]:
        of_claim.setdefault(str(case["claim"]), []).append(case)
    drawn = _histories(of_claim, past)
    found = [_claim(newest, cases, drawn.get(claim)) for claim, cases in of_claim.items()]
    return sorted(found, key=_grave)


def _claim(record: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], history: Chart | None) -> Verified:
    first = cases[0]
    found = tuple(from_case(case, record["mlms"]["machine"], written(record)) for case in cases)
    return Verified(
        id=str(first["claim"]),
        model=str(first["model"]),
        dataset=first["dataset"],
        metric=str(first["metric"]),
        published=_text.published(first),
        source=first["source"],
        outcomes=found,
        totals=tally(one.verdict for one in found),
        remarks=tuple((str(case["id"]), remark) for case in cases for remark in _remarks(case)),
        history=history,
    )


def _remarks(case: Mapping[str, Any]) -> list[str]:
    """What a reader should know of a case beside its reason, which stands in its row."""
    return [remark for remark in _text.remarks(case) if remark != _text.plain(case["reason"])]


def _grave(claim: Verified) -> tuple[int, str]:
    words = {total.word for total in claim.totals}
    return next((place for place, word in enumerate(_FIRST) if word in words), len(_FIRST)), claim.id


def _histories(claims: Iterable[str], past: Sequence[Mapping[str, Any]]) -> dict[str, Chart]:
    """A chart for each claim whose figures move from record to record."""
    if len(past) == 1:
        return {}
    points: dict[str, list[Outcome]] = {claim: [] for claim in claims}
    for record in past:
        for one in _outcomes(record):
            if one.claim in points:
                points[one.claim].append(one)
    lines = {claim: series.history(found) for claim, found in points.items()}
    moving = [(claim, line) for claim, line in lines.items() if line is not None and line.moves]
    return {claim: charts.over_time(line) for claim, line in moving[:MOST_CHARTS]}


def _quick(record: Mapping[str, Any]) -> list[Chart]:
    """How long single queries took, a chart for each claim that was timed."""
    timed: dict[str, list[tuple[Outcome, Sequence[float]]]] = {}
    for one, case in zip(_outcomes(record), record["mlms"]["cases"], strict=True):
        if case.get("latencies_s"):
            timed.setdefault(one.claim, []).append((one, case["latencies_s"]))
    return [
        charts.quick_and_slow(latencies.distributions(found), f"{claim}: latency of single queries")
        for claim, found in sorted(timed.items())[:MOST_CHARTS]
    ]
