"""The one place that makes HTML: templates, with everything that comes from outside escaped."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.hub.views.outcomes import NOTHING_TOLD
from pytest_mlmodelscope.reports import _text

if TYPE_CHECKING:
    from fastapi import Request
    from fastapi.responses import HTMLResponse

_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"
#: What stands in the head of every page, in this order.
NAVIGATION: Final = (
    ("/matrix", "Matrix"),
    ("/models", "Models"),
    ("/claims", "Claims"),
    ("/compare", "Compare"),
    ("/playground", "Playground"),
    ("/jobs", "Jobs"),
)
#: What stands at the foot of every page.
ABOUT: Final = (
    ("/machines", "Machines"),
    ("/frameworks", "Frameworks"),
    ("/datasets", "Datasets"),
    ("/targets", "Targets"),
    ("/docs", "REST"),
)
#: A verdict is told by a sign and a word, so that colour says nothing on its own.
_SIGNS: Final = dict(zip(WORDS, ("✓", "✗", "≈", "\N{EN DASH}", "!"), strict=True))


def page(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A page of the hub from a file of ``templates/``, which knows ``request``'s path and ``values``."""
    # A report that is one file is made where no hub is installed.
    from fastapi.responses import HTMLResponse

    html = rendered(template, path=request.url.path, request=request, **values)
    return HTMLResponse(html, status_code=status, headers=dict(headers or {}))


def rendered(template: str, **values: Any) -> str:
    """A file of ``templates/`` filled in, for who has no request: a report that is one file."""
    return environment().get_template(template).render({"path": "", "request": None, **values})


@functools.cache
def environment() -> Environment:
    """The templates, where a name that nobody gave is an error and every value is escaped."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    found.globals.update(navigation=NAVIGATION, about=ABOUT, static=static, link=link)
    found.filters.update(
        sign=sign,
        words=words,
        known_word=known_word,
        number=number,
        count=count,
        seconds=seconds,
        moment=moment,
        day=day,
        iso=iso,
        shown=_text.shown,
        measured=_text.measured,
        published=_text.published,
        plain=_text.plain,
        short=short,
        percent=percent,
        size=size,
    )
    return found


def link(*parts: str, **query: str | int | None) -> str:
    """``/models/NAME?key=value``: each part quoted, save its slashes; a query's empty values left out.

    >>> link("models", "a b/c", text="x&y", page=None)
    '/models/a%20b/c?text=x%26y'
    """
    told = {key: value for key, value in query.items() if value not in (None, "")}
    path = "".join(f"/{quote(part)}" for part in parts) or "/"
    return f"{path}?{urlencode(told)}" if told else path


@functools.cache
def static(name: str) -> str:
    """The address of a file of ``static/``, which changes with its content so that browsers may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def sign(word: str) -> str:
    """The sign of a verdict; a question mark for a word that is none."""
    return _SIGNS.get(word, "?")  # type: ignore[call-overload,no-any-return]


def words(name: str) -> str:
    """A name in plain words: ``not_applicable`` is "not applicable"."""
    return _text.plain(name.replace("_", " "))


def known_word(word: str) -> str:
    """A verdict that may be part of a class name."""
    return word if word in WORDS else "error"


def number(value: float | None) -> str:
    """Six significant digits, or a dash."""
    return NOTHING_TOLD if value is None else _text.number(value, None)


def count(value: int) -> str:
    """With thousands apart."""
    return f"{value:,}"


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent."""
    return f"{100 * share:.3g} %"


def size(value: int) -> str:
    """Bytes, in the unit that fits.

    >>> size(4_921_344)
    '4.92 MB'
    """
    for least, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= least:
            return f"{value / least:.3g} {unit}"
    return f"{value} bytes"


def seconds(value: float | None) -> str:
    """A time that is given in seconds, in the unit that fits.

    >>> seconds(0.00123), seconds(75)
    ('1.23 ms', '75 s')
    """
    if value is None:
        return NOTHING_TOLD
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns" if value else "0 s"


def iso(at: datetime) -> str:
    """As machines read a moment."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def moment(at: datetime) -> str:
    """As people do: ``2026-11-26 08:14 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(at: datetime) -> str:
    """The day of a moment, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d}"


def short(digest: str) -> str:
    """The first twelve digits of a digest."""
    return digest[:12]
