"""How the tables came to be what they are: one file for each change, in ``versions``, named by its number.

Whoever changes ``store/tables.py`` adds one (``scripts/migration.py`` writes its first draft); none that was released
is ever changed. A database is brought up to date when it is opened. Alembic does that; it is imported only where
there is something to do.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from pytest_mlmodelscope.core.errors import UsageError

HERE: Final = Path(__file__).parent
#: Alembic's own table, which holds the number of the last change that was made.
_TABLE: Final = "alembic_version"
#: Of PostgreSQL's advisory locks, the one of our migrations: any number that nobody else takes.
_LOCK: Final = 0x6D6C6D73


@functools.cache
def newest() -> str:
    """The number of the last change, such as ``0001``."""
    return max(path.name.partition("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def upgrade(engine: Engine, where: str) -> None:
    """Bring a database up to date, however many processes open it at once. ``engine`` begins transactions that write.

    Raises:
        UsageError: a newer version made it, or something else.
    """
    with engine.connect() as connection:
        # To look takes no lock that a writer holds.
        if version(connection.execution_options(mlms_writes=False)) == newest():
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = version(connection)
        if found != newest():
            _refuse(connection, found, where)
            _migrate(connection)


def version(connection: Connection) -> str | None:
    """The number of the last change that a database has seen; None where it has seen none."""
    if not inspect(connection).has_table(_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()  # noqa: S608 - a constant
    return None if found is None else str(found)


def _refuse(connection: Connection, found: str | None, where: str) -> None:
    if found is None:
        if inspect(connection).has_table("records"):
            raise UsageError(
                "this database was not made by mlms", where=where, hint="name another file, or another database"
            )
    elif found > newest():
        raise UsageError(
            "a newer version of mlms made this database",
            where=where,
            expected=f"version {newest()} or older",
            got=f"version {found}",
            hint="pip install --upgrade pytest-mlmodelscope, or name another file with --mlms-store",
        )


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
