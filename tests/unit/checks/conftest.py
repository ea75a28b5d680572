"""Small ONNX models with something planted in them, the manifests that declare their domain, and claims about them."""

from __future__ import annotations

import hashlib
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from onnx import TensorProto, helper, numpy_helper

from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.load import Catalogue

WEIGHTS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def onnx_model(nodes, weights=(), width=4, outputs=("y",)):
    """A model from ``x`` (batch x width) to its outputs, as the bytes of a file."""
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "planted",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(weights).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


class Planted:
    """Models with and without something planted in them, as bytes of ONNX files."""

    weights = WEIGHTS

    def linear(self, weights=WEIGHTS):
        return onnx_model([("MatMul", ["x", "w"], ["y"])], {"w": weights})

    def root(self, width=4):
        """Not a number below zero."""
        return onnx_model([("Sqrt", ["x"], ["y"])], width=width)

    def minus_batch_mean(self):
        """An item's answer depends on its neighbours."""
        mean = ("ReduceMean", ["x"], ["m"], {"axes": [0], "keepdims": 1})
        return onnx_model([mean, ("Sub", ["x", "m"], ["y"])])

    def random(self):
        """Another answer each time."""
        noise = ("RandomNormalLike", ["x"], ["n"], {"scale": 0.001})
        return onnx_model([noise, ("Add", ["x", "n"], ["y"])])

    def column_sums(self):
        """The sums over the last axis but one of a picture."""
        total = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
        graph = helper.make_graph(
            [total],
            "sums",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 2])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
            [numpy_helper.from_array(np.array([1]), "axes")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


@pytest.fixture(scope="session")
def planted():
    return Planted()


@dataclass
class Project:
    """A folder of manifests and claims."""

    root: Path

    def asset(self, name: str, data: bytes) -> str:
        path = self.root / "manifests" / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        return f"{{path: {name}, sha256: {digest}, size: {len(data)}, license: MIT}}"

    def add(self, name: str, data: bytes, *, shape="[batch, 4]", domain="{low: -1, high: 1}", more="", other=b""):
        """The manifest of a model; ``other`` is what the framework pytorch runs, where there is one."""
        text = f"""\
schema: model/1
name: {name}
version: "1"
task: test
license: MIT
description: Planted.
assets:
  graph: {self.asset(f"{name}.onnx", data)}
"""
        if other:
            text += f"  script: {self.asset(f'{name}.pt', other)}\n"
        declared = f", domain: {domain}" if domain else ""
        text += f"inputs: [{{name: x, dtype: float32, shape: {shape}, steps: [cast: {{dtype: float32}}]{declared}}}]\n"
        text += "outputs: [{name: y, steps: [argmax]}]\nframeworks:\n  onnxruntime: {assets: {model: graph}}\n"
        if other:
            text += "  pytorch: {assets: {model: script}, format: torchscript}\n"
        (self.root / "manifests" / "models" / f"{name}.yml").write_text(text + more)

    def add_code(self, name: str, data: bytes, code: str, *, inputs: str = "", outputs: str = "", domain: str = ""):
        """A model that runs on onnxruntime, and as the Python function ``answer`` of ``code``."""
        own = f", inputs: [{inputs}]" if inputs else ""
        own += f", outputs: [{outputs}]" if outputs else ""
        asset = self.asset(f"{name}_code.py", code.encode())
        entry = f'{{entry: "{name}_code:answer", batch: true, assets: {{code: code}}{own}}}'
        self.add(name, data, domain=domain, more=f"  python: {entry}\n")
        path = self.root / "manifests" / "models" / f"{name}.yml"
        path.write_text(path.read_text().replace("inputs: [{name: x", f"  code: {asset}\ninputs: [{{name: x", 1))

    def add_data(self, rows: np.ndarray, labels=None):
        """A dataset of vectors, whose labels are all 0 unless given."""
        labels = [0] * len(rows) if labels is None else labels
        path = self.root / "manifests" / "datasets"
        path.mkdir(parents=True, exist_ok=True)
        lines = [[*map(str, row), str(label)] for row, label in zip(rows.tolist(), labels, strict=True)]
        text = "".join("\t".join(line) + "\n" for line in lines)
        (path / "rows.tsv").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        columns = f"{{input: {list(range(rows.shape[1]))}, label: {rows.shape[1]}}}"
        (path / "rows.yml").write_text(f"""\
schema: dataset/1
name: rows
version: "1"
license: MIT
description: Vectors.
assets: {{rows: {{path: rows.tsv, sha256: {digest}, size: {len(text)}, license: MIT}}}}
splits: {{test: {{items: {len(rows)}, reader: {{table: {{asset: rows, columns: {columns}, label_type: integer}}}}}}}}
""")

    def claims(self, model: str, check: str, more: str = ""):
        return self.written(f"id: c\nmodel: {model}\ncheck: {check}\n{more}")

    def written(self, text: str):
        path = self.root / "claims" / "c.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"schema: claim/1\n{text}")
        return load_claims(path)

    def figures(self, model: str, metric: str = "accuracy", more: str = "", *, data: str = "rows"):
        """The cases of a claim on a figure of a model."""
        source = 'source: {title: T, where: w, figure: "50", read: "2026-11-24"}'
        unit = {"latency": "ms"}.get(metric, "%")
        name = metric.strip("{}").replace("name: ", "").partition(",")[0]
        text = f'id: {model}-{name}\nmodel: {model}\nmetric: {metric}\nvalue: 50\nunit: "{unit}"\n{source}\n'
        (claim,) = self.written(f"{text}dataset: {data}\n{more}")
        return expand(claim, Catalogue([self.root / "manifests"]))

    def cases(self, model: str, check: str, more: str = ""):
        """The cases of the claim that a model keeps a promise."""
        (claim,) = self.claims(model, check, more)
        return expand(claim, Catalogue([self.root / "manifests"]))


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


@pytest.fixture
def this_python(monkeypatch):
    """Python models run in this Python, in a worker like any other: building environments is tested elsewhere."""
    obtain = Environments.obtain

    def found(self, use, *more, **options):
        if use.name != "python":
            return obtain(self, use, *more, **options)
        return Environment(Path(sys.executable), "host", "python", platform.python_version(), "host")

    monkeypatch.setattr(Environments, "obtain", found)


@pytest.fixture
def engine(tmp_path):
    """An engine with a cache of its own; afterwards it has left no process."""
    before = set(psutil.Process().children(recursive=True))
    limits = Limits(open_s=60, predict_s=60, memory_bytes=8_000_000_000)
    with Engine(Settings(cache=tmp_path / "cache", offline=True, limits=limits)) as engine:
        yield engine
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.fixture
def verify(project, engine):
    """The result of the only case of a check on a model."""

    def one(model: str, check: str, more: str = ""):
        (case,) = project.cases(model, check, more)
        return engine.verify(case)

    return one
