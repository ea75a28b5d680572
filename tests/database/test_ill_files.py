"""Files of SQLite that are locked, full, damaged or not to be written: a run says so in one sentence, and goes on."""

from __future__ import annotations

import ctypes
import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest
from fill import records
from sqlalchemy import func, select

from pytest_mlmodelscope.record.local import keep
from pytest_mlmodelscope.store.canonical import digest_of
from pytest_mlmodelscope.store.database import Database
from pytest_mlmodelscope.store.runs import read
from pytest_mlmodelscope.store.tables import Result

FIRST, SECOND = records(2)
CASES = len(FIRST["mlms"]["cases"])


@pytest.fixture
def path(tmp_path):
    """A store that holds a record, in a folder of its own."""
    found = tmp_path / "store" / "results.sqlite"
    assert keep(FIRST, found).digest
    return found


@pytest.fixture
def impatient(monkeypatch):
    """Waits for other writers no longer than a moment."""
    monkeypatch.setattr("pytest_mlmodelscope.store.database._BUSY_MS", 50)


class _Head(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def as_others():
    """Without what lets root write to any file (capabilities(7): CAP_DAC_OVERRIDE), as far as this thread goes."""
    system, head, sets = ctypes.CDLL(None), _Head(0x20080522, 0), (_Sets * 2)()
    assert system.capget(ctypes.byref(head), sets) == 0
    before = sets[0].effective
    try:
        sets[0].effective = before & ~0b10
        assert system.capset(ctypes.byref(head), sets) == 0
        yield
    finally:
        sets[0].effective = before
        assert system.capset(ctypes.byref(head), sets) == 0


@contextmanager
def files_of_at_most(size):
    """As on a disk that is full: the system writes no file any larger (setrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def said(landed):
    """The sentence about a run that was not kept."""
    assert landed.digest == ""
    text = str(landed)
    assert text.startswith("WARNING: this run is not in ")
    assert "\n" not in text
    return text


def assert_as_before(path):
    """The first record is there and whole, nothing else is, and others can be put in."""
    with Database(path) as database, database.reading() as session:
        assert read(session, digest_of(FIRST)) == FIRST
        assert session.scalar(select(func.count()).select_from(Result)) == CASES
        assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert keep(SECOND, path).digest == digest_of(SECOND)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_file(path, lock):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        assert "database is locked" in said(keep(SECOND, path))
    assert_as_before(path)


@pytest.mark.usefixtures("impatient")
def test_a_new_file_that_somebody_else_has_locked(tmp_path):
    path = tmp_path / "results.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "database is locked" in said(keep(FIRST, path))
    assert keep(FIRST, path).digest


@pytest.mark.parametrize("whole_folder", [False, True], ids=["file", "folder"])
def test_a_file_that_may_only_be_read(path, whole_folder):
    path.chmod(0o444)
    path.parent.chmod(0o555 if whole_folder else 0o755)
    with as_others():
        assert "readonly database" in said(keep(SECOND, path))
    path.parent.chmod(0o755)
    path.chmod(0o644)
    assert_as_before(path)


def test_a_folder_that_may_not_be_written_to(tmp_path):
    tmp_path.chmod(0o555)
    with as_others():
        assert "Permission denied" in said(keep(FIRST, tmp_path / "new" / "results.sqlite"))
        assert "unable to open" in said(keep(FIRST, tmp_path / "results.sqlite"))
    tmp_path.chmod(0o755)


def test_a_disk_that_is_full(path, tmp_path):
    with files_of_at_most(32 * 1024):
        assert "disk" in said(keep(SECOND, path))
        assert "disk" in said(keep(FIRST, tmp_path / "new.sqlite"))
    assert_as_before(path)
    assert keep(FIRST, tmp_path / "new.sqlite").digest


def test_a_file_that_is_damaged(path):
    with Database(path) as database:
        database.shrink()
    raw = bytearray(path.read_bytes())
    raw[3 * 4096 : 20 * 4096] = b"\xa5" * (17 * 4096)
    path.write_bytes(raw)
    assert "malformed" in said(keep(SECOND, path))


def test_half_a_file(path):
    with Database(path) as database:
        database.shrink()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "malformed" in said(keep(SECOND, path))


def test_a_folder_in_its_place(tmp_path):
    assert "unable to open" in said(keep(FIRST, tmp_path))


def test_a_file_where_its_folder_should_be(path):
    assert "cannot be opened" in said(keep(FIRST, path / "results.sqlite"))


def test_a_file_of_a_newer_version(path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "a newer version of mlms made this database" in said(keep(SECOND, path))


def test_an_empty_file_is_a_new_store(tmp_path):
    path = tmp_path / "results.sqlite"
    path.touch()
    assert keep(FIRST, path).digest == digest_of(FIRST)
