"""Machines, and two of them or two records side by side: ``/machines`` and ``/compare``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.hub import charts
from pytest_mlmodelscope.hub.asked import Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.charts import Ratio
from pytest_mlmodelscope.hub.drawing import Chart
from pytest_mlmodelscope.hub.pages._asked import unknown
from pytest_mlmodelscope.hub.rendering import page, words
from pytest_mlmodelscope.hub.views import machines as view
from pytest_mlmodelscope.hub.views import records
from pytest_mlmodelscope.hub.views.outcomes import Outcome
from pytest_mlmodelscope.record.diff import Difference
from pytest_mlmodelscope.reports import _causes, _text
from pytest_mlmodelscope.store.runs import find, newest
from pytest_mlmodelscope.store.tables import NAME

router = APIRouter()
#: Charts of ratios on one page, each of a metric.
_CHARTS = 4

Side = Annotated[str, Query(max_length=NAME)]


@router.get("/machines", response_class=HTMLResponse)
@shared
def machines(request: Request, session: Reading) -> HTMLResponse:
    """All kinds of machines that results came from."""
    return page(request, "machines.html", machines=view.machines(session))


@router.get("/compare", response_class=HTMLResponse)
@shared
def compare(request: Request, session: Reading, a: Side = "", b: Side = "") -> HTMLResponse:
    """Two kinds of machines, or two records."""
    a, b = a.strip(), b.strip()
    names = view.names(session)
    if not (a and b):
        return page(request, "compare.html", a=a, b=b, names=names, records=newest(session, 50))
    if a in names and b in names:
        return _machines(request, session, a, b)
    ours, theirs = (None if side in names else _record(session, side, names) for side in (a, b))
    if ours is None or theirs is None:
        raise HTTPException(422, "a machine and a record cannot be compared: name two machines, or two records")
    found = records.difference(session, ours, theirs)
    if found is None:
        raise HTTPException(404, "one of the records is gone")
    return page(
        request,
        "difference.html",
        difference=found,
        digests=(ours, theirs),
        groups=[
            (title, list(dict.fromkeys(_text.fact_rows(facts)))) for title, facts in _text.fact_groups(found) if facts
        ],
        figures=_text.moved(found),
        flips=_causes.flips(found),
        explained=_causes.explained(found),
        worse=found.worse(),
        text=_text,
        chart=_figures(found),
    )


def _machines(request: Request, session: Session, a: str, b: str) -> HTMLResponse:
    found = view.side_by_side(session, a, b)
    telling = [metric for metric in found.metrics if metric.apart][:_CHARTS] or found.metrics[:1]
    drawn = [_ratios(found, metric.name) for metric in telling]
    return page(request, "side_by_side.html", found=found, facts=_text.fact_rows(found.facts), charts=drawn)


def _ratios(found: view.SideBySide, metric: str) -> Chart:
    pairs = [pair for pair in found.pairs if pair.ratio is not None and pair.a.metric == metric]
    told = [Ratio(_stack(pair.a), pair.ratio or 1.0, pair.low, pair.high, pair.a.claim) for pair in pairs]
    return charts.ratios(told, f"{words(metric).capitalize()}: {found.b} over {found.a}", "ratio")


def _stack(one: Outcome) -> str:
    return one.framework if one.target == "cpu" else f"{one.framework} on {one.target}"


def _record(session: Session, side: str, names: Sequence[str]) -> str:
    try:
        return find(session, side)
    except UsageError:
        raise unknown("machine or record", side, names) from None


def _figures(difference: Difference) -> Chart | None:
    told = [
        Ratio(figure.id, figure.b.value / figure.a.value, *(figure.ratio or (None, None)))
        for figure in difference.figures
        if figure.absolute and figure.a.value > 0 and figure.b.value > 0
    ]
    return charts.ratios(told, "Ratios of figures: b over a", "ratio") if told else None
