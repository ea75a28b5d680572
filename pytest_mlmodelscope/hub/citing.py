"""How to cite a claim: what its author published, and what was found of it here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pytest_mlmodelscope.hub.views.claims import ClaimPage
from pytest_mlmodelscope.reports._text import plain

#: What has a meaning in BibTeX, and how it is written so that it has none.
_MEANS: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_MEANS_TEXT: Final = _MEANS | {sign: f"\\{sign}" for sign in "#$%&_"}


def bibtex(claim: ClaimPage, address: str) -> str:
    """Two entries: the published one, and this page with its verdict and the day of its newest result."""
    source = claim.source
    published = _entry(
        "misc",
        _key(claim.id),
        {
            "author": " and ".join(source.get("authors") or ()),
            "title": source.get("title"),
            "year": source.get("year"),
            "doi": source.get("doi"),
            "url": source.get("url"),
            "note": f"{source.get('where') or ''}: {claim.published_text}".removeprefix(": "),
        },
    )
    newest = max((one.at for one in claim.outcomes), default=None)
    told = ", ".join(f"{total.count} {total.word.replace('_', ' ')}" for total in claim.totals) or "not verified yet"
    verified = _entry(
        "misc",
        f"{_key(claim.id)}-verified",
        {
            "title": f"MLModelScope: verification of {claim.id}",
            "year": None if newest is None else newest.year,
            "month": None if newest is None else newest.month,
            "url": address,
            "note": told,
        },
    )
    return f"{published}\n{verified}"


def _entry(kind: str, key: str, fields: Mapping[str, Any]) -> str:
    lines = [f"@{kind}{{{key},", *_fields(fields), "}"]
    return "\n".join(lines) + "\n"


def _fields(fields: Mapping[str, Any]) -> Iterable[str]:
    for name, value in fields.items():
        if value:
            means = _MEANS if name in ("url", "doi") else _MEANS_TEXT
            text = "".join(means.get(sign, sign) for sign in plain(str(value)))
            # Braces in pairs keep the capitals of a title.
            yield f"  {name} = {{{{{text}}}}}," if name == "title" else f"  {name} = {{{text}}},"


def _key(identity: str) -> str:
    return re.sub(r"[^A-Za-z0-9.:-]+", "-", identity) or "claim"
