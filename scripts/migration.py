"""Writes a draft of a migration from what changed in ``store/tables.py``: ``python scripts/migration.py WORDS``.

Read it, correct it, and run ``pytest tests/database``: Alembic sees tables, columns and indexes, not what they mean.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from pytest_mlmodelscope.store import migrations
from pytest_mlmodelscope.store.database import Database


def main(about: str) -> None:
    """Compare the tables with a database that has all migrations so far."""
    config = Config()
    config.set_main_option("script_location", str(migrations.HERE))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    number = f"{int(migrations.newest()) + 1:04}"
    with (
        tempfile.TemporaryDirectory() as folder,
        Database(Path(folder) / "now.sqlite") as database,
        database.engine.connect() as connection,
    ):
        config.attributes["connection"] = connection
        command.revision(config, about, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
