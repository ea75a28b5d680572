"""A small project of somebody's: real pictures of digits, a real ONNX model, two YAML manifests."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest


def _claim(identity: str, figure: str = "90.2 %", **extra: object) -> str:
    """One entry of a claim file."""
    value = figure.split()[0]
    rest = "".join(f", {key}: {text}" for key, text in extra.items())
    source = f'{{title: Notes, where: line 1, figure: "{figure}", read: "2026-11-24"}}'
    return f"- {{id: {identity}, value: {value}, source: {source}{rest}}}\n"


def _header() -> str:
    """What the claims of a file share."""
    return 'schema: claim/1\nmodel: digits-means\ndataset: digits\nmetric: accuracy\nunit: "%"\nclaims:\n'


@pytest.fixture(scope="session")
def claim():
    """Makes one entry of a claim file: ``claim("id", "90.2 %", metric="latency")``."""
    return _claim


@pytest.fixture(scope="session")
def digits():
    """Scikit-learn's 1,797 pictures of digits, 8 x 8."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@pytest.fixture(scope="session")
def model_bytes(digits) -> bytes:
    """A linear classifier by nearest class mean, as an ONNX file."""
    from onnx import TensorProto, helper, numpy_helper

    pictures, labels = digits
    means = np.stack([pictures[labels == digit].mean(axis=0) for digit in range(10)]).astype(np.float32)
    bias = (-0.5 * (means**2).sum(axis=1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["pixels", "weights", "bias"], ["scores"])],
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(means.T.copy(), "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes, gzipped."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def asset(path: Path) -> str:
    """The keys of an asset that lies beside its manifest."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return f"{{path: {path.name}, sha256: {digest}, size: {len(data)}, license: BSD-3-Clause}}"


@pytest.fixture
def project(pytester: pytest.Pytester, digits, model_bytes, monkeypatch) -> pytest.Pytester:
    """The project, still without claims."""
    # Else a run inside a run takes itself for a worker of the outer one.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pictures, labels = digits
    models, datasets = pytester.path / "manifests" / "models", pytester.path / "manifests" / "datasets"
    models.mkdir(parents=True)
    datasets.mkdir()
    (models / "digits.onnx").write_bytes(model_bytes)
    (datasets / "pictures.gz").write_bytes(idx(pictures.reshape(-1, 8, 8)))
    (datasets / "labels.gz").write_bytes(idx(labels))
    (models / "digits-means.yml").write_text(
        dedent(f"""\
        schema: model/1
        name: digits-means
        version: "1"
        task: image_classification
        license: BSD-3-Clause
        description: Nearest class mean on pictures of digits.
        assets:
          graph: {asset(models / "digits.onnx")}
        inputs:
          - name: pixels
            dtype: float32
            shape: [batch, 64]
            steps: [flatten, cast: {{dtype: float32}}]
        outputs:
          - name: scores
            steps: [argmax]
        frameworks:
          onnxruntime: {{assets: {{model: graph}}}}
        """)
    )
    (datasets / "digits.yml").write_text(
        dedent(f"""\
        schema: dataset/1
        name: digits
        version: "1"
        license: BSD-3-Clause
        description: Pictures of digits, 8 x 8.
        assets:
          pictures: {asset(datasets / "pictures.gz")}
          labels: {asset(datasets / "labels.gz")}
        splits:
          test:
            items: 1797
            reader: {{idx: {{assets: {{inputs: pictures, labels: labels}}}}}}
        """)
    )
    (pytester.path / "claims").mkdir()
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    return pytester


@pytest.fixture
def write_claims(project: pytest.Pytester):
    """Write claims/NAME.yml from entries that ``claim`` made."""

    def write(*entries: str, name: str = "digits") -> Path:
        path = project.path / "claims" / f"{name}.yml"
        path.write_text(_header() + "".join(entries))
        return path

    return write
