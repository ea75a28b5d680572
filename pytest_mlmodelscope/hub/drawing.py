"""A Vega-Lite specification as a drawing: made once as SVG whose colours are the style sheet's, in light and dark.

What a chart shows is a table beside it, too, for whoever reads rather than looks.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape

from pytest_mlmodelscope.reports._text import plain

Spec = Mapping[str, Any]

#: Widths in pixels for a desk's screen and for a phone's, between which the style sheet chooses.
WIDE: Final = 720
NARROW: Final = 330
#: Stand-ins that no reader sees: in the drawing they become colours of the style sheet.
INK, SOFT, LINE = "#010101", "#020202", "#030303"
SERIES: Final = tuple(f"#0504{one:02x}" for one in range(1, 7))
_COLOURS: Final = {
    INK: "currentColor",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    **{stand_in: f"var(--series-{number})" for number, stand_in in enumerate(SERIES, 1)},
}
_STAND_IN: Final = re.compile("|".join(_COLOURS))
_ROOT: Final = re.compile(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>")
#: What the parts of a drawing say of themselves to screen readers, which is nothing but how they are drawn.
_INNER: Final = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
#: Where the largest value of a chart is so many times the smallest, its axis counts in powers.
_LOGARITHMIC: Final = 8.0
#: Below so many powers of ten, an axis has marks between them.
_FEW: Final = 2.5
#: Ratios nearer to one than this factor are drawn on an axis that counts evenly.
_NEAR: Final = 1.5
_CONFIG: Final = {
    "aria": False,
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT,
        "titleColor": SOFT,
        "domainColor": LINE,
        "tickColor": LINE,
        "gridColor": LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "tickCount": 5,
    },
    "header": {"labelColor": INK, "labelFontSize": 12, "title": None, "labelPadding": 6, "labelLimit": 300},
    "legend": {
        "labelColor": INK,
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
    """A drawing for each width, and the numbers in it. ``note`` is what a reader of the drawing has to know."""

    title: str
    wide: Markup
    narrow: Markup
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def chart(
    title: str,
    description: str,
    spec: Callable[[int], Spec],
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    note: str = "",
) -> Chart:
    """What ``spec`` gives for a width in pixels, drawn for both widths; ``rows`` are its numbers below ``head``."""
    wide, narrow = (_drawn(title, description, spec(width), width) for width in (WIDE, NARROW))
    return Chart(title, wide, narrow, head, tuple(rows), note)


# -- parts of a specification ---------------------------------------------------------------------------


def layer(mark: Spec, x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """One layer of marks."""
    return {"mark": dict(mark), "encoding": {"x": x, "y": y, **more}}


def quantity(values: Sequence[float], title: str | None) -> dict[str, Any]:
    """An axis for values: of powers of ten, where they lie far apart."""
    scale = powers(min(values), max(values)) if _far_apart(values) else {"zero": False, "nice": True}
    return {"type": "quantitative", "scale": scale, "axis": _axis(scale), "title": title}


def powers(low: float, high: float) -> dict[str, Any]:
    """A logarithmic scale of whole powers of ten."""
    least, most = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return {"type": "log", "domain": [10.0**least, 10.0 ** max(most, least + 1)]}


def around_one(ends: Sequence[float], title: str) -> dict[str, Any]:
    """An axis for ratios, with as much room on either side of 1; it counts in powers where one is far from it."""
    far = max([1.01, *(max(end, 1 / end) for end in ends)]) ** 1.08
    scale: dict[str, Any] = {"domain": [1 / far, far], "nice": False, "zero": False}
    if far > _NEAR:
        scale["type"] = "log"
    return {"type": "quantitative", "scale": scale, "axis": _axis(scale), "title": title}


def names() -> dict[str, Any]:
    """An axis of names, in the order that they come in."""
    return {"field": "name", "type": "nominal", "title": None, "sort": None}


def by_line(of: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Colours and shapes for the values of the field ``line``, with a legend where there are several."""
    legend = {"legend": None} if len(of) == 1 else {}
    told = {"field": "line", "type": "nominal", **legend}
    colours, shapes = ({"scale": {"domain": list(of), "range": list(among)}} for among in (SERIES, _SHAPES))
    return told | colours, told | shapes


def _far_apart(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) >= _LOGARITHMIC


def _axis(scale: Spec) -> dict[str, Any]:
    """The marks of an axis: of a logarithmic one the powers of ten, or where there are few of those 1, 2 and 5."""
    if scale.get("type") != "log":
        return {}
    low, high = (math.log10(end) for end in scale["domain"])
    steps = (1, 2, 5) if high - low < _FEW else (1,)
    powers_of_ten = range(math.floor(low), math.ceil(high) + 1)
    values = [float(f"{step}e{power}") for power in powers_of_ten for step in steps]
    return {"values": [value for value in values if low - 1e-9 <= math.log10(value) <= high + 1e-9], "format": "~g"}


# -- drawing --------------------------------------------------------------------------------------------


def _drawn(title: str, description: str, spec: Spec, width: int) -> Markup:
    config = {**_CONFIG, "axis": {**_CONFIG["axis"], "labelLimit": 130 if width == NARROW else 260}}  # type: ignore[dict-item]
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": config, **spec}
    if "facet" not in spec:
        whole |= {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
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
