"""Processes and a server that are killed while records are added: nothing is lost, half or double."""

from __future__ import annotations

from adding import add_all
from fill import CASES, records
from processes import Started
from sqlalchemy import func, select

from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import add
from pytest_mlmodelscope.store.tables import Current, Record, Result

#: More than are ever added before the kill, and how many were acknowledged by then.
MANY, BEFORE = 400, 4


def acknowledged(process, first):
    """The digests of all records that were told to be there."""
    whole = [line for line in "".join([*first, process.rest()]).splitlines(keepends=True) if line.endswith("\n")]
    return {line.split()[0] for line in whole}


def assert_whole(address, told):
    """All that was acknowledged is there, at most one record is there besides, and each has all its cases."""
    with Database(address) as database, database.reading() as session:
        kept = set(session.scalars(select(Record.digest)))
        counts = session.execute(select(Result.record_digest, func.count()).group_by(Result.record_digest)).all()
        cells = session.scalar(select(func.count()).select_from(Current))
        pairs = session.scalar(select(func.count(func.distinct(Result.machine_class)))) or 0
    assert told <= kept
    assert len(kept - told) <= 1
    assert dict(counts) == dict.fromkeys(kept, CASES)
    assert cells == pairs * CASES


def assert_taken_up(address, told):
    """Whoever adds all of them again finds the old ones there, and each of them is there once."""
    with Database(address) as database:
        for record in records(8):
            with database.writing() as session:
                added = add(session, record)
            assert not (added.new and added.digest in told)
        with database.reading() as session:
            kept = session.scalar(select(func.count()).select_from(Record))
            assert session.scalar(select(func.count()).select_from(Result)) == kept * CASES
            assert kept >= 8


def test_a_process_that_is_killed_leaves_nothing_half(database_address):
    Database(database_address).close()
    process = Started(add_all, database_address, MANY)
    first = [process.stdout.readline() for _ in range(BEFORE)]
    process.kill()
    told = acknowledged(process, first)
    assert len(told) >= BEFORE
    assert_whole(database_address, told)
    assert_taken_up(database_address, told)


def test_a_server_that_is_killed_leaves_nothing_half(postgres):
    address = postgres.new()
    Database(address).close()
    process = Started(add_all, address, MANY)
    first = [process.stdout.readline() for _ in range(BEFORE)]
    postgres.kill()
    told = acknowledged(process, first)
    assert process.wait() == 1
    postgres.start()
    assert_whole(address, told)
    assert_taken_up(address, told)
