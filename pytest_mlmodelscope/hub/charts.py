"""The charts of the pages: figures beside what was published, figures over time, latencies, ratios of two sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pytest_mlmodelscope.core.claim import COUNTEREXAMPLES
from pytest_mlmodelscope.hub.drawing import (
    INK,
    NARROW,
    SERIES,
    Chart,
    Spec,
    around_one,
    by_line,
    chart,
    layer,
    names,
    quantity,
)
from pytest_mlmodelscope.hub.rendering import seconds, sign, words
from pytest_mlmodelscope.hub.views.latencies import Distribution
from pytest_mlmodelscope.hub.views.outcomes import NOTHING_TOLD, Outcome
from pytest_mlmodelscope.hub.views.series import History

#: Rows of a chart; what is more is left to its table.
_ROWS: Final = 40
#: From so many lines on, each framework gets a panel of its own.
_CROWDED: Final = 4
#: Pixels that names of frameworks take beside an axis.
_FOR_NAMES: Final = 120
#: A name above its panel, and one beside it.
_ABOVE: Final = {"labelOrient": "top", "labelAnchor": "start", "labelAlign": "left", "labelAngle": 0}
_BESIDE: Final = {"labelOrient": "left", "labelAlign": "left", "labelAngle": 0, "labelBaseline": "middle"}
#: Pixels of a histogram's height.
_TALL: Final = 26
_DASHED: Final = {"type": "rule", "strokeDash": [5, 4], "color": INK, "strokeWidth": 1.2}
#: The form of a day on an axis that covers at most so much.
_DAYS: Final = ((timedelta(days=1), "%H:%M"), (timedelta(days=300), "%-d %b"))


# -- what was measured, beside what was published -------------------------------------------------------


def standing(outcomes: Sequence[Outcome], title: str) -> Chart | None:
    """The results of one claim with their intervals, the least first, and the published figure as a dashed line; None
    where no figure is uncertain, so that a picture would say nothing.
    """
    unit = max(outcomes, key=lambda one: one.at).unit if outcomes else ""
    found = sorted((one for one in outcomes if one.measured is not None and one.unit == unit), key=_measured)
    if not found or unit == COUNTEREXAMPLES or all(one.low == one.high for one in found):
        return None
    drawn, published = found[:_ROWS], found[-1].published
    rows = [{"name": _stack(one), "panel": one.machine_class or "no machine"} | _ends(one) for one in drawn]
    of = f"{words(drawn[0].metric)}, {unit}" if unit != "1" else words(drawn[0].metric)
    x = quantity(_values(drawn, published), of)
    layers = [*_dashed("x", x, published), *_with_intervals(x, "value")]
    left = len(found) - len(drawn)
    return chart(
        title,
        f"{len(drawn)} results, a point each, its interval as a line; the dashed line is what was published.",
        lambda width: {"data": {"values": rows}} | _by_panel(layers, width),
        ("framework", "machine", "measured", "verdict"),
        [(_stack(one)[2:], one.machine_class, one.measured_text, words(one.verdict)) for one in found],
        "A point for each result, a line for its interval. Dashed: what was published." + _left_out(left, "result"),
    )


def _measured(one: Outcome) -> float:
    return one.measured or 0.0


def _by_panel(layers: list[dict[str, Any]], width: int) -> dict[str, Any]:
    """The rows of each machine, or each claim, below its name, on one axis."""
    return {
        "facet": {"row": {"field": "panel", "type": "nominal", "header": _ABOVE}},
        "spacing": 12,
        "resolve": {"scale": {"y": "independent"}},
        "spec": {"width": width - _FOR_NAMES, "height": {"step": 21}, "layer": layers},
    }


def _stack(one: Outcome) -> str:
    """Sign of the verdict, and the framework."""
    return f"{sign(one.verdict)} {one.framework}" + ("" if one.target == "cpu" else f" on {one.target}")


def _ends(one: Outcome) -> dict[str, Any]:
    low = one.measured if one.low is None else one.low
    return {"value": one.measured, "low": low, "high": one.measured if one.high is None else one.high}


def _values(outcomes: Iterable[Outcome], published: float | None) -> list[float]:
    told = [value for one in outcomes for value in _ends(one).values()]
    return told if published is None else [*told, published]


def _dashed(channel: str, axis: Spec, at: float | None) -> list[dict[str, Any]]:
    """One dashed line, in each panel."""
    if at is None:
        return []
    return [{"data": {"values": [{}]}, "mark": _DASHED, "encoding": {channel: {**axis, "datum": at}}}]


def _with_intervals(x: Spec, of: str) -> list[dict[str, Any]]:
    """A point for each name at the field ``of``, and a line from ``low`` to ``high``."""
    point = {"type": "point", "filled": True, "color": SERIES[0], "size": 60, "opacity": 1}
    rule = {"type": "rule", "color": SERIES[0], "strokeWidth": 2}
    return [
        layer(rule, {**x, "field": "low"}, names(), x2={"field": "high"}),
        layer(point, {**x, "field": of}, names()),
    ]


def _left_out(count: int, what: str) -> str:
    return f" {count:,} more {what}{'' if count == 1 else 's'} in the table only." if count > 0 else ""


# -- over time ------------------------------------------------------------------------------------------


def over_time(history: History) -> Chart:
    """The figures of a claim over time, with their intervals as bands, and the published one as a dashed line: each
    framework in a panel of its own where there are many.
    """
    crowded = len(history.series) >= _CROWDED
    by_framework = len({line.framework for line in history.series}) > 1
    lines = [
        ((line.framework, line.machine_class) if by_framework else (line.machine_class, line.framework))
        if crowded
        else ("", line.name)
        for line in history.series
    ]
    points = [
        {"at": one.at.isoformat(), "panel": panel, "line": name} | _ends(one)
        for (panel, name), line in zip(lines, history.series, strict=True)
        for one in line.points
    ]
    layers = _bands(history, list(dict.fromkeys(name for _, name in lines)))
    panels = sorted({panel for panel, _ in lines})

    def spec(width: int) -> Spec:
        if not crowded:
            return {"data": {"values": points}, "layer": layers, "height": 240}
        return {"data": {"values": points}} | _panels(layers, panels, width)

    told = "Bands: intervals. Dashed: what was published."
    if history.left_out:
        told += f" {history.left_out:,} more lines, with fewer results, are left out."
    return chart(
        f"{history.claim}: {words(history.metric)} over time",
        f"{len(points)} figures of {len(lines)} stacks; the dashed line is what was published.",
        spec,
        ("when", "framework and machine", "measured", "verdict"),
        [_point(line.name, one) for line in history.series for one in reversed(line.points)],
        told,
    )


def _bands(history: History, of: list[str]) -> list[dict[str, Any]]:
    points = [one for line in history.series for one in line.points]
    unit = "" if history.unit == "1" else f", {history.unit}"
    y = quantity(_values(points, history.published), f"{words(history.metric)}{unit}")
    x = {"field": "at", "type": "temporal", "title": None, "axis": _days(points)}
    colour, shape = by_line(of)
    point = {"type": "point", "filled": True, "size": 46, "opacity": 1}
    to = {"y2": {"field": "high"}, "color": colour}
    return [
        *_dashed("y", y, history.published),
        layer({"type": "area", "opacity": 0.16}, x, {**y, "field": "low"}, **to),
        layer({"type": "rule", "opacity": 0.5}, x, {**y, "field": "low"}, **to),
        layer({"type": "line", "strokeWidth": 1.6}, x, {**y, "field": "value"}, color=colour),
        layer(point, x, {**y, "field": "value"}, color=colour, shape=shape),
    ]


def _panels(layers: list[dict[str, Any]], panels: list[str], width: int) -> dict[str, Any]:
    """The layers once for each panel, as many beside each other as there is room for."""
    columns, space = min(len(panels), 2 if width == NARROW else 3), 14
    return {
        "facet": {"field": "panel", "type": "nominal", "sort": panels},
        "columns": columns,
        "spacing": space,
        "spec": {"width": (width - 60) // columns - space, "height": 120, "layer": layers},
    }


def _days(points: Sequence[Outcome]) -> dict[str, Any]:
    span = max(one.at for one in points) - min(one.at for one in points)
    form = next((form for most, form in _DAYS if span <= most), "%b %Y")
    return {"grid": False, "labelOverlap": True, "tickCount": 3, "format": form}


def _point(name: str, one: Outcome) -> tuple[str, ...]:
    return f"{one.at:%Y-%m-%d %H:%M}", name, one.measured_text, one.verdict.replace("_", " ")


# -- latencies ------------------------------------------------------------------------------------------


def quick_and_slow(found: Sequence[Distribution], title: str = "Latency of single queries") -> Chart:
    """How long single queries took: a histogram for each stack, with its median and its 99th percentile."""
    drawn = found[:_ROWS]
    order = list(dict.fromkeys(one.name for one in drawn))
    x = quantity([1e3 * end for one in drawn for end in (one.p1, one.p99)], "milliseconds a query")
    layers = _histogram(x)

    def spec(width: int) -> Spec:
        narrow = width == NARROW
        return {
            "data": {"values": [row for one in drawn for row in _bins(one)]},
            "facet": {
                "row": {"field": "name", "type": "nominal", "sort": order, "header": _ABOVE if narrow else _BESIDE}
            },
            "spacing": 8,
            "spec": {"width": 250 if narrow else 440, "height": _TALL, "layer": layers},
        }

    return chart(
        title,
        "For each framework and kind of machine a histogram of its single queries, in milliseconds; a line marks the "
        "median, a dashed one the 99th percentile.",
        spec,
        ("framework and machine", "queries", "median", "p1", "p25", "p75", "p90", "p99"),
        [(one.name, f"{one.n:,}", *(seconds(getattr(one, f"p{p}")) for p in (50, 1, 25, 75, 90, 99))) for one in found],
        "Higher: more queries took so long. Line and number: the median. Dashed: the 99th percentile."
        + _left_out(len(found) - len(drawn), "stack"),
    )


def _bins(one: Distribution) -> list[dict[str, Any]]:
    marks = {"name": one.name, "p50": 1e3 * one.p50, "p99": 1e3 * one.p99, "told": seconds(one.p50)}
    return [
        marks,
        *({"name": one.name, "low": 1e3 * low, "high": 1e3 * high, "share": share} for low, high, share in one.bins),
    ]


def _histogram(x: Spec) -> list[dict[str, Any]]:
    y = {"field": "share", "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": None}
    bar = {"type": "bar", "color": SERIES[0], "opacity": 0.55}
    dashed = {**_DASHED, "strokeDash": [3, 3]}
    median = {"type": "rule", "color": INK, "strokeWidth": 2}
    text = {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "color": INK, "fontSize": 12}
    up = {"y": {"value": 0}, "y2": {"value": _TALL}}
    counted = [{"filter": "datum.share > 0"}]
    return [
        layer(bar, {**x, "field": "low"}, y, x2={"field": "high"}, y2={"datum": 0}) | {"transform": counted},
        {"mark": median, "encoding": {"x": {**x, "field": "p50"}, **up}},
        {"mark": dashed, "encoding": {"x": {**x, "field": "p99"}, **up}},
        {"mark": text, "encoding": {"x": {**x, "field": "p99"}, "text": {"field": "told"}, "y": {"value": _TALL / 2}}},
    ]


# -- two sides ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of one side over the other's, with its bounds where they are known; ``group`` is what it stands with."""

    name: str
    ratio: float
    low: float | None
    high: float | None
    group: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """The bounds; the ratio itself where there are none."""
        return self.low or self.ratio, self.high or self.ratio


def ratios(found: Sequence[Ratio], title: str, of: str) -> Chart:
    """Ratios with their intervals around the line of no difference, the largest first; ``title`` says what is divided
    by what.
    """
    ordered = sorted(found, key=lambda one: -one.ratio)
    furthest = {id(one) for one in sorted(ordered, key=lambda one: -_far(one))[:_ROWS]}
    drawn = [one for one in ordered if id(one) in furthest]
    values = [
        {"name": one.name, "panel": one.group, "ratio": one.ratio, "low": one.ends[0], "high": one.ends[1]}
        for one in drawn
    ]
    x = around_one([end for one in drawn for end in (one.ratio, *one.ends)], of)
    layers = [*_dashed("x", x, 1.0), *_with_intervals(x, "ratio")]

    def spec(width: int) -> Spec:
        grouped = any(one.group for one in drawn)
        rows = _by_panel(layers, width) if grouped else {"layer": layers, "height": {"step": 22}}
        return {"data": {"values": values}} | rows

    return chart(
        title,
        f"{title}: a point for each case, its interval as a line; the dashed line is no difference.",
        spec,
        ("case", "ratio", "from", "to"),
        [(f"{one.group} {one.name}".strip(), *_three(one)) for one in ordered],
        "Dashed: no difference. A line is as wide as the intervals of both sides allow."
        + _left_out(len(ordered) - len(drawn), "case"),
    )


def _three(one: Ratio) -> tuple[str, ...]:
    return tuple(NOTHING_TOLD if value is None else f"{value:.3g}" for value in (one.ratio, one.low, one.high))


def _far(one: Ratio) -> float:
    return max(one.ratio, 1 / one.ratio)
