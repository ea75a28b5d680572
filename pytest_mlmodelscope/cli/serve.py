"""``mlms serve``: a hub."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from pytest_mlmodelscope.cli.console import examples, json_option
from pytest_mlmodelscope.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_mlmodelscope.hub.settings import Settings

DATABASE: Final = click.option(
    "--database",
    metavar="ADDRESS",
    help="A file of SQLite, or postgresql://USER@HOST/NAME (default: MLMS_STORE, else the results of this machine).",
)
#: Names of this very machine, which a hub that listens to nobody else goes by.
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not bound


@click.command(epilog=examples("mlms serve", "mlms serve --port 0 --workers 0", "mlms serve --address https://HUB"))
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 lets others in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: one that is free.")
@DATABASE
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    default=2,
    show_default=True,
    help="Jobs run at once; of several workers one takes predictions alone.",
)
@click.option("--open-jobs", is_flag=True, help="Take jobs without a token, as a hub for this machine alone does.")
@click.option("--require-isolation", is_flag=True, help="Run no job whose model could reach network or files.")
@click.option("--manifests", multiple=True, type=click.Path(path_type=Path), help="More models and datasets.")
@click.option("--claims", multiple=True, type=click.Path(path_type=Path), help="Claims to show (files or folders).")
@click.option("--address", metavar="URL", help="How its readers reach it, for links; names the host it goes by.")
@click.option(
    "--proxy", "proxies", multiple=True, metavar="IP", help="A proxy before it, or a network of them, to believe."
)
@click.option("--reading", metavar="RATE", help="How often one address may read (6000/minute).")
@click.option("--writing", metavar="RATE", help="How often one token or address may write (600/minute).")
@click.option("--log-requests", is_flag=True, help="Write a line for each request to the standard error.")
@json_option
def serve(
    host: str,
    port: int,
    database: str | None,
    workers: int,
    open_jobs: bool,
    require_isolation: bool,
    manifests: Sequence[Path],
    claims: Sequence[Path],
    address: str | None,
    proxies: Sequence[str],
    reading: str | None,
    writing: str | None,
    log_requests: bool,
    as_json: bool,
) -> None:
    """Run a hub: web pages and REST for models, claims and results, until SIGTERM or SIGINT.

    Without options it shows the models and claims that come with the package, and the results of this machine, to
    this machine alone.
    """
    imported()
    from dataclasses import replace

    from pytest_mlmodelscope.hub.app import create_app
    from pytest_mlmodelscope.hub.edge.guard import LOOPBACK
    from pytest_mlmodelscope.hub.serving import log_to_stderr
    from pytest_mlmodelscope.hub.serving import serve as serve_app
    from pytest_mlmodelscope.hub.settings import Settings
    from pytest_mlmodelscope.hub.warming import warm
    from pytest_mlmodelscope.library.shelf import Shelf

    log_to_stderr(log_requests)
    kept = place(database)
    settings = Settings(kept, Shelf(manifests, claims), address=address, workers=workers, hosts=names(host, address))
    open_jobs = open_jobs or (host in LOOPBACK and address is None)
    settings = replace(
        settings, open_jobs=open_jobs, reading=reading or settings.reading, writing=writing or settings.writing
    )
    if require_isolation:
        settings = replace(settings, jobs=replace(settings.jobs, isolation="required"))

    def ready(url: str) -> None:
        _told(settings, address or url, as_json)
        warm()

    serve_app(create_app(settings), host, port, proxies, ready)


def _told(settings: Settings, address: str, as_json: bool) -> None:
    models, claims, database = len(settings.shelf.models()), len(settings.shelf.claims()), _shown(settings.database)
    lines = [
        f"The hub is at {address}",
        f"  {models} models, {claims} claims; results in {database}",
        "  to let somebody send results:  mlms token new NAME --scope results:write",
        "  to end it:                     Ctrl-C",
    ]
    told = {"address": address, "models": models, "claims": claims, "database": database}
    # In one line: who waits for it cannot wait for the end of what is printed.
    click.echo(json.dumps(told) if as_json else "\n".join(lines))


def _shown(database: str | Path) -> str:
    """An address without a password."""
    parts = urlsplit(str(database))
    return str(database) if parts.password is None else str(database).replace(f":{parts.password}@", ":...@")


def names(host: str, address: str | None) -> frozenset[str] | None:
    """What requests may call a hub; None, any name, for one that listens everywhere without saying where.

    Raises:
        UsageError: the address is none.
    """
    from pytest_mlmodelscope.hub.edge.guard import LOOPBACK

    if address is None:
        return None if host in _EVERYWHERE else LOOPBACK | {host.lower()}
    named = urlsplit(address)
    if named.scheme not in ("http", "https") or not named.hostname or named.path.strip("/") or named.query:
        raise UsageError("is not how a hub is reached", where=address, expected="https://HOST or https://HOST:PORT")
    return LOOPBACK | {named.hostname} | (frozenset() if host in _EVERYWHERE else {host.lower()})


def place(database: str | None) -> str | Path:
    """The database that is named, else the store of this machine.

    Raises:
        UsageError: that is off, and none is named.
    """
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.record.local import needed

    return needed(Cache().root, database, option="--database")


def imported() -> None:
    """Have what a hub needs beside the rest.

    Raises:
        UsageError: it is not installed.
    """
    for name in ("fastapi", "httptools", "limits", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            hint = "pip install 'pytest-mlmodelscope[hub]'"
            raise UsageError(f"a hub needs {name}, which is not installed", hint=hint)
