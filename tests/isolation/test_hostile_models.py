"""A hostile model of every format: isolated it reads, writes and reaches nothing; and what it does otherwise."""

import socket

import numpy as np
import pytest

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.errors import WorkerError
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache

from .hostile import ALL

CANARY = "canary"


class Trap:
    """A secret, a place that must not be written, and a server that nobody may reach."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "home").mkdir()
        (folder / "model").mkdir()
        self.secret = folder / "home" / "secret.txt"
        self.secret.write_text(CANARY)
        self.target = folder / "home" / "target.txt"
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)

    def names(self):
        port = self.server.getsockname()[1]
        folder = str(self.folder / "model")
        return {"folder": folder, "secret": str(self.secret), "target": str(self.target), "port": port}

    def effect(self, outputs):
        found = set()
        found |= {"read"} if _leaks(outputs) else set()
        found |= {"written"} if self.target.exists() or self.secret.read_text() != CANARY else set()
        try:
            self.server.accept()[0].close()
            found.add("connected")
        except BlockingIOError:
            pass
        return found


def _leaks(outputs):
    for value in outputs.values():
        array = np.asarray(value)
        if array.dtype.kind in "UO" and CANARY in " ".join(map(str, array.flat)):
            return True
        if array.dtype.kind in "uif" and CANARY.encode() in array.astype(np.uint8).tobytes():
            return True
    return False


@pytest.fixture
def trap(tmp_path):
    trap = Trap(tmp_path)
    yield trap
    trap.server.close()


@pytest.fixture(params=ALL, ids=lambda hostile: hostile.id)
def hostile(request, trap):
    """One of the hostile models, its files written."""
    environments = Environments(Cache().root)
    request.param.build(environments.obtain(FrameworkUse(request.param.made_in)), trap.names())
    return request.param, environments.obtain(FrameworkUse(request.param.framework))


def run(hostile, trap, isolation):
    """The outputs, if there are any, and what is said when there are none."""
    model, environment = hostile
    with Agent(environment, Limits(predict_s=60, isolation=isolation)) as agent:
        try:
            agent.open(model.request(trap.folder / "model"))
            return agent.predict({"x": np.ones((1, 4), np.float32)})[0], ""
        except WorkerError as error:
            return {}, str(error)


def test_an_isolated_one_gets_nothing_and_ends_as_an_error(hostile, trap):
    outputs, said = run(hostile, trap, "required")
    assert trap.effect(outputs) == set()
    assert len(said) > 20
    assert CANARY not in said


def test_without_isolation_it_does_what_it_is_made_for_or_is_refused(hostile, trap):
    model = hostile[0]
    outputs, said = run(hostile, trap, "off")
    expected = set() if model.alone else model.effect
    assert trap.effect(outputs) == expected
    assert expected or len(said) > 20


@pytest.mark.parametrize("hostile", [one for one in ALL if one.alone], indirect=True, ids=lambda one: one.id)
def test_its_framework_alone_would_do_it(hostile, trap):
    model, environment = hostile
    shown = model.run_alone(environment, trap.folder / "model")
    assert trap.effect({"y": [shown]}) == model.effect != set()


def test_a_hostile_model_that_nobody_refuses_is_among_them():
    assert any(model.effect and not model.alone for model in ALL)
