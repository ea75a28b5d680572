"""Two small projects with real files, and an engine that may measure them.

``digits`` is an ONNX model on pictures. ``words`` is a Python model that writes down what is done
with it, so that a test can see in which process, and how often; it runs in this Python, in a worker
like any other, because building an environment is what the tests of the agent are about.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from pytest_mlmodelscope.agent.care import Care
from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.core.claim import Claim, Conditions, DataUse, Source, Tolerance
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.load import Catalogue

#: What the model of words does with a word that is not just turned into capitals.
SPECIAL = """\
import os
import signal
import time


class Model:
    def __init__(self, log, learns=False):
        self._log, self._learns, self._learned = log, learns, {}
        self._note("open")

    def _note(self, what):
        with open(self._log, "a") as file:
            file.write("%s %d\\n" % (what, os.getpid()))

    def fit(self, words, labels):
        self._note("fit:%d" % len(words))
        self._learned = dict(zip(words, labels))

    def __call__(self, word):
        self._note("call")
        if word == "raise":
            raise RuntimeError("no idea")
        if word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "sleep":
            time.sleep(3600)
        if word == "device":
            return os.environ.get("CUDA_VISIBLE_DEVICES", "any")
        if word == "many":
            return {"several": ["things"]}
        return self._learned.get(word) if self._learns else word.upper()
"""


def entry_of(path: Path) -> str:
    """The keys of an asset that lies beside its manifest."""
    data = path.read_bytes()
    return f"{{path: {path.name}, sha256: {hashlib.sha256(data).hexdigest()}, size: {len(data)}, license: MIT}}"


@dataclass
class Words:
    """The project of words: 100 of them, of which every tenth has a label that no model gives."""

    folder: Path

    @property
    def log(self) -> list[tuple[str, int]]:
        """What was done with the model, and in which process."""
        path = self.folder / "log.txt"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [(what, int(pid)) for what, pid in map(str.split, lines)]

    def times(self, what: str) -> int:
        return Counter(done for done, _ in self.log)[what]

    @property
    def processes(self) -> list[int]:
        """Those that a model was opened in, in this order."""
        return [pid for what, pid in self.log if what == "open"]

    def add_data(self, name: str, **splits: list[tuple[str, str]]) -> None:
        """A dataset of words and their labels."""
        folder = self.folder / "manifests" / "datasets"
        assets, parts = "", ""
        for split, rows in splits.items():
            path = folder / f"{name}-{split}.tsv"
            path.write_text("".join(f"{word}\t{label}\n" for word, label in rows))
            assets += f"  {split}: {entry_of(path)}\n"
            reader = f"{{table: {{asset: {split}, columns: {{input: 0, label: 1}}}}}}"
            parts += f"  {split}: {{items: {len(rows)}, reader: {reader}}}\n"
        head = f'schema: dataset/1\nname: {name}\nversion: "1"\nlicense: MIT\ndescription: Words.\n'
        (folder / f"{name}.yml").write_text(f"{head}assets:\n{assets}splits:\n{parts}")

    def add_model(self, name: str, more: str = "", learns: bool = False, output: str = "{name: label}") -> None:
        """A model of words; ``more`` are further keys of its framework's section."""
        construct = f"{{kwargs: {{log: {self.folder / 'log.txt'}, learns: {str(learns).lower()}}}}}"
        (self.folder / "manifests" / "models" / f"{name}.yml").write_text(
            dedent(f"""\
            schema: model/1
            name: {name}
            version: "1"
            task: text_classification
            license: MIT
            description: Words in capitals.
            inputs: [{{name: text, dtype: string, shape: [batch]}}]
            outputs: [{output}]
            frameworks:
              python: {{entry: "word_model:Model", construct: {construct}{more}}}
            """)
        )


def rows(count: int, wrong_every: int = 10) -> list[tuple[str, str]]:
    """Words with their labels, of which every so-manieth is one that no model gives."""
    return [(f"w{n}", "WRONG" if n % wrong_every == 0 else f"W{n}") for n in range(count)]


@pytest.fixture
def folder(tmp_path, write_digits) -> Path:
    """The folder of a project that holds the model and the data of digits."""
    return write_digits(tmp_path / "project")


@pytest.fixture
def words(folder, monkeypatch) -> Words:
    """The same project with words in it."""
    modules = folder / "modules"
    modules.mkdir()
    (modules / "word_model.py").write_text(SPECIAL)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")]).rstrip(":"))
    obtain = Environments.obtain

    def this_python(self, use, requirement="", device="cpu"):
        if use.name != "python":
            return obtain(self, use, requirement, device)
        return Environment(Path(sys.executable), "host", "python", platform.python_version(), "host")

    monkeypatch.setattr(Environments, "obtain", this_python)
    found = Words(folder)
    found.add_model("words")
    found.add_data("lines", test=rows(100), other=rows(40, wrong_every=4))
    return found


@pytest.fixture
def case(folder):
    """Makes the only case of a claim: ``case("accuracy", value=90.0, model="words", ...)``."""

    def make(metric="accuracy", value=90.0, model="digits-means", data=None, **changes):
        claim = Claim(
            id=changes.pop("id", f"{model}-{metric}"),
            model=model,
            metric=metric,
            value=value,
            unit=changes.pop("unit", "%"),
            direction=changes.pop("direction", "higher"),
            tolerance=changes.pop("tolerance", Tolerance("absolute", 0.5)),
            source=Source("Notes", f"{value}", "line 1", "2026-11-24"),
            dataset=data if isinstance(data, DataUse) else DataUse(data or "digits"),
            conditions=Conditions(**changes),
            path=folder / "claims" / "c.yml",
        )
        (found,) = expand(claim, Catalogue([folder / "manifests"]))
        return found

    return make


@pytest.fixture
def word_case(case, words):
    """``case`` for the model of words."""

    def make(metric="accuracy", value=90.0, data="lines", model="words", **changes):
        return case(metric, value, model, data, **changes)

    return make


@pytest.fixture
def timed_case(word_case):
    """A timed case of the model of words that takes no longer than it must."""

    def make(metric="latency", value=1000.0, unit="ms", direction="lower", **changes):
        return word_case(metric, value, unit=unit, direction=direction, **{"runs": 2, "seconds": 0.0, **changes})

    return make


@pytest.fixture
def settings(tmp_path) -> Settings:
    """A cache of one's own, no network, and limits that a test can wait for.

    Not confined, as the model of words writes its log beside the project, with process ids of the host. What else
    this machine does is no part of what is tested.
    """
    limits = Limits(open_s=60, predict_s=60, memory_bytes=4_000_000_000, isolation="off")
    return Settings(cache=tmp_path / "cache", offline=True, limits=limits, care=Care(disturbed="ignore"))


@pytest.fixture
def processes():
    """What a test has started and still runs; other tests' hubs and databases may run beside it."""
    before = set(psutil.Process().children(recursive=True))
    return lambda: set(psutil.Process().children(recursive=True)) - before


@pytest.fixture
def engine_of(settings):
    """Makes engines: ``engine_of(sample=10)``. Afterwards none may have left a process."""
    engines = []
    before = psutil.Process().children(recursive=True)

    def make(**changes):
        engines.append(Engine(dataclasses.replace(settings, **changes)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
    assert set(psutil.Process().children(recursive=True)) <= set(before)


@pytest.fixture
def engine(engine_of) -> Engine:
    """An engine that evaluates everything."""
    return engine_of()
