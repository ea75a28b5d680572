"""What the handlers of requests share: the database, the shelf and the settings of their application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.store.database import Database


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


def _database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


def _shelf(request: Request) -> Shelf:
    return _settings(request).shelf


def _reading(request: Request) -> Iterator[Session]:
    with _database(request).reading() as session:
        yield session


Hub = Annotated[Settings, Depends(_settings)]
Store = Annotated[Database, Depends(_database)]
Reading = Annotated[Session, Depends(_reading)]
OnShelf = Annotated[Shelf, Depends(_shelf)]
