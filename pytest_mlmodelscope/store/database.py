"""The database of results: SQLite unless another address is given."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.store import changes, migrations

#: How long a writer waits for another one, in milliseconds.
_BUSY_MS: Final = 30_000
#: The option of a connection whose transactions write.
_WRITES: Final = "mlms_writes"
_DRIVERS: Final = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class Database:
    """Results in one database, made or brought up to date when it is opened. Close it to give its connections back."""

    def __init__(self, address: str | Path) -> None:
        """``address`` is a file of SQLite, or an address such as ``postgresql://user@host/name``.

        Raises:
            UsageError: there is no such database, it cannot be opened, or a newer version of mlms made it.
        """
        url = _url(address)
        #: Without its password.
        self.address = url.render_as_string()
        try:
            self.engine = _engine(url)
            writer = self._opened()
        except (ArgumentError, SQLAlchemyError, OSError, ImportError) as error:
            raise UsageError(_said(error), where=self.address, hint=_hint(error)) from None
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(writer, expire_on_commit=False)

    def _opened(self) -> Engine:
        writer = self.engine.execution_options(**{_WRITES: True})
        try:
            migrations.upgrade(writer, self.address)
        except BaseException:  # an interruption leaves no connection open either
            self.close()
            raise
        return writer

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction: all of it is kept, or nothing. SQLite has one at a time; others wait for it."""
        with self._writing.begin() as session:
            yield session
            changes.count(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for questions."""
        with self._reading() as session:
            yield session

    def shrink(self) -> None:
        """Give the room of what was removed back, which PostgreSQL does by itself.

        Raises:
            UsageError: others use the file, or there is no room for a copy of it.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with closing(self.engine.raw_connection()) as connection:  # others begin a transaction, in which it cannot be
            try:
                connection.cursor().execute("VACUUM")
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                hint = "nothing is lost; call it again when nobody else uses the file"
                raise UsageError(f"the file cannot be made smaller: {error}", where=self.address, hint=hint) from None


def _url(address: str | Path) -> URL:
    if "://" not in str(address):
        return URL.create("sqlite", database=str(Path(address).absolute()))
    try:
        url = make_url(str(address))
    except (ArgumentError, ValueError):
        raise UsageError(
            "this is no address of a database", expected="a file, or postgresql://USER@HOST/NAME"
        ) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _engine(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _tune)
        event.listen(engine, "begin", _begin)
    return engine


def _tune(connection: Any, record: Any) -> None:  # noqa: ARG001
    """Readers and a writer beside each other, and a file that a lost machine does not break."""
    # Python's own driver would begin a transaction only before the first change, and none before a table is made.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout = {_BUSY_MS}", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Who is going to write waits at the beginning: one that has read already could no longer wait."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _said(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return f"the database cannot be opened: {text}"


def _hint(error: Exception) -> str | None:
    return "pip install 'pytest-mlmodelscope[hub]'" if isinstance(error, ImportError) else None
