"""What counts for a worker, in this very process: the kernel's counters, and what is said where there are none."""

from __future__ import annotations

import errno
import gc
import threading

import pytest

from pytest_mlmodelscope.worker import counting

#: A clock that the kernel keeps by itself, in nanoseconds: it is there even where the processor counts nothing.
CLOCK = (1, 1)


def spin(rounds=200_000):
    return sum(range(rounds))


def test_a_counter_of_the_kernel_goes_on_with_the_work():
    counter = counting.OfProcessor(CLOCK)
    before = counter.total()
    spin()
    once = counter.total() - before
    for _ in range(20):
        spin()
    assert 0 < once < counter.total() - before


def test_threads_that_begin_later_are_counted_too():
    counter = counting.OfProcessor(CLOCK)
    before = counter.total()
    for _ in range(20):
        spin()
    alone = counter.total() - before
    threads = [threading.Thread(target=lambda: [spin() for _ in range(20)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.total() - before > 2 * alone


def test_threads_that_are_there_already_are_counted_too():
    go, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (go.wait(), [spin() for _ in range(20)], done.set()))
    thread.start()
    counter = counting.OfProcessor(CLOCK)
    before = counter.total()
    go.set()
    done.wait()
    thread.join()
    assert counter.total() - before > 1e6


def test_an_event_that_nobody_knows_is_not_counted():
    with pytest.raises(counting.Uncounted, match="counts no instructions"):
        counting.OfProcessor((1, 10_000))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES])
@pytest.mark.parametrize(
    ("level", "what", "hint"),
    [
        ("3", "the kernel lets nobody count", "sudo sysctl kernel.perf_event_paranoid=2"),
        ("2", "what isolates the worker", "bubblewrap"),
    ],
)
def test_who_forbids_it_is_told_with_the_line_that_changes_that(monkeypatch, tmp_path, number, level, what, hint):
    (tmp_path / "level").write_text(level + "\n")
    monkeypatch.setattr(counting, "_PARANOID", str(tmp_path / "level"))
    found = counting._uncounted(number)
    assert what in str(found)
    assert hint in found.hint


def test_a_kernel_that_tells_nothing_of_itself_is_no_traceback(monkeypatch, tmp_path):
    monkeypatch.setattr(counting, "_PARANOID", str(tmp_path / "none"))
    assert "isolates" in str(counting._uncounted(errno.EPERM))


class Steps:
    """Counts as a processor would that takes ten instructions for every call, and three to be asked."""

    def __init__(self, _):
        self.now = 0

    def total(self):
        self.now += 3
        return self.now


def test_calls_are_counted_without_what_counting_takes(monkeypatch):
    steps = Steps(None)
    monkeypatch.delenv(counting.VARIABLE, raising=False)
    monkeypatch.setattr(counting, "OfProcessor", lambda event: steps)
    seen = []

    def predict(inputs):
        seen.append((inputs, gc.isenabled()))
        steps.now += 10

    assert counting.of_calls(predict, {"x": 1}) == [10] * counting.CALLS
    assert len(seen) == 1 + counting.WARMUP + counting.CALLS
    assert [enabled for _, enabled in seen[-counting.CALLS :]] == [False] * counting.CALLS
    assert gc.isenabled()


def test_rubbish_is_collected_again_when_the_model_fails(monkeypatch):
    monkeypatch.delenv(counting.VARIABLE, raising=False)
    monkeypatch.setattr(counting, "OfProcessor", Steps)
    calls = []

    def predict(_):
        calls.append(gc.isenabled())
        if not calls[-1]:
            raise RuntimeError("no idea")

    with pytest.raises(RuntimeError, match="no idea"):
        counting.of_calls(predict, {})
    assert gc.isenabled()


def test_an_emulator_that_does_not_answer_holds_nobody_up(monkeypatch):
    monkeypatch.setenv(counting.VARIABLE, "emulator")
    with pytest.raises(BlockingIOError):
        counting.of_calls(lambda inputs: None, {})
