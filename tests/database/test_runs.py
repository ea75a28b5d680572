"""Records in the database: whole, once, and the newest of a case known, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from adding import add_all
from fill import CASES, fill, records
from processes import Started
from sqlalchemy import func, select

from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.store.canonical import canonical, digest_of, parsed
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.pruning import old
from pytest_mlmodelscope.store.runs import add, find, newest, read, remove
from pytest_mlmodelscope.store.tables import Current, Record, Result


@pytest.fixture
def database(database_address):
    with Database(database_address) as database:
        yield database


def count(database, table):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def cells(database):
    """What the matrix shows: for each case and machine the moment and the record of its newest result."""
    with database.reading() as session:
        rows = session.execute(
            select(Current.case, Current.machine_class, Current.at, Result.record_digest).join(Result)
        )
        return {(case, machine): (at, digest) for case, machine, at, digest in rows}


def test_a_record_comes_back_as_it_was(database):
    (record,) = records(1)
    with database.writing() as session:
        added = add(session, record)
    assert added.new
    assert added.digest == digest_of(record)
    with database.reading() as session:
        assert read(session, added.digest) == record
        (kept,) = newest(session)
        assert kept.machine_class == record["mlms"]["machine"]["machine_class"]
        assert kept.at == datetime.fromisoformat(record["datetime"])
        assert len(kept.results) == CASES
        assert read(session, "0" * 64) is None


def test_a_result_has_what_can_be_asked_for(database):
    (record,) = records(1, cases=1)
    case = record["mlms"]["cases"][0] | {"latencies_s": [number / 100 for number in range(100, 0, -1)]}
    record["mlms"]["cases"] = [case]
    with database.writing() as session:
        add(session, record)
        found = session.scalars(select(Result)).one()
        assert (found.case, found.model, found.framework) == (case["id"], case["model"], case["framework"])
        assert (found.measured, found.low, found.high) == (
            case["measured"],
            case["interval"]["low"],
            case["interval"]["high"],
        )
        assert (found.p50_s, found.p90_s, found.p99_s) == (0.5, 0.9, 0.99)


def test_a_record_that_is_there_is_not_added_again(database):
    (record,) = records(1)
    for new in (True, False):
        with database.writing() as session:
            assert add(session, json.loads(json.dumps(record))).new is new
    assert (count(database, Record), count(database, Result)) == (1, CASES)


def test_what_breaks_off_leaves_nothing(database):
    (record,) = records(1)
    with suppress(KeyboardInterrupt), database.writing() as session:
        add(session, record)
        raise KeyboardInterrupt
    assert [count(database, table) for table in (Record, Result, Current)] == [0, 0, 0]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_newest_result_is_current_in_whatever_order_records_arrive(tmp_path, order):
    made = list(records(17))
    same = made[0], made[8], made[16]  # of one machine
    same[2]["datetime"] = same[1]["datetime"]  # and two of one moment
    with Database(tmp_path / "r.sqlite") as database:
        for number in order:
            with database.writing() as session:
                add(session, same[number])
        wanted = max(same[1:], key=digest_of)
        assert {digest for _, digest in cells(database).values()} == {digest_of(wanted)}


def test_a_removed_record_gives_way_to_the_one_before(database):
    made = list(records(9, cases=5))
    first, second = made[0], made[8]
    with database.writing() as session:
        for record in (first, second):
            add(session, record)
    with database.writing() as session:
        assert remove(session, digest_of(second))
        assert not remove(session, digest_of(second))
    assert {digest for _, digest in cells(database).values()} == {digest_of(first)}
    with database.writing() as session:
        remove(session, digest_of(first))
    assert [count(database, table) for table in (Record, Result, Current)] == [0, 0, 0]


def test_old_records_are_those_that_no_cell_needs(database):
    made = list(records(17, cases=2))  # of eight kinds of machine in turn
    digests = [digest_of(record) for record in made]
    middle = datetime.fromisoformat(made[4]["datetime"])
    with database.writing() as session:
        for record in made:
            add(session, record)
        assert old(session) == digests[:9]
        assert old(session, keep=10) == digests[:7]
        assert old(session, before=middle) == digests[:4]
        assert old(session, keep=15, before=middle) == digests[:2]
        assert old(session, keep=3, current=True) == digests[:14]


def test_processes_add_the_same_records_at_once(database_address):
    Database(database_address).close()
    started = [Started(add_all, database_address, 8, backwards) for backwards in 2 * (False, True)]
    new = [process.rest().split().count("new") for process in started]
    assert [process.wait() for process in started] == [0] * 4
    assert sum(new) == 8
    with Database(database_address) as database:
        assert (count(database, Record), count(database, Result)) == (8, 8 * CASES)
        assert_right(database, list(records(8)))


def assert_right(database, made):
    """The newest of each case on each machine, worked out from the records themselves."""
    wanted = {}
    for record in made:
        key = datetime.fromisoformat(record["datetime"]), digest_of(record)
        for case in record["mlms"]["cases"]:
            cell = case["id"], record["mlms"]["machine"]["machine_class"]
            wanted[cell] = max(key, wanted.get(cell, key))
    assert cells(database) == wanted


def test_filling_twice_is_filling_once(tmp_path):
    with Database(tmp_path / "r.sqlite") as database:
        for _ in range(2):
            fill(database, 3 * CASES)
        assert (count(database, Record), count(database, Result)) == (3, 3 * CASES)


# -- names and moments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record["mlms"]["cases"].append(record["mlms"]["cases"][0]), "names a case twice"),
        (lambda record: record["mlms"]["cases"][0].update(model="m" * 256), "case's model is too long"),
        (lambda record: record.update(datetime="yesterday"), "is not a moment"),
        (lambda record: record.update(datetime="0001-01-01T00:00:00+23:00"), "is not a moment"),
        (lambda record: record.update(datetime=(datetime.now(UTC) + timedelta(days=2)).isoformat()), "later than now"),
        (lambda record: record.update(version="\ud800"), "no canonical JSON"),
        (lambda record: record.update(version=10**400), "no canonical JSON"),
    ],
    ids=["twice", "long name", "no moment", "before time", "tomorrow", "no text", "no double"],
)
def test_a_record_that_cannot_be_kept_is_refused(database, change, said):
    (record,) = records(1, cases=2)
    change(record)
    with pytest.raises(DocumentError, match=said), database.writing() as session:
        add(session, record)
    assert count(database, Record) == 0


def test_what_a_database_cannot_hold_is_replaced_in_columns_only(database):
    (record,) = records(1, cases=1)
    record["mlms"]["cases"][0].update(reason="a\0b")
    with database.writing() as session:
        digest = add(session, record).digest
        assert session.scalars(select(Result.reason)).one() == "a\ufffdb"
        assert read(session, digest) == record


def test_a_record_is_named_by_the_beginning_of_its_digest(tmp_path):
    made = list(records(3, cases=1))
    with Database(tmp_path / "r.sqlite") as database, database.writing() as session:
        for record in made:
            add(session, record)
        assert find(session, digest_of(made[0])[:8]) == digest_of(made[0])
        assert find(session, digest_of(made[0])) == digest_of(made[0])
        for start, said in (("0000000", "no record's digest"), ("abc", "names no record"), ("%%%%", "names no record")):
            with pytest.raises(UsageError, match=said):
                find(session, start)


# -- canonical JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0.1, 1e17, -1e21, 5e-324, 2**53 - 1, 2**53, 2**70 + 1, 1.0, "\u00e4\U0001f600", [], None]
)
def test_canonical_json_read_again_is_the_same_bytes(value):
    raw = canonical({"value": value})
    assert canonical(parsed(raw)) == raw


def test_canonical_json_does_not_depend_on_order_or_layout():
    assert canonical({"b": 1.0, "a": "\u20ac"}) == canonical({"a": "\u20ac", "b": 1}) == '{"a":"\u20ac","b":1}'.encode()
