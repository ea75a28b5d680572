"""Emulated processors answer as this one does: real frameworks, each in a real machine of another architecture."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from forward import Reference

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.core.emulated import PROCESSORS, RELEASE
from pytest_mlmodelscope.core.errors import WorkerDied
from pytest_mlmodelscope.core.framework import HERE, Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import TinyModel

MODEL = Path(__file__).parents[2] / "manifests/models/fashion-cnn"
#: Enough to go through the memory that both sides share.
PICTURES = np.random.default_rng(3).random((24, 1, 28, 28), dtype=np.float32)
NETWORK = TinyModel(
    inputs=[{"name": "image", "dtype": "float32", "shape": ["batch", 1, 28, 28]}],
    outputs=[{"name": "logits", "dtype": "float32", "shape": ["batch", 10]}],
    items=[{"image": picture} for picture in PICTURES],
)
FILES = {
    "onnxruntime": ({"model": MODEL / "fashion-cnn.onnx"}, {}),
    "opencv": ({"model": MODEL / "caffe.caffemodel", "network": MODEL / "caffe.prototxt"}, {"format": "caffe"}),
}


def environment_of(framework, platform):
    """The emulated one of the user's cache, built where there is none; it must be had."""
    return Environments(Cache().root).obtain(FrameworkUse(framework), place=Place("cpu", platform, "emulated"))


def request_for(framework):
    files, options = FILES[framework]
    return dataclasses.replace(NETWORK, files=files, options=options).request()


class Emulated:
    """What holds on each: one worker for all tests of a class."""

    framework: str
    platform: str

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return environment_of(cls.framework, cls.platform)

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, environment):
        with Agent(environment, Limits(open_s=600, predict_s=600)) as agent:
            yield agent, agent.open(request_for(cls.framework))

    def test_it_decides_as_numpy_does_in_double_precision(self, opened):
        expected = Reference(MODEL / "layers.json", MODEL / "weights.npz")(PICTURES)
        outputs, _ = opened[0].predict({"image": PICTURES})
        np.testing.assert_allclose(outputs["logits"], expected, rtol=0, atol=1e-4)

    def test_it_gives_the_same_bits_again(self, opened):
        one, again = (opened[0].predict({"image": PICTURES[:4]})[0]["logits"] for _ in range(2))
        assert one.tobytes() == again.tobytes()

    def test_it_says_which_machine_it_is(self, opened, environment):
        about = opened[1]
        assert about["arch"] == environment.arch == PROCESSORS[self.platform].arch
        assert environment.source == "emulated"
        described = Environments(Cache().root).built.about(environment.key)
        assert described["emulated"] == self.platform
        assert described["debian"]["release"] == RELEASE
        assert {"python3.11", "libc6", "qemu-user-static"} <= set(described["debian"]["packages"])

    def test_it_is_whole(self, environment):
        Environments(Cache().root).built.verify(environment.key)


if HERE.platform != "linux-aarch64":

    class TestArm(Emulated):
        framework = "onnxruntime"
        platform = "linux-aarch64"

        def test_an_answer_of_this_machine_is_refused(self, environment):
            by_passed = dataclasses.replace(environment, python=Path(sys.executable), launcher=(), source="host")
            with Agent(by_passed) as agent, pytest.raises(WorkerDied, match="another machine") as refused:
                agent.open(request_for("onnxruntime"))
            assert (refused.value.expected, refused.value.got) == ("aarch64", HERE.platform.partition("-")[2])


if HERE.platform != "linux-ppc64le":

    class TestPower(Emulated):
        framework = "opencv"
        platform = "linux-ppc64le"
