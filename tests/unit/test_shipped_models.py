"""The files of fashion-cnn: what their recipes make, one network in all of them, and all in the wheel."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from forward import Reference

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.recipe import Recipes
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.digest import measure
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import load_model

ROOT = Path(__file__).parents[2]
MODEL = load_model(bundled_root() / "manifests" / "models" / "fashion-cnn.yml")
SHIPPED = sorted(name for name, asset in MODEL.assets.items() if asset.path)


@pytest.fixture
def fetcher():
    cache = Cache()
    return Fetcher(cache, make=Recipes(Environments(cache.root)))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_the_one_that_its_manifest_names(name, fetcher):
    asset = MODEL.assets[name]
    assert measure(fetcher.fetch(asset)) == (asset.sha256, asset.size)
    assert asset.size < 150_000
    assert name == "layers" or asset.recipe is not None


@pytest.mark.parametrize("name", ["onnx", "caffe_network", "caffe_weights"])
def test_its_recipe_makes_it_again_to_the_last_byte(name, fetcher):
    with fetcher.remade(MODEL.assets[name]) as made:
        assert measure(made) == (MODEL.assets[name].sha256, MODEL.assets[name].size)


def test_the_onnx_file_computes_what_numpy_computes(fetcher):
    import onnxruntime

    files = {name: fetcher.fetch(MODEL.assets[name]) for name in ("layers", "weights", "onnx")}
    pictures = np.random.default_rng(0).random((5, 1, 28, 28), np.float32)
    witness = Reference(files["layers"], files["weights"])
    session = onnxruntime.InferenceSession(files["onnx"].read_bytes(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": pictures})
    np.testing.assert_allclose(found, witness(pictures), atol=1e-5)
    assert witness.parameters == sum(np.prod(one.dims) for one in onnx.load(files["onnx"]).graph.initializer) == 20_490


def test_the_witness_sees_a_single_weight_that_is_off(fetcher, tmp_path):
    files = {name: fetcher.fetch(MODEL.assets[name]) for name in ("layers", "weights")}
    with np.load(files["weights"]) as arrays:
        changed = {name: arrays[name].copy() for name in arrays.files}
    changed["conv2.weight"][3, 5, 1, 1] += 0.1
    np.savez(tmp_path / "changed.npz", **changed)
    pictures = np.random.default_rng(0).random((5, 1, 28, 28), np.float32)
    sound, broken = Reference(files["layers"], files["weights"]), Reference(files["layers"], tmp_path / "changed.npz")
    assert abs(sound(pictures) - broken(pictures)).max() > 1e-3


def test_every_file_and_every_recipe_is_in_the_wheel():
    wheels = sorted((ROOT / ".venv" / "wheel").glob("*.whl"))
    if wheels and Path(sys.prefix) == ROOT / ".venv":
        inside = set(zipfile.ZipFile(wheels[-1]).namelist())
        prefix = "pytest_mlmodelscope/bundled/manifests/models/"
    else:  # an editable installation: what a wheel would be made of
        inside, prefix = (
            {path.relative_to(ROOT).as_posix() for path in (ROOT / "manifests").rglob("*")},
            "manifests/models/",
        )
    wanted = [asset.path for asset in MODEL.assets.values() if asset.path and not asset.tree]
    wanted += [asset.recipe.script for asset in MODEL.assets.values() if asset.recipe]
    wanted += ["convert/network.py", "fashion-cnn/saved_model/saved_model.pb"]
    assert [name for name in wanted if prefix + name not in inside] == []
