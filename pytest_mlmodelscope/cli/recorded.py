"""Records as commands take them: files, or those of this machine's store by the beginning of their digest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_mlmodelscope.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_mlmodelscope.store.database import Database

store_option = click.option(
    "--store", metavar="WHERE", help="The database (default: MLMS_STORE, else results.sqlite in the cache)."
)
_DIGEST: Final = re.compile(r"[0-9a-f]{4,64}")


@contextmanager
def opened(store: str | None = None) -> Iterator[Database]:
    """This machine's store, or another database.

    Raises:
        UsageError: it is off, or cannot be opened.
    """
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.record.local import needed
    from pytest_mlmodelscope.store.database import Database

    with Database(needed(Cache().root, store)) as database:
        yield database


def record(text: str) -> dict[str, Any]:
    """The record in a file, or the one in the store whose digest begins so.

    Raises:
        DocumentError: the file cannot be read.
        UsageError: there is neither.
    """
    if names_kept(text):
        return kept(text)[1]
    from pytest_mlmodelscope.record.build import read

    return read(Path(text))


def names_kept(text: str) -> bool:
    """Whether a text is meant as the beginning of a digest, and not as a file."""
    return _DIGEST.fullmatch(text) is not None and not Path(text).exists()


def kept(start: str, store: str | None = None) -> tuple[str, dict[str, Any]]:
    """A record of the store and its digest.

    Raises:
        UsageError: there is none, or several begin so.
    """
    from pytest_mlmodelscope.store.runs import find, read

    with opened(store) as database, database.reading() as session:
        digest = find(session, start)
        return digest, read(session, digest) or {}


def chosen(starts: Sequence[str], store: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records that are named, or all, the oldest first; one is read when it is asked for."""
    from sqlalchemy import select

    from pytest_mlmodelscope.store.runs import find, read
    from pytest_mlmodelscope.store.tables import Record

    with opened(store) as database, database.reading() as session:
        digests = [find(session, start) for start in starts]
        for digest in digests or session.scalars(select(Record.digest).order_by(Record.at, Record.digest)).all():
            found = read(session, digest)
            session.expunge_all()
            if found is not None:  # another process may have removed it
                yield digest, found


def named(texts: Iterable[str], store: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records that texts name (files, folders of them, beginnings of digests), each with its name for a person;
    one is read when it is asked for.

    Raises:
        DocumentError: a file cannot be read.
        UsageError: there is no such file, folder or record.
    """
    from pytest_mlmodelscope.record.build import read

    for text in texts:
        if names_kept(text):
            yield from ((digest[:12], found) for digest, found in chosen([text], store))
        else:
            yield from ((str(path), read(path)) for path in all_files([Path(text)]))


def all_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files among some paths, and those of records in the folders among them.

    Raises:
        UsageError: there is no such file or folder.
    """
    for path in paths:
        if not path.exists():
            raise UsageError("there is no such file or folder", where=path)
        yield from sorted(path.glob("*.json")) if path.is_dir() else [path]
