"""What a worker built of a model is handed over, kept, and given to the next one."""

import sys
from pathlib import Path

import pytest

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.engines import Engines, key_of
from pytest_mlmodelscope.agent.environment import Environment
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.manifest import inventory
from pytest_mlmodelscope.manifest.cache import Cache

NAME = "0123456789abcdef" * 2
PREDICTOR = """
import numpy


class Model:
    def __init__(self, request):
        self._kept = {name: open(path, "rb").read() for name, path in request.get("kept", {}).items()}
        self._built = {}

    def predict(self, inputs):
        engine = self._kept.get("NAME")
        if engine is None:
            engine = self._kept["NAME"] = b"engine"
            self._built["NAME"] = numpy.frombuffer(engine, "uint8")
        return {"y": numpy.array([len(engine)])}

    def built(self):
        found, self._built = self._built, {}
        return found

    def describe(self):
        return {"found": sorted(self._kept)}


def load(request):
    return Model(request)
""".replace("NAME", NAME)


@pytest.fixture
def engines(tmp_path):
    return Engines(Cache(tmp_path / "cache"))


@pytest.fixture
def agent(tmp_path):
    folder = tmp_path / "builder"
    folder.mkdir()
    (folder / "predictor.py").write_text(PREDICTOR)
    with Agent(Environment(Path(sys.executable), "host", "builder", "0", "host"), folder=folder) as agent:
        yield agent


def request(kept):
    return {"files": {}, "options": {}, "inputs": [], "outputs": [], "threads": 1, "device": "cpu", "kept": kept}


def test_what_one_worker_builds_the_next_one_reads(agent, engines):
    assert agent.open(request(engines.found("k")))["found"] == []
    agent.predict({})
    built = agent.built()
    assert built == {NAME: b"engine"}
    assert agent.built() == {}
    engines.keep("k", built, "an engine")
    # The view of a confined worker holds what is kept, and nothing else of the cache.
    assert agent.open(request(engines.found("k")))["found"] == [NAME]
    agent.predict({})
    assert agent.built() == {}


def test_it_is_for_that_key_alone(engines):
    engines.keep("k", {NAME: b"engine"}, "an engine")
    assert list(engines.found("k")) == [NAME]
    assert engines.found("other") == {}
    assert key_of("model", "fp16") != key_of("model", "fp32")


def test_one_that_was_changed_is_dropped_instead_of_used(engines):
    engines.keep("k", {NAME: b"engine"}, "an engine")
    place = Path(engines.found("k")[NAME])
    place.chmod(0o600)
    place.write_bytes(b"enGine")
    assert engines.found("k") == {}
    assert not place.exists()


def test_it_is_listed_and_pruned_with_everything_else(engines, tmp_path):
    engines.keep("k", {NAME: b"engine"}, "an engine")
    cache = Cache(tmp_path / "cache")
    assert [(entry.kind, entry.origin, entry.size) for entry in inventory.entries(cache)] == [
        ("engines", "an engine", 6)
    ]
    assert inventory.verify(cache) == []
    assert len(inventory.prune(cache, max_size=0)) == 1
    assert engines.found("k") == {}


@pytest.mark.parametrize("name", ["", "../../elsewhere", NAME + "0", NAME.upper()])
def test_a_worker_cannot_name_another_place(engines, name):
    with pytest.raises(MlmsError, match="by no name"):
        engines.keep("k", {name: b"engine"}, "an engine")
