"""What pages are asked in query strings, and what they answer where there is nothing of a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Query

from pytest_mlmodelscope.core.errors import did_you_mean
from pytest_mlmodelscope.hub.views.asking import Filters
from pytest_mlmodelscope.store.tables import NAME

#: Characters of a filter, and pages of a list.
_MOST: Final = 200
_PAGES: Final = 100_000

Text = Annotated[str, Query(max_length=_MOST)]
Name = Annotated[str, Query(max_length=NAME)]
PageNumber = Annotated[int, Query(ge=1, le=_PAGES, alias="page")]


def _filters(
    text: Text = "",
    task: Name = "",
    framework: Name = "",
    hardware: Name = "",
    author: Text = "",
    verdict: Name = "",
    model: Name = "",
    target: Name = "",
) -> Filters:
    asked = (text, task, framework, hardware, author, verdict, model, target)
    return Filters(*(value.strip() for value in asked))


Asked = Annotated[Filters, Depends(_filters)]


def unknown(what: str, name: str, known: Iterable[str]) -> HTTPException:
    """That there is no such thing, with the nearest name."""
    hint = did_you_mean(name[:NAME], known)
    return HTTPException(404, f'no {what} is called "{name[:NAME]}"' + (f": {hint}" if hint else ""))
