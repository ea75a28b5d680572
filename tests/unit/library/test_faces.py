"""Faces are found in a picture, and described: portraits in the public domain, and the networks beside numpy's."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.recipe import Recipes
from pytest_mlmodelscope.library.loaded import load
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.crops import cut
from pytest_mlmodelscope.manifest.data import read_split
from pytest_mlmodelscope.manifest.fetch import Fetcher

#: Of two pictures whose descriptions lie nearer together, dlib says that they are of one person.
ONE_PERSON = 0.6


@pytest.fixture(scope="module")
def fetcher():
    cache = Cache()
    return Fetcher(cache, make=Recipes(Environments(cache.root)))


@pytest.fixture(scope="module")
def portraits(shelf, fetcher):
    """The pictures, by whom they show."""
    dataset = shelf.dataset("portraits")
    return {name: read_split(dataset, split, fetcher)[0].input for name, split in dataset.splits.items()}


@pytest.fixture(scope="module")
def finder(shelf):
    """The pipeline that finds faces and describes them."""
    with load("faces", "onnxruntime", shelf=shelf) as model:
        yield model


def png(picture: Image.Image) -> bytes:
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def distance(one, other) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))


def test_one_person_is_told_from_another(finder, portraits):
    found = finder.predict(*portraits.values())
    (collins,), (hopper,) = (answer.value for answer in found.answers)
    assert len(collins) == len(hopper) == 128
    assert distance(collins, hopper) > ONE_PERSON
    picture = Image.open(portraits["collins"])
    others = [picture.resize((300, 300)), picture.rotate(20), picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    for answer in finder.predict(*map(png, others)).answers:
        (again,) = answer.value
        assert distance(collins, again) < ONE_PERSON / 2


def test_every_face_of_a_picture_is_described_in_its_place(finder, portraits):
    both = Image.new("RGB", (1024, 600))
    for left, path in zip((0, 512), portraits.values(), strict=True):
        both.paste(Image.open(path), (left, 0))
    alone = [answer.value[0] for answer in finder.predict(*portraits.values()).answers]
    answer = finder.predict(png(both)).answers[0]
    assert len(answer.value) == len(answer.parts["find"]) == 2
    for box, description in zip(answer.parts["find"], answer.value, strict=True):
        at = int(np.mean(box["corners"], axis=0)[0] > 0.5)
        assert distance(description, alone[at]) < ONE_PERSON / 2 < distance(description, alone[1 - at])


def test_the_eyes_lie_where_the_description_wants_them(finder, portraits):
    (box,) = finder.predict(portraits["collins"]).answers[0].parts["find"]
    corners, eyes = np.array(box["corners"]), np.array(box["points"][:2])  # of a square picture
    axes = np.stack([corners[1] - corners[0], corners[3] - corners[0]], axis=1)
    found = np.linalg.solve(axes, (eyes - corners[0]).T).T
    np.testing.assert_allclose(found, [[0.3182, 0.3143], [0.6685, 0.3141]], atol=1e-3)
    assert 0.35 < eyes[0, 0] < eyes[1, 0] < 0.55
    assert abs(eyes[0, 1] - 0.2) < 0.03


def test_a_picture_without_a_face_has_an_empty_answer(finder):
    answer = finder.predict(png(Image.new("RGB", (200, 100), "green"))).answers[0]
    assert (answer.value, answer.parts["find"]) == ([], [])


def test_what_lies_beyond_a_picture_is_black():
    pixels = np.full((10, 10, 3), 200, np.uint8)
    made = cut(pixels, {"corners": [[-0.5, 0], [0.5, 0], [0.5, 1], [-0.5, 1]]})
    assert made.shape == (10, 10, 3)
    assert made[:, :4].max() == 0
    assert (made[:, 6:] == 200).all()


# -- the network that describes -------------------------------------------------------------------------


def weights(model, fetcher):
    """The arrays of face-api, as its TensorFlow.js reads them."""
    manifest = json.loads(fetcher.fetch(model.assets["manifest"]).read_text())
    data, at, found = fetcher.fetch(model.assets["weights"]).read_bytes(), 0, {}
    for entry in manifest[0]["weights"]:
        how, count = entry.get("quantization"), int(np.prod(entry["shape"]))
        read = np.frombuffer(data, how["dtype"] if how else "float32", count, at)
        at += read.nbytes
        found[entry["name"]] = (read * how["scale"] + how["min"] if how else read).reshape(entry["shape"])
    return found


class Describer:
    """The network in numpy, layer after layer as face-api's sources have it; channels come last."""

    def __init__(self, arrays):
        self.arrays = arrays

    def conv(self, x, name, stride, pad):
        filters = self.arrays[f"{name}/conv/filters"]
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = sliding_window_view(x, filters.shape[:2], (0, 1))[::stride, ::stride]
        out = np.einsum("yxchw,hwco->yxo", windows, filters, optimize=True) + self.arrays[f"{name}/conv/bias"]
        return out * self.arrays[f"{name}/scale/weights"] + self.arrays[f"{name}/scale/biases"]

    def block(self, x, name):
        if not name.count("down"):
            return np.maximum(
                self.conv(np.maximum(self.conv(x, f"{name}/conv1", 1, 1), 0), f"{name}/conv2", 1, 1) + x, 0
            )
        out = self.conv(np.maximum(self.conv(x, f"{name}/conv1", 2, 0), 0), f"{name}/conv2", 1, 1)
        pooled = sliding_window_view(x, (2, 2), (0, 1))[::2, ::2].mean(axis=(-2, -1))
        missing = len(pooled) - len(out)
        out = np.pad(out, ((0, missing), (0, missing), (0, 0)))
        return np.maximum(np.pad(pooled, ((0, 0), (0, 0), (0, out.shape[2] - pooled.shape[2]))) + out, 0)

    def __call__(self, x):
        x = np.maximum(self.conv(x, "conv32_down", 2, 0), 0)
        x = sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].max(axis=(-2, -1))
        names = dict.fromkeys(name.split("/")[0] for name in self.arrays)
        for name in [name for name in names if name not in ("conv32_down", "fc")]:
            x = self.block(x, name)
        return x.mean(axis=(0, 1)) @ self.arrays["fc"]


def test_the_recipe_s_network_computes_what_numpy_computes(shelf, fetcher):
    import onnxruntime

    model = shelf.model("dlib-face")
    face = np.random.default_rng(7).normal(0, 0.3, (150, 150, 3))
    expected = Describer(weights(model, fetcher))(face)
    session = onnxruntime.InferenceSession(fetcher.fetch(model.assets["model"]))
    (found,) = session.run(None, {"face": face.transpose(2, 0, 1)[None].astype(np.float32)})
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    assert np.abs(expected).max() > 0.05


@pytest.mark.parametrize("name", ["centerface", "dlib-face"])
def test_a_recipe_makes_its_file_again_to_the_last_byte(shelf, fetcher, name):
    asset = shelf.model(name).assets["model"]
    with fetcher.remade(asset) as made:
        assert fetcher.fetch(asset).read_bytes() == made.read_bytes()
