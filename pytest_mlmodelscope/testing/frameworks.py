"""What every framework promises, as tests: subclass ``FrameworkTests`` and build a tiny model.

    class TestMine(FrameworkTests):
        framework = "mine"

        def build(self, folder, environment):
            ...
            return TinyModel(files={"model": path}, inputs=[...], outputs=[...], items=[...])

The tests talk to a real worker through an agent, so a predictor cannot vouch for itself.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.claim import NOTHING
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, ModelError
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.interfaces.predictor import OpenRequest
from pytest_mlmodelscope.manifest.cache import Cache

#: What ``describe`` must hold at least.
DESCRIBED = ("framework", "version", "device", "threads", "precision")


@dataclass(frozen=True)
class TinyModel:
    """A model that is small enough for a test, with at least three items for it.

    The first axis of every input and output is ``batch``; ``items`` holds one mapping of input
    names to a value without that axis for each item. At least two outputs, where the framework
    can have several, so that their order can be seen. ``device`` is what it runs on.
    """

    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    files: Mapping[str, Path] = field(default_factory=lambda: NOTHING)
    options: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    device: str = "cpu"

    def query(self, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Items stacked along the first axis."""
        stacked: dict[str, Any] = {}
        for declared in self.inputs:
            values = [item[declared["name"]] for item in items]
            stacked[declared["name"]] = values if declared["dtype"] == "string" else np.stack(values)
        return stacked

    def request(self, **changes: Any) -> OpenRequest:
        """What the framework is told when it is to load this model."""
        request: dict[str, Any] = {
            "files": {role: str(path) for role, path in self.files.items()},
            "options": dict(self.options),
            "inputs": [dict(declared) for declared in self.inputs],
            "outputs": [dict(declared) for declared in self.outputs],
            "threads": 1,
            "device": self.device,
            "precision": "fp32",
        }
        return OpenRequest(**{**request, **changes})  # type: ignore[typeddict-item]


class FrameworkTests:
    """One test a rule. ``framework`` is the registered name; ``packages`` what the tiny model needs beside it.

    ``folder`` is where an unregistered framework lies. ``tolerance`` is how far a figure of a
    batch may lie from that of a single item (absolute).
    """

    framework: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    folder: ClassVar[Path | None] = None
    tolerance: ClassVar[float] = 1e-5

    def build(self, folder: Path, environment: Environment) -> TinyModel:
        """Make a tiny model in an empty folder; ``environment.python`` can run the framework."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls) -> Environment:
        """Where the framework is; by default the host's or a built one of the user's cache."""
        if cls.folder is not None:
            return Environment(Path(sys.executable), "host", cls.framework, "0", "host")
        try:
            return Environments(Cache().root).obtain(FrameworkUse(cls.framework, packages=cls.packages))
        except EnvironmentUnavailable as error:
            pytest.skip(error.what)

    @pytest.fixture(scope="class")
    @classmethod
    def tiny(cls, tmp_path_factory: pytest.TempPathFactory, environment: Environment) -> TinyModel:
        """The tiny model, built once."""
        return cls().build(tmp_path_factory.mktemp("tiny"), environment)

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, environment: Environment, tiny: TinyModel) -> Iterator[tuple[Agent, dict[str, Any]]]:
        """An agent with the tiny model, and what its predictor says of itcls."""
        with cls.agent(environment) as agent:
            yield agent, agent.open(tiny.request())

    @pytest.fixture
    def model(self, opened: tuple[Agent, dict[str, Any]]) -> Agent:
        """The agent with the tiny model."""
        return opened[0]

    @classmethod
    def agent(cls, environment: Environment) -> Agent:
        """An agent without a model."""
        return Agent(environment, Limits(predict_s=60), cls.folder)

    def test_outputs_have_the_declared_names_in_order(self, model: Agent, tiny: TinyModel) -> None:
        """The manifest says what is returned, and in which order."""
        outputs, _ = model.predict(tiny.query(tiny.items))
        assert list(outputs) == [declared["name"] for declared in tiny.outputs]

    def test_the_first_axis_of_every_output_is_that_of_the_items(self, model: Agent, tiny: TinyModel) -> None:
        """One answer an item, whatever the number of items."""
        for count in (1, len(tiny.items)):
            outputs, _ = model.predict(tiny.query(tiny.items[:count]))
            assert [len(value) for value in outputs.values()] == [count] * len(outputs)

    def test_a_batch_gives_what_its_items_give(self, model: Agent, tiny: TinyModel) -> None:
        """Answers do not depend on the company, and keep the items' order."""
        batch, _ = model.predict(tiny.query(tiny.items))
        for index, item in enumerate(tiny.items):
            single, _ = model.predict(tiny.query([item]))
            for name in batch:
                self._same(batch[name][index], single[name][0], self.tolerance)

    def test_the_same_query_gives_the_same_answer(self, model: Agent, tiny: TinyModel) -> None:
        """No state goes from one query to the next; single-threaded, so to the last bit."""
        query = tiny.query(tiny.items)
        first, _ = model.predict(query)
        model.predict(tiny.query(tiny.items[::-1]))
        again, _ = model.predict(query)
        for name in first:
            self._same(first[name], again[name], 0.0)

    def test_inputs_are_not_changed(self, model: Agent, tiny: TinyModel) -> None:
        """A scenario repeats the same prepared queries inside the worker."""
        assert model.probe(tiny.query(tiny.items))["inputs_kept"]

    def test_outputs_stay_valid_after_the_next_call(self, model: Agent, tiny: TinyModel) -> None:
        """What was returned is the caller's own."""
        assert model.probe(tiny.query(tiny.items))["outputs_kept"]

    def test_an_answer_is_complete_on_return(self, model: Agent, tiny: TinyModel) -> None:
        """A device that works on while the clock has stopped would be as fast as one likes."""
        assert model.probe(tiny.query(tiny.items))["complete"]

    def test_it_says_what_it_is(self, opened: tuple[Agent, dict[str, Any]], tiny: TinyModel) -> None:
        """``describe`` holds what a record needs, and says the truth where that can be seen."""
        about = opened[1]
        assert [key for key in DESCRIBED if key not in about] == []
        assert about["framework"] == self.framework
        assert about["device"] == tiny.device
        assert about["precision"] in ("fp32", "native")
        assert str(about["version"])

    def test_threads_are_as_asked(self, environment: Environment, tiny: TinyModel) -> None:
        """As many as a claim's conditions say, and the truth about it."""
        with self.agent(environment) as agent:
            assert [agent.open(tiny.request(threads=count))["threads"] for count in (1, 2)] == [1, 2]

    def test_a_broken_file_is_refused(self, environment: Environment, tiny: TinyModel, tmp_path: Path) -> None:
        """Half a model, or something else, is an error with a sentence and not a crash of the host."""
        for role, path in tiny.files.items():
            for content in (b"", b"this is no model\n" * 40, None):
                broken = broken_copy(path, tmp_path, content)
                request = tiny.request(files={**tiny.request()["files"], role: str(broken)})
                with self.agent(environment) as agent, pytest.raises(ModelError) as refused:
                    agent.open(request)
                assert str(refused.value).strip()

    def test_it_keeps_answering(self, environment: Environment, tiny: TinyModel) -> None:
        """Whatever it prints or does meanwhile, the wire stays in order."""
        query = tiny.query(tiny.items)
        with self.agent(environment) as agent:
            agent.open(tiny.request())
            first, _ = agent.predict(query)
            for outputs, _ in agent.predict_stream([query] * 99):
                assert list(outputs) == list(first)

    def test_an_unsupported_precision_is_refused(self, environment: Environment, tiny: TinyModel) -> None:
        """Never another one silently."""
        with self.agent(environment) as agent, pytest.raises(ModelError, match="int8"):
            agent.open(tiny.request(precision="int8"))

    def test_an_absent_device_is_refused(self, environment: Environment, tiny: TinyModel) -> None:
        """Never the processor silently."""
        with self.agent(environment) as agent, pytest.raises(ModelError, match="fpga"):
            agent.open(tiny.request(device="fpga"))

    @staticmethod
    def _same(one: Any, other: Any, tolerance: float) -> None:
        if isinstance(one, (str, list, type(None))):
            assert one == other
        else:
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def broken_copy(path: Path, folder: Path, content: bytes | None) -> Path:
    """A copy of a file, or of the files of a folder, with other content; None leaves the first half."""
    copy = folder / "broken"
    shutil.rmtree(copy, ignore_errors=True)
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    for file in files:
        place = copy / file.relative_to(path.parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        half = file.read_bytes()[: file.stat().st_size // 2]
        place.write_bytes(half if content is None else content)
    return copy / path.name
