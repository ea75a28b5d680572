"""The database of results: SQLite unless another address is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.store.tables import Base

#: How long a writer waits for another one, in milliseconds.
_BUSY_MS: Final = 30_000


class Database:
    """Results in one database, made or brought up to date when it is opened. Close it to give its connections back."""

    def __init__(self, address: str | Path) -> None:
        """``address`` is a file of SQLite, or an address such as ``postgresql://user@host/name``.

        Raises:
            UsageError: there is no such database, or it cannot be opened.
        """
        self.address = address if "://" in str(address) else f"sqlite:///{Path(address).absolute()}"
        try:
            self.engine = _engine(str(self.address))
            Base.metadata.create_all(self.engine)
        except (ArgumentError, NoSuchModuleError, SQLAlchemyError, OSError) as error:
            raise UsageError(f"the database cannot be opened: {_said(error)}", where=str(address)) from None
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction: all of it is kept, or nothing."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for questions."""
        with self._sessions() as session:
            yield session


def default_database(cache: Path) -> Path:
    """Where the results of this machine are kept, below a cache's root."""
    return cache / "results.sqlite"


def _engine(address: str) -> Engine:
    if address.startswith("postgresql://"):
        address = address.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(address, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", _tune)
    return engine


def _tune(connection: Any, record: Any) -> None:  # noqa: ARG001
    """Readers and a writer beside each other, and a file that a lost machine does not break."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _said(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).partition("\n")[0]
