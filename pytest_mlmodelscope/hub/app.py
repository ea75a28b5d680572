"""The application: everything in ``api/`` below ``/api``, everything in ``pages/`` as it says itself."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from pytest_mlmodelscope.hub import api, health, pages
from pytest_mlmodelscope.hub.caching import Bodies, Sharing, shared_paths
from pytest_mlmodelscope.hub.describing import describe
from pytest_mlmodelscope.hub.edge.guard import Guard
from pytest_mlmodelscope.hub.edge.rates import Limits, Rates
from pytest_mlmodelscope.hub.edge.sizes import Sizes
from pytest_mlmodelscope.hub.jobs.supervision import jobs_of
from pytest_mlmodelscope.hub.problems import handle_all
from pytest_mlmodelscope.hub.receiving import Receiving
from pytest_mlmodelscope.hub.settings import Settings
from pytest_mlmodelscope.store.changes import revision
from pytest_mlmodelscope.store.database import Database

_HERE: Final = Path(__file__).parent
_API: Final = "/api"


def create_app(settings: Settings) -> FastAPI:
    """The hub as an ASGI application. ``app.state`` has ``settings``, ``database``, ``limits``, ``jobs``, whose workers
    run as long as it does, ``receiving`` for records, and ``bodies``, which are told of results that arrive.

    Raises:
        UsageError: the database cannot be opened.
    """
    limits = Limits(settings.reading, settings.writing, settings.guessing)
    database = Database(settings.database)
    bodies = Bodies(list(_shared()), lambda: _revision(database), settings.behind_s)
    jobs = jobs_of(settings, database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001
        async with jobs:
            yield
        await bodies.close()
        database.close()

    app = FastAPI(
        title="MLModelScope hub",
        version=metadata.version("pytest-mlmodelscope"),
        summary="Published machine-learning claims, and what came of verifying them.",
        lifespan=lifespan,
        openapi_url="/openapi.json",
        docs_url=None,  # the usual pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.settings, app.state.database, app.state.bodies, app.state.limits = settings, database, bodies, limits
    app.state.jobs = jobs
    app.state.receiving = Receiving.at(settings.database, database, settings.address, settings.largest_bytes)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    handle_all(app)
    # The last one added is the first to see a request.
    app.add_middleware(Sizes, largest_bytes=settings.largest_bytes)
    app.add_middleware(Rates, limits=limits)
    app.add_middleware(Sharing, bodies=bodies)
    app.add_middleware(Guard, hosts=settings.hosts)
    _include(app)
    return app


def _include(app: FastAPI) -> None:
    app.include_router(health.router)
    for module in _members(api):
        app.include_router(module.router, prefix=_API)
    for module in _members(pages):
        app.include_router(module.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")


def _shared() -> Iterator[re.Pattern[str]]:
    for package, prefix in ((api, _API), (pages, "")):
        for module in _members(package):
            yield from shared_paths(module.router, prefix)


def _revision(database: Database) -> int:
    """It tells whether results have arrived or gone, by whichever process."""
    with database.reading() as session:
        return revision(session)


def _members(package: ModuleType) -> Iterator[ModuleType]:
    """One file for each page, or for each thing that REST speaks of: its ``router``."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if not info.name.startswith("_"):
            yield import_module(f"{package.__name__}.{info.name}")
