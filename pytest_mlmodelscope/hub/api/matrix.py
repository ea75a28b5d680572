"""The matrix and the machines: ``/api/matrix``, ``/api/machines``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from pytest_mlmodelscope.hub.api._parts import missing
from pytest_mlmodelscope.hub.asked import OnShelf, Reading
from pytest_mlmodelscope.hub.caching import shared
from pytest_mlmodelscope.hub.pages._asked import Asked, PageNumber
from pytest_mlmodelscope.hub.views import machines as views
from pytest_mlmodelscope.hub.views.matrix import Matrix, Rows
from pytest_mlmodelscope.hub.views.matrix import matrix as cells
from pytest_mlmodelscope.store.tables import NAME

router = APIRouter(tags=["results"])
_Class = Annotated[str, Query(min_length=1, max_length=NAME, pattern=r"^[^\x00]*$", description="a machine class")]


@router.get("/matrix")
@shared
def matrix(session: Reading, shelf: OnShelf, asked: Asked, rows: Rows = "model", page: PageNumber = 1) -> Matrix:
    """What holds where: for each model or claim the verdicts on each framework and target, a page at a time."""
    return cells(session, shelf, asked, rows, page)


@router.get("/machines")
@shared
def machines(session: Reading) -> tuple[views.Machine, ...]:
    """The kinds of machines that have measured something."""
    return views.machines(session)


@router.get("/machines/compare", responses={404: {"description": "One of them has measured nothing."}})
@shared
def compare(session: Reading, a: _Class, b: _Class) -> views.SideBySide:
    """What two kinds of machines measured last of the same cases."""
    known = views.names(session)
    for name in (a, b):
        if name not in known:
            raise missing("kind of machine", name)
    return views.side_by_side(session, a, b)
