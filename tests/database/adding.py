"""What processes of tests do with a database."""

from __future__ import annotations

import logging
import sys
from multiprocessing.synchronize import Event

from fill import records

from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add


def add_all(address: str, count: int, backwards: bool = False) -> None:
    """Add made-up records, one in each transaction, and say after each whether it was new."""
    with Database(address) as database:
        for record in list(records(count))[::-1] if backwards else records(count):
            with database.writing() as session:
                added = add(session, record)
            _say(f"{added.digest} {'new' if added.new else 'there'}")


def hold(address: str, go_on: Event) -> None:
    """Add the first of two made-up records, say so, and end the transaction when told to."""
    with Database(address) as database, database.writing() as session:
        _say(add(session, next(records(2, cases=2))).digest)
        assert go_on.wait(60)


def open_it(address: str) -> None:
    """Open it, and say which migrations that took."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    Database(address).close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
