"""A figure that no mistake in the steps explains: is it reached on another framework of the model? Really, with two."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.cause.beside import Beside, NotTried, alike
from pytest_mlmodelscope.cause.contest import Standing
from pytest_mlmodelscope.cause.told import sentences
from pytest_mlmodelscope.cause.unit import Unit
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.engine.run import Engine
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.load import Catalogue


def broken(data: bytes) -> bytes:
    """The same model with numbers that somebody's converter lost: a third of the weights are noise."""
    model = onnx.load_from_string(data)
    draw = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if values.ndim == 2:
            lost = draw.random(values.shape) < 0.35
            values[lost] = draw.permutation(values[lost])
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model.SerializeToString()


def asset(path: Path) -> str:
    """The keys of an asset that lies beside its manifest."""
    data = path.read_bytes()
    return f"{{path: {path.name}, sha256: {hashlib.sha256(data).hexdigest()}, size: {len(data)}, license: MIT}}"


@pytest.fixture
def two(folder, model_bytes):
    """The project with a model for onnxruntime and opencv; the files of those that are named are broken."""

    def make(*wrong: str) -> Path:
        path = folder / "manifests" / "models" / "digits-means.yml"
        assets = ""
        for name in ("onnxruntime", "opencv"):
            file = path.parent / f"{name}.onnx"
            file.write_bytes(broken(model_bytes) if name in wrong else model_bytes)
            assets += f"\n  {name}: {asset(file)}"
        text = path.read_text()
        head, _, tail = text.partition("assets:\n")
        tail = tail[tail.index("inputs:") :].partition("frameworks:")[0]
        uses = "".join(f"  {name}: {{assets: {{model: {name}}}}}\n" for name in ("onnxruntime", "opencv"))
        path.write_text(f"{head}assets:{assets}\n{tail}frameworks:\n{uses}")
        return folder

    return make


@pytest.fixture
def there(settings):
    """An engine whose environments are those of the user, where OpenCV's is built."""
    Environments(Cache().root).obtain(FrameworkUse("opencv"))
    with Engine(dataclasses.replace(settings, cache=Cache().root)) as found:
        yield found


@pytest.fixture
def explained(make_claim, folder):
    """What an engine says of the accuracy of 90.5 % on onnxruntime, which is right for the whole model."""

    def explain(engine, **conditions):
        claim = make_claim(
            id="digits", model="digits-means", metric="accuracy", value=90.5, path=folder / "claims" / "c.yml"
        )
        changes = {"dataset": dataclasses.replace(claim.dataset, name="digits")}
        claim = dataclasses.replace(claim, **changes, conditions=dataclasses.replace(claim.conditions, **conditions))
        case = next(
            one for one in expand(claim, Catalogue([folder / "manifests"])) if one.framework.name == "onnxruntime"
        )
        result = engine.verify(case)
        assert result.verdict.word == "refuted", result.verdict.reason
        return engine.explain(result, 60).cause

    return explain


def test_a_framework_that_reaches_the_figure_is_named_with_the_items_that_it_decides_otherwise(two, there, explained):
    two("onnxruntime")
    cause = explained(there)
    assert cause["explained"]
    assert cause["sentence"].startswith("matches the claim within ")
    assert " when it runs on opencv (" in cause["sentence"]
    assert "onnxruntime decides " in cause["sentence"]
    (one,) = cause["frameworks"]
    assert (one["framework"], one["word"]) == ("opencv", "reaches")
    assert one["won"] > one["lost"]
    assert one["otherwise"] >= one["won"] + one["lost"]
    assert len(one["items"]) == 3
    assert cause["causes"][0]["changes"] == {"framework": "opencv"}


def test_a_framework_that_decides_alike_is_excluded(two, there, explained):
    two("onnxruntime", "opencv")
    cause = explained(there)
    assert not cause["explained"]
    assert "opencv decides all of " in cause["sentence"]
    assert " items as onnxruntime does: the framework is not the cause" in cause["sentence"]
    (one,) = cause["frameworks"]
    assert (one["word"], one["otherwise"]) == ("alike", 0)


def test_what_is_not_built_is_not_tried_and_the_command_is_said(two, engine, explained):
    two("onnxruntime")
    cause = explained(engine)
    told = "not tried: opencv, not built here (try: mlms env build opencv)"
    assert told in cause["sentence"]
    assert cause["frameworks"] == [
        {
            "framework": "opencv",
            "word": "not tried",
            "why": "not built here",
            "command": "mlms env build opencv",
        }
    ]


def test_a_claim_about_one_framework_is_not_looked_at_on_another(two, there, explained):
    two("onnxruntime")
    cause = explained(there, frameworks=("onnxruntime",))
    assert cause["frameworks"] == []
    assert "opencv" not in cause["sentence"]


def test_several_frameworks_are_told_of_in_one_sentence():
    def of(name, word, n, **more):
        return Beside(name, word, n, Standing(None, np.full(10, 0.905), 0.905, 1.0), **more)

    found = [
        of("caffe", "reaches", 64, sure=0.9),
        of("jax", "reaches", 128, sure=0.8, otherwise=("a", "b", "c", "d"), won=3, lost=1),
        of("opencv", "reaches", 64, sure=0.7),
        of("litert", "alike", 16),
        of("cntk", "alike", 32, otherwise=("a",)),
        of("mxnet", "otherwise", 32, otherwise=("a", "b")),
        NotTried("pytorch", "not built here", "mlms env build pytorch"),
        NotTried("tensorflow", "not built here", "mlms env build tensorflow"),
        NotTried("openvino", "not built here", "mlms env build openvino --with numpy==2.0"),
    ]
    assert list(sentences(found, "onnxruntime", Unit("%", 100.0, 90.5))) == [
        "matches the claim within 0.1 pp when it runs on jax (90.5 % on 128 items, 80% sure); onnxruntime decides 4 of "
        "these items otherwise (3 that jax gets right, 1 that it does not): a, b, c, ...",
        "so it does on caffe and opencv",
        "litert and cntk decide all but 1 of 16 items as onnxruntime does: the framework is not the cause",
        "mxnet gives 90.5 % on 32 items, deciding 2 otherwise: it does not reach the published figure either",
        "not tried: pytorch, tensorflow and openvino, not built here (try: mlms env build pytorch tensorflow && "
        "mlms env build openvino --with numpy==2.0)",
    ]


def test_decisions_are_alike_where_numbers_are_close_and_classes_are_the_same():
    assert alike(0.5, 0.5001)
    assert not alike(0.5, 0.6)
    assert alike([1000, 2], [1000, 2])
    assert not alike([1000, 2], [1001, 2])
    assert alike("a", "a")
    assert not alike(None, 0.5)
    assert alike(np.array([0.1, 0.2]), [0.1, 0.2])
