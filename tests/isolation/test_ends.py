"""Killing, stopping and starving a worker of every framework: it is said, the next one runs, nothing is left."""

import importlib
import resource
import signal
from pathlib import Path

import psutil
import pytest
from tiny import ITEMS, OUTPUTS, X

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, WorkerDied, WorkerError, WorkerTimeout
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

MUCH = 200_000


class Watched(Agent):
    """An agent whose worker can be found, from outside and afterwards."""

    def process(self):
        """The worker itself, behind whatever confines it."""
        first = psutil.Process(self._worker.process.pid)
        family = [first, *first.children(recursive=True)]
        return [member for member in family if member.cmdline()[-1:] == [str(self.scratch / "worker.zip")]][-1]

    def _start(self, code, threads):
        super()._start(code, threads)
        self.scratch = self._worker.scratch


def suite_of(framework):
    """The conformance suite of a framework, which knows how to build a tiny model of it."""
    module = importlib.import_module(f"test_{framework}")  # tests/conformance is on the path
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, FrameworkTests)]
    return next(suite for suite in found if suite.__name__.startswith("Test") and suite.framework == framework)


@pytest.fixture(scope="module", params=[name for name in names("frameworks") if "cpu" in framework_spec(name).devices])
def tiny(request, tmp_path_factory):
    """The tiny model of each framework, and its environment."""
    suite, folder = suite_of(request.param), tmp_path_factory.mktemp("tiny")
    try:
        environment = environment_of(request.param, suite.packages)
    except EnvironmentUnavailable as error:
        pytest.skip(str(error))  # the conformance tests fail then
    if request.param == "litert":  # which writes no models
        module = importlib.import_module("test_litert")
        module.run_inside(environment_of("tensorflow", ()), module.WRITE, folder)
        tiny = TinyModel(files={"model": folder / "tiny.tflite"}, inputs=[X], outputs=OUTPUTS, items=ITEMS)
        return tiny, environment
    return suite().build(folder, environment), environment


def environment_of(framework, packages):
    return Environments(Cache().root).obtain(FrameworkUse(framework, packages=packages))


@pytest.fixture(scope="module")
def agent(tiny):
    """The agent of a framework; afterwards nothing may be left of its workers."""
    with Watched(tiny[1], Limits(predict_s=60)) as agent:
        yield agent
    assert_nothing_is_left(agent)


@pytest.fixture
def opened(agent, tiny):
    """An agent whose model has answered: after a worker that ended badly, that of another one."""
    if agent._worker is None:
        agent.open(tiny[0].request())
    agent.limits = Limits(predict_s=60)
    assert agent.predict(tiny[0].query(tiny[0].items))[0]
    return agent


def assert_nothing_is_left(agent):
    assert not agent.scratch.exists()
    mark = str(agent.scratch)
    assert [process for process in psutil.process_iter(["cmdline"]) if mark in str(process.info["cmdline"])] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_signal_is_named(opened, tiny, number):
    opened.process().send_signal(number)
    with pytest.raises(WorkerDied) as caught:
        opened.predict(tiny[0].query(tiny[0].items))
    # MXNet catches this signal, prints its name and exits.
    assert f"was ended by {number.name}" in str(caught.value) or "| Segmentation fault: 11" in str(caught.value)
    assert_nothing_is_left(opened)


def test_one_that_hangs_is_ended(opened, tiny):
    opened.limits = Limits(predict_s=1)
    opened.process().suspend()
    with pytest.raises(WorkerTimeout, match="an answer within 1 s"):
        opened.predict(tiny[0].query(tiny[0].items))
    assert_nothing_is_left(opened)


def test_one_that_starves_while_it_predicts_says_so(opened, tiny):
    model, _ = tiny
    process = opened.process()
    data = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmData" in line)
    process.rlimit(resource.RLIMIT_DATA, (int(data.split()[1]) * 1024,) * 2)
    # All that LiteRT says is which step it could not do.
    with pytest.raises(WorkerError, match=r"memory|failed to reshape"):
        opened.predict(model.query([model.items[0]] * MUCH))
    opened.close()


def test_one_that_starves_while_it_loads_says_so(tiny):
    model, environment = tiny
    starving = Watched(environment, Limits(memory_bytes=15_000_000))
    with starving, pytest.raises(WorkerError, match="memory"):
        open_and_ask(starving, model)
    assert_nothing_is_left(starving)


def open_and_ask(agent, model):
    agent.open(model.request())
    agent.predict(model.query([model.items[0]] * MUCH))
