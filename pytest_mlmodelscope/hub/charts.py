"""Charts: a Vega-Lite specification, drawn once as SVG whose colours are the style sheet's, in light and dark alike.

What a chart shows is a table beside it, too, for whoever reads rather than looks.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from pytest_mlmodelscope.hub.views.latencies import Distribution
from pytest_mlmodelscope.hub.views.outcomes import NOTHING_TOLD, Outcome
from pytest_mlmodelscope.hub.views.series import History
from pytest_mlmodelscope.reports._text import plain

#: Widths in pixels for a desk's screen and for a phone's, between which the style sheet chooses.
WIDE: Final = 720
NARROW: Final = 330
#: Stand-ins that no reader sees: in the drawing they become colours of the style sheet.
_INK, _SOFT, _LINE = "#010101", "#020202", "#030303"
_SERIES: Final = tuple(f"#0504{one:02x}" for one in range(1, 7))
_COLOURS: Final = {
    _INK: "currentColor",
    _SOFT: "var(--soft)",
    _LINE: "var(--line)",
    **{stand_in: f"var(--series-{number})" for number, stand_in in enumerate(_SERIES, 1)},
}
_STAND_IN: Final = re.compile("|".join(_COLOURS))
_ROOT: Final = re.compile(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>")
#: What the parts of a drawing say of themselves to screen readers, which is nothing but how they are drawn.
_INNER: Final = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
#: Where the largest value of a chart is so many times the smallest, its axis counts in powers.
_LOGARITHMIC: Final = 8.0
#: From so many lines on, bands are fainter.
_CROWDED: Final = 4
#: Below so many powers of ten, an axis has marks between them.
_FEW: Final = 2.5
_CONFIG: Final = {
    "aria": False,
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _SOFT,
        "titleColor": _SOFT,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "gridColor": _LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 260,
        "tickCount": 5,
    },
    "legend": {
        "labelColor": _INK,
        "labelFontSize": 12,
        "labelLimit": 300,
        "title": None,
        "orient": "bottom",
        "columns": 1,
        "symbolSize": 70,
        "symbolOpacity": 1,
    },
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing for each width, and the numbers in it."""

    title: str
    wide: Markup
    narrow: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def over_time(history: History) -> Chart:
    """The figures of a claim over time, with their intervals as bands, and the published one as a dashed line."""
    points = [
        {
            "at": one.at.isoformat(),
            "value": one.measured,
            "low": one.measured if one.low is None else one.low,
            "high": one.measured if one.high is None else one.high,
            "line": line.name,
        }
        for line in history.series
        for one in line.points
    ]
    scale = _scale([*_ends(history), *([history.published] if history.published else [])])
    y = {"type": "quantitative", "scale": scale, "axis": _axis(scale), "title": f"{history.metric}, {history.unit}"}
    x = {"field": "at", "type": "temporal", "title": None, "axis": {"grid": False, "labelOverlap": True}}
    colour = _by_line([line.name for line in history.series])
    layers = [
        _layer(
            {"type": "area", "opacity": 0.16 if len(history.series) < _CROWDED else 0.08},
            x,
            {**y, "field": "low"},
            y2={"field": "high"},
            color=colour,
        ),
        _layer({"type": "rule", "opacity": 0.5}, x, {**y, "field": "low"}, y2={"field": "high"}, color=colour),
        _layer({"type": "line", "strokeWidth": 1.6}, x, {**y, "field": "value"}, color=colour),
        _layer(
            {"type": "point", "filled": True, "size": 46, "opacity": 1},
            x,
            {**y, "field": "value"},
            color=colour,
            shape=_shapes([line.name for line in history.series]),
        ),
    ]
    if history.published is not None:
        rule = {"type": "rule", "strokeDash": [5, 4], "color": _INK, "strokeWidth": 1.2}
        layers.append({"mark": rule, "encoding": {"y": {**y, "datum": history.published}}})
    return _chart(
        f"{history.claim}: {history.metric} over time",
        f"{len(points)} figures of {len(history.series)} stacks; the dashed line is what was published.",
        {"data": {"values": points}, "layer": layers, "height": 240},
        ("when", "framework and machine", "measured", "verdict"),
        [_point(line.name, one) for line in history.series for one in reversed(line.points)],
    )


def quick_and_slow(found: Sequence[Distribution], title: str = "Latency of single queries") -> Chart:
    """How long single queries took: the middle half as a bar, from the 1st to the 99th percentile as a line."""
    rows = [{"name": one.name} | {f"p{p}": 1e3 * getattr(one, f"p{p}") for p in (1, 25, 50, 75, 99)} for one in found]
    ends = [1e3 * end for one in found for end in (one.p1, one.p99)]
    scale = _powers(min(ends), max(ends)) if min(ends) > 0 else {"zero": True}
    x = {"type": "quantitative", "scale": scale, "axis": _axis(scale), "title": "milliseconds a query"}
    y = {"field": "name", "type": "nominal", "title": None, "sort": None}
    layers = [
        _layer({"type": "rule", "color": _SERIES[0], "strokeWidth": 1.5}, {**x, "field": "p1"}, y, x2={"field": "p99"}),
        _layer(
            {"type": "bar", "color": _SERIES[0], "height": 12, "opacity": 0.45},
            {**x, "field": "p25"},
            y,
            x2={"field": "p75"},
        ),
        _layer({"type": "tick", "color": _INK, "thickness": 2.5, "size": 18}, {**x, "field": "p50"}, y),
    ]
    table = [
        (one.name, f"{one.n:,}", *(f"{1e3 * getattr(one, f'p{p}'):.3g}" for p in (1, 25, 50, 75, 90, 99)))
        for one in found
    ]
    return _chart(
        title,
        "For each framework and kind of machine: a line from the 1st to the 99th percentile, a bar for the middle "
        "half, a tick for the median; in milliseconds.",
        {"data": {"values": rows}, "layer": layers, "height": {"step": 34}},
        ("framework and machine", "queries", "p1 ms", "p25 ms", "median ms", "p75 ms", "p90 ms", "p99 ms"),
        table,
    )


@dataclass(frozen=True, slots=True)
class Ratio:
    """A figure of one side over the other's, with its bounds where they are known."""

    name: str
    ratio: float
    low: float | None
    high: float | None


def ratios(found: Sequence[Ratio], title: str, of: str) -> Chart:
    """Ratios with their intervals around the line of no difference; ``of`` says what is divided by what."""
    values = [
        {"name": one.name, "ratio": one.ratio, "low": one.low or one.ratio, "high": one.high or one.ratio}
        for one in found
    ]
    scale = _around_one(found)
    x = {"type": "quantitative", "scale": scale, "axis": _axis(scale), "title": of}
    y = {"field": "name", "type": "nominal", "title": None, "sort": None}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "rule", "strokeDash": [5, 4], "color": _INK}, "encoding": {"x": {**x, "datum": 1}}},
        _layer({"type": "rule", "color": _SERIES[0], "strokeWidth": 2}, {**x, "field": "low"}, y, x2={"field": "high"}),
        _layer(
            {"type": "point", "filled": True, "color": _SERIES[0], "size": 60, "opacity": 1},
            {**x, "field": "ratio"},
            y,
        ),
    ]
    return _chart(
        title,
        f"{of}: a point for each case, its interval as a line; the dashed line is no difference.",
        {"data": {"values": values}, "layer": layers, "height": {"step": 26}},
        ("case", "ratio", "from", "to"),
        [
            (one.name, *(NOTHING_TOLD if v is None else f"{v:.3g}" for v in (one.ratio, one.low, one.high)))
            for one in found
        ],
    )


def _point(name: str, one: Outcome) -> tuple[str, ...]:
    return f"{one.at:%Y-%m-%d %H:%M}", name, one.measured_text, one.verdict.replace("_", " ")


def _ends(history: History) -> list[float]:
    points = [one for line in history.series for one in line.points]
    return [end for one in points for end in (one.measured, one.low, one.high) if end is not None]


def _scale(values: Sequence[float]) -> dict[str, Any]:
    if values and min(values) > 0 and max(values) / min(values) >= _LOGARITHMIC:
        return _powers(min(values), max(values))
    return {"zero": False, "nice": True}


def _powers(low: float, high: float) -> dict[str, Any]:
    """A logarithmic scale of whole powers of ten."""
    least, most = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return {"type": "log", "domain": [10.0**least, 10.0 ** max(most, least + 1)]}


def _around_one(found: Sequence[Ratio]) -> dict[str, Any]:
    """A logarithmic scale with as much room on either side of 1, and at least a factor of two."""
    ends = [end for one in found for end in (one.ratio, one.low, one.high) if end]
    far = max([2.0, *(max(end, 1 / end) for end in ends)]) * 1.05
    return {"type": "log", "domain": [1 / far, far], "nice": False}


def _axis(scale: Mapping[str, Any]) -> dict[str, Any]:
    """The marks of an axis: of a logarithmic one the powers of ten, or where there are few of those 1, 2 and 5."""
    if scale.get("type") != "log":
        return {}
    low, high = (math.log10(end) for end in scale["domain"])
    steps = (1, 2, 5) if high - low < _FEW else (1,)
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [float(f"{step}e{power}") for power in powers for step in steps]
    return {"values": [value for value in values if low - 1e-9 <= math.log10(value) <= high + 1e-9], "format": "~g"}


def _by_line(names: Sequence[str]) -> dict[str, Any]:
    legend = {"legend": None} if len(names) == 1 else {}
    return {"field": "line", "type": "nominal", "scale": {"domain": list(names), "range": list(_SERIES)}, **legend}


def _shapes(names: Sequence[str]) -> dict[str, Any]:
    return _by_line(names) | {"scale": {"domain": list(names), "range": list(_SHAPES)}}


def _layer(mark: Mapping[str, Any], x: Any, y: Any, **more: Any) -> dict[str, Any]:
    return {"mark": dict(mark), "encoding": {"x": x, "y": y, **more}}


def _chart(
    title: str, description: str, spec: Mapping[str, Any], head: tuple[str, ...], rows: Sequence[tuple[str, ...]]
) -> Chart:
    wide, narrow = (_drawn(title, description, {**spec, "width": width}) for width in (WIDE, NARROW))
    return Chart(title, wide, narrow, head, tuple(rows))


def _drawn(title: str, description: str, spec: Mapping[str, Any]) -> Markup:
    narrow = spec["width"] == NARROW
    config = {**_CONFIG, "axis": {**_CONFIG["axis"], "labelLimit": 130 if narrow else 260}}  # type: ignore[dict-item]
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": config,
        **spec,
    }
    return _svg(title, description, json.dumps(whole, sort_keys=True))


@functools.lru_cache(maxsize=512)
def _svg(title: str, description: str, spec: str) -> Markup:
    """The drawing, with a name and a description for who does not see it."""
    import vl_convert

    drawing = vl_convert.vegalite_to_svg(spec)
    told = hashlib.sha256(f"{title}{spec}".encode()).hexdigest()[:10]
    head = (
        f'<svg class="drawing" role="img" aria-labelledby="t{told} d{told}" \\1>'
        f'<title id="t{told}">{_safe(title)}</title><desc id="d{told}">{_safe(description)}</desc>'
    )
    named = _ROOT.sub(head, _INNER.sub("", drawing), count=1)
    # What vl-convert writes into the drawing is escaped by it, as the tests of hostile names hold.
    return Markup(_STAND_IN.sub(lambda found: _COLOURS[found[0]], named))  # noqa: S704


def _safe(text: str) -> str:
    return str(escape(plain(text))).replace("\\", "\\\\")
