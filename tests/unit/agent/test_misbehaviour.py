"""What a model can do to a worker, and what the agent says then."""

import dataclasses
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import ModelError, WorkerDied, WorkerError, WorkerTimeout

from .conftest import FAST, X, number_inside, processes_of, request_for, wait_until_gone

IMPATIENT = dataclasses.replace(FAST, predict_s=0.5)


def test_a_segmentation_fault_names_the_signal(worker):
    with pytest.raises(WorkerDied, match="was ended by SIGSEGV"):
        worker("segfault").predict(X)


def test_a_crash_while_a_model_is_opened_names_the_signal_too(worker):
    with pytest.raises(WorkerDied, match="SIGSEGV"):
        worker("segfault", at="open")


def test_an_exit_names_its_status(worker):
    with pytest.raises(WorkerDied, match="ended with exit status 3"):
        worker("leave").predict(X)


def test_a_failed_allocation_in_native_code_names_the_limit(worker):
    with pytest.raises(WorkerDied, match=r"SIGABRT; memory limit 2 GB") as caught:
        worker("abort").predict(X)
    assert any("bad_alloc" in line for line in caught.value.tail)


def test_sys_exit_is_an_answer_and_the_worker_goes_on(worker):
    agent = worker("leave_politely")
    with pytest.raises(ModelError, match="SystemExit: goodbye"):
        agent.predict(X)
    assert agent.stats()["peak_bytes"] > 0


def test_a_hang_ends_with_the_time_that_was_allowed(worker):
    with pytest.raises(WorkerTimeout, match=r"did not answer") as caught:
        worker("hang", IMPATIENT).predict(X)
    assert "0.5 s" in str(caught.value)


def test_a_hang_that_ignores_signals_ends_in_a_stream_too(worker):
    with pytest.raises(WorkerTimeout):
        list(worker("hang", IMPATIENT).predict_stream([X] * 100))


def test_a_hang_ends_while_a_question_larger_than_the_pipe_is_sent(worker):
    big = {"x": np.zeros(3_000_000)}
    with pytest.raises(WorkerTimeout):
        list(worker("hang", IMPATIENT).predict_stream([big] * 10))


def test_a_flood_of_prints_breaks_neither_the_wire_nor_the_memory(worker):
    agent = worker("flood")
    outputs, _ = agent.predict(X)
    assert np.array_equal(outputs["x"], X["x"])
    assert len(agent.tail) <= 20
    assert max(map(len, agent.tail)) <= 300


def test_prints_of_native_code_go_to_the_tail(worker):
    agent = worker("print_natively")
    outputs, _ = agent.predict(X)
    assert np.array_equal(outputs["x"], X["x"])
    agent.close()
    assert {"printed by C", "written to descriptor 1"} <= set(agent.tail)


def test_standard_input_is_empty(worker):
    outputs, _ = worker("read_input").predict(X)
    assert outputs["x"].tolist() == [0]


def test_a_hundred_gigabytes_are_refused_with_the_limit(worker):
    agent = worker("take_memory")
    with pytest.raises(ModelError, match="ran out of memory") as caught:
        agent.predict(X)
    assert "at most 2 GB" in str(caught.value)
    assert agent.stats()["peak_bytes"] < 1_000_000_000


def test_an_exception_tells_its_type_text_and_place(worker):
    agent = worker("fail")
    with pytest.raises(ModelError, match="RuntimeError: the frobnicator is bent") as caught:
        agent.predict(X)
    assert "in fail" in caught.value.tail[-1]
    assert "Traceback" not in str(caught.value)


def test_closed_descriptors_are_a_death(worker):
    with pytest.raises(WorkerDied):
        worker("close_descriptors").predict(X)


def test_garbage_on_the_wire_is_recognised(worker):
    with pytest.raises(WorkerDied, match="sent something else than a message: b'GARB'"):
        worker("write_to_the_wire").predict(X)


@pytest.mark.parametrize("how", ["fork", "fork_away", "start_threads"])
def test_children_end_with_the_worker(worker, how):
    agent = worker(how)
    agent.predict(X)
    assert agent.describe["pid"] in map(number_inside, processes_of(agent.scratches[0]))
    agent.close()
    assert wait_until_gone(agent.scratches[0]) == []


def test_a_child_that_holds_the_wire_open_does_not_hide_a_death(worker):
    with pytest.raises(WorkerDied, match="exit status 4"):
        worker("fork_and_leave").predict(X)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("return_nothing", "the predictor returned NoneType, not outputs by name"),
        ("return_objects", "x holds elements of type object, which cannot travel"),
        ("return_a_number", "x is of type float, not an array or a list"),
        ("return_sets", "x is a list of set, not of text or numbers"),
    ],
)
def test_garbage_is_named_and_the_worker_goes_on(worker, does, said):
    agent = worker(does)
    for _ in range(2):
        with pytest.raises(ModelError, match=said):
            agent.predict(X)


def test_an_exception_of_odd_text_arrives(worker):
    with pytest.raises(ModelError, match="Odd"):
        worker("raise_something_unprintable").predict(X)


def test_after_a_death_the_agent_can_open_again(worker):
    agent = worker("segfault")
    with pytest.raises(WorkerDied):
        agent.predict(X)
    with pytest.raises(WorkerDied, match="no model is open"):
        agent.predict(X)
    agent.open(request_for("echo"))
    assert agent.predict(X)[0]["x"].shape == (2, 3)


def test_an_environment_without_its_interpreter_is_refused(worker, tmp_path):
    agent = worker("echo")
    agent.environment = dataclasses.replace(agent.environment, python=tmp_path / "python")
    with pytest.raises(WorkerError, match="cannot be started"):
        agent.open(request_for("echo"))


def test_no_worker_outlives_a_host_that_is_killed(tmp_path):
    scratch_of_worker = _killed_host(tmp_path, "hang")
    assert wait_until_gone(scratch_of_worker) == []


def test_no_worker_outlives_a_host_that_forgets_to_close(tmp_path):
    host = subprocess.run([sys.executable, "-c", _host("echo")], capture_output=True, text=True, timeout=60)
    assert host.returncode == 0, host.stderr
    scratch = Path(host.stdout.strip())
    assert wait_until_gone(scratch) == []
    assert not scratch.exists()


def _host(does):
    return textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
        from agent.conftest import *
        agent = Agent(HOST, FAST, MISBEHAVING)
        agent.open(request_for({does!r}))
        print(agent._worker.scratch, flush=True)
        if {does!r} == "hang":
            agent.predict(X)
        """
    )


def _killed_host(tmp_path, does):
    host = subprocess.Popen([sys.executable, "-c", _host(does)], stdout=subprocess.PIPE, text=True)
    scratch = Path(host.stdout.readline().strip())
    assert processes_of(scratch)
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    return scratch
