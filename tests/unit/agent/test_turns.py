"""Whose turn it is to be timed: real processes on real locks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_mlmodelscope.agent import turns
from pytest_mlmodelscope.agent.turns import folder, holders, locks_of, turn
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.target import Machine

CPU = Machine("c", "cpu", "x86_64", "A processor", 1)
ONE, OTHER = (Machine("g", "gpu", "x86_64", "A GPU", 1, unit=f"GPU-{name}") for name in ("1", "2"))
MACHINES = {"cpu": CPU, "one": ONE, "other": OTHER}

#: Takes a turn, says so, and gives it back when its input ends.
PROCESS = """\
import sys
from pytest_mlmodelscope.agent.turns import turn
from pytest_mlmodelscope.interfaces.target import Machine
with turn(Machine("m", sys.argv[1], "x86_64", "A machine", 1, unit=sys.argv[2]), sys.argv[3], print):
    print("has it", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MLMS_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "locks"


@contextmanager
def process(machine: Machine, what="another case"):
    """Another process that waits for its turn, or has it."""
    command = [sys.executable, "-c", PROCESS, machine.device, machine.unit, what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def has_it(started: subprocess.Popen) -> bool:
    return started.stdout.readline() == "has it\n"


def is_free(machine: Machine) -> bool:
    """Whether a case could be timed there now."""
    told = []

    class Busy(Exception):
        pass

    def refuse(*arguments):
        raise Busy

    real, turns.time = turns.time, type("Time", (), {**vars(time), "sleep": refuse})
    try:
        with turn(machine, "a look", told.append):
            return True
    except Busy:
        return False
    finally:
        turns.time = real


@pytest.mark.parametrize(
    ("holder", "free"),
    [("cpu", set()), ("one", {"other"}), ("other", {"one"})],
)
def test_a_device_has_one_timed_case_among_all_processes(holder, free):
    with process(MACHINES[holder]) as other:
        assert has_it(other)
        assert {name for name, machine in MACHINES.items() if is_free(machine)} == free
    assert all(map(is_free, MACHINES.values()))


def test_a_case_on_the_processor_waits_for_those_of_all_gpus():
    with process(ONE) as first, process(OTHER) as second:
        assert has_it(first)
        assert has_it(second)
        first.stdin.close()
        first.wait()
        assert not is_free(CPU)
        second.stdin.close()
        second.wait()
        assert is_free(CPU)


def test_a_process_that_is_killed_gives_its_turn_to_the_one_who_waits():
    with process(CPU) as holder:
        assert has_it(holder)
        with process(CPU) as waiting:
            assert not is_free(CPU)
            holder.kill()
            assert has_it(waiting)
            assert not is_free(CPU)


def test_many_processes_never_have_the_same_device_at_once(tmp_path):
    code = (
        "import os, sys\nfrom pytest_mlmodelscope.agent.turns import turn\n"
        "from pytest_mlmodelscope.interfaces.target import Machine\n"
        "for number in range(5):\n"
        "    with turn(Machine('m', 'cpu', 'x86_64', 'A machine', 1), 'a case', print):\n"
        "        os.close(os.open(sys.argv[1], os.O_CREAT | os.O_EXCL))\n"  # fails where another is there
        "        os.unlink(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "alone")]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(one.communicate()[1], one.returncode) for one in started] == [("", 0)] * 4


def test_who_waits_says_for_which_process_and_since_when(monkeypatch):
    monkeypatch.setattr(turns, "PATIENCE", 0.0)
    told = threading.Event()
    texts = []

    def hear(text):
        texts.append(text)
        told.set()

    def wait():
        with turn(CPU, "my case", hear) as alone:
            texts.append(alone)

    with process(CPU, "their case") as holder:
        assert has_it(holder)
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert told.wait(60)
        (found,) = holders(folder() / "processor.lock")
        assert (found.pid, found.what) == (holder.pid, "their case")
        assert texts[0] == f"my case: waits for the processor, which has {found}"
        assert str(found).startswith(f"process {holder.pid} (times their case since ")
        assert holder.stdin is not None
        holder.stdin.close()
        waiting.join()
    assert texts[-1]["held"] == ["processor"]
    assert texts[-1]["waited_s"] > 0


def test_what_a_case_holds_is_recorded():
    with turn(ONE, "a case", print) as alone:
        assert alone["held"] == ["gpu GPU-1", "processor"]
        assert [holder.pid for holder in holders(folder() / "gpu-GPU-1.lock")] == [os.getpid()]
    assert holders(folder() / "gpu-GPU-1.lock") == []
    assert locks_of(CPU) == [("processor", True)]


def test_another_machine_has_locks_of_its_own_whoever_logs_in_there():
    there = [replace(CPU, address=f"ssh://{user}host:22") for user in ("me@", "you@", "")]
    assert [locks_of(machine) for machine in there] == [[("processor of host:22", True)]] * 3
    with turn(there[0], "a case", print):
        assert is_free(CPU)
        assert not is_free(there[1])


@pytest.mark.parametrize(
    "note",
    [
        b"", b"{", b"[]", b'{"since": "now", "what": "x"}', b'{"since": 1}', b'{"since": 0, "what": "older than it"}',
        b'{"since": 1e300, "what": "of the future"}', b'{"since": 1, "what": 7}',
    ],
)  # fmt: skip
def test_a_note_that_cannot_be_true_is_not_believed(note):
    (folder() / f"processor.lock.{os.getpid()}").write_bytes(note)
    (folder() / "processor.lock.none").write_bytes(note)
    (folder() / "processor.lock.999999999").write_text(json.dumps({"since": time.time(), "what": "gone"}))
    assert holders(folder() / "processor.lock") == []


def test_a_note_is_never_written_through_a_link(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("precious")
    (folder() / f"processor.lock.{os.getpid()}").symlink_to(mine)
    with turn(CPU, "a case", print):
        assert [holder.what for holder in holders(folder() / "processor.lock")] == ["a case"]
    assert mine.read_text() == "precious"


def test_a_lock_is_never_taken_through_a_link(tmp_path):
    (folder() / "processor.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot be kept there") as refused, turn(CPU, "a case", print):
        pass
    assert "MLMS_LOCKS" in refused.value.hint
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_of_another_user_can_be_taken(locks):
    folder()
    (locks / "processor.lock").touch(0o444)
    assert is_free(CPU)


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path.parent)], ids=["file", "link"])
def test_what_is_no_folder_is_refused(tmp_path, monkeypatch, make):
    monkeypatch.delenv("MLMS_LOCKS")
    monkeypatch.setattr(turns.tempfile, "gettempdir", lambda: str(tmp_path))
    make(tmp_path / "mlms-locks")
    with pytest.raises(UsageError, match="cannot be kept there") as refused, turn(CPU, "a case", print):
        pass
    assert "MLMS_LOCKS" in refused.value.hint


def test_all_users_of_a_machine_share_the_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("MLMS_LOCKS")
    monkeypatch.setattr(turns.tempfile, "gettempdir", lambda: str(tmp_path))
    assert folder() == tmp_path / "mlms-locks"
    assert folder().stat().st_mode & 0o7777 == 0o1777
