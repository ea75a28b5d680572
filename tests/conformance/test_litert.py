"""LiteRT, and TensorFlow Lite before it, keep every rule."""

from typing import ClassVar

import pytest
from tiny import ITEMS, OUTPUTS, X, load_inside, run_inside

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

#: LiteRT itself writes no models.
WRITE = """
    import os, sys, numpy as np, tensorflow as tf
    os.chdir(sys.argv[1])
    lite, x = tf.lite, tf.TensorSpec([None, 4], tf.float32, "x")
    w = np.arange(16, dtype=np.float32).reshape(4, 4) / 8

    def write(path, function, *modules, **settings):
        concrete = tf.function(function, input_signature=[x]).get_concrete_function()
        converter = lite.TFLiteConverter.from_concrete_functions([concrete], *(modules or [tf.Module()]))
        for name, value in settings.pop("target", {}).items():
            setattr(converter.target_spec, name, value)
        for name, value in settings.items():
            setattr(converter, name, value)
        with open(path, "wb") as file:
            file.write(converter.convert())

    def tiny(x):
        y = tf.linalg.matmul(x, w)
        return {"z": tf.tanh(y), "y": y}

    write("tiny.tflite", tiny)
    write("nameless.tflite", lambda x: tf.tanh(x, name="t"), None)
    both = [lite.OpsSet.TFLITE_BUILTINS, lite.OpsSet.SELECT_TF_OPS]
    square = lambda x: tf.matmul(x, x, transpose_a=True)
    write("flex.tflite", lambda x: {"y": tf.linalg.inv(square(x))}, target={"supported_ops": both})
    write("custom.tflite", lambda x: {"y": tf.math.igamma(x, x)}, allow_custom_ops=True)
    integers = {
        "optimizations": [lite.Optimize.DEFAULT],
        "representative_dataset": lambda: ([np.full((1, 4), value, np.float32)] for value in (-2, 0, 3)),
        "target": {"supported_ops": [lite.OpsSet.TFLITE_BUILTINS_INT8]},
    }
    write("integers.tflite", tiny, **integers, inference_input_type=tf.int8, inference_output_type=tf.int8)
    write("half.tflite", tiny, optimizations=[lite.Optimize.DEFAULT], target={"supported_types": [tf.float16]})
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with models, written by TensorFlow."""
    folder = tmp_path_factory.mktemp("models")
    run_inside(Environments(Cache().root).obtain(FrameworkUse("tensorflow")), WRITE, folder)
    return folder


class LiteTests(FrameworkTests):
    framework = "litert"
    options: ClassVar = {}

    @pytest.fixture(scope="class")
    @classmethod
    def tiny(cls, models):
        return TinyModel(
            files={"model": models / "tiny.tflite"}, options=cls.options, inputs=[X], outputs=OUTPUTS, items=ITEMS
        )


class TestLiteRt(LiteTests):
    def test_it_is_xnnpack_that_computes(self, opened):
        assert opened[1]["build"] == {"package": "ai_edge_litert", "xnnpack": True}


class TestOwnKernels(LiteTests):
    options: ClassVar = {"xnnpack": False}

    def test_it_is_not_xnnpack_that_computes(self, opened):
        assert opened[1]["build"] == {"package": "ai_edge_litert", "xnnpack": False}


class TestTensorFlowLite(LiteTests):
    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("litert", version=">=2.5"))

    def test_it_is_the_old_package(self, opened):
        assert opened[1]["build"]["package"] == "tflite_runtime"


class TestOddModels:
    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("litert"))

    @pytest.fixture(scope="class")
    @classmethod
    def said(cls, models, environment):
        """What the predictor says of each of these models."""
        requests = {path.stem: cls.request(path) for path in models.glob("*.tflite")}
        requests["names of tensors"] = {**requests["nameless"], "outputs": [{"name": "Identity"}]}
        requests["signature"] = {**requests["tiny"], "options": {"signature": "train"}}
        requests["integers as they are"] = integers(models)
        return load_inside(environment, models, requests)

    @staticmethod
    def request(path):
        common = {"inputs": [X], "outputs": [{"name": "y"}], "threads": 1, "device": "cpu", "precision": "fp32"}
        return {"files": {"model": str(path)}, "options": {}, **common}

    def test_without_a_signature_the_names_are_those_of_the_tensors(self, said):
        assert said["names of tensors"]["framework"] == "litert"
        assert 'the model has no output "y"; it has Identity' in said["nameless"]

    def test_a_signature_that_is_not_there_is_answered_with_those_that_are(self, said):
        assert 'no signature "train"; it has serving_default' in said["signature"]

    def test_operators_that_litert_does_not_have_are_refused(self, said):
        assert "needs operators of TensorFlow (Flex)" in said["flex"]
        assert "an operator that is not part of LiteRT" in said["custom"]

    def test_precision_is_that_of_the_weights(self, said):
        assert said["tiny"]["precision"] == "fp32"
        assert said["tiny"]["parameters"] == 16
        assert "possible: fp16" in said["half"]
        assert "possible: int8" in said["integers"]

    def test_integers_go_in_and_come_out_as_they_are(self, models, environment):
        x = ITEMS[0]["x"][None]
        with Agent(environment) as agent:
            request = integers(models)
            assert agent.open(request)["precision"] == "int8"
            outputs, _ = agent.predict({"x": (x * 40).round().astype("int8")})
        assert {name: value.dtype.name for name, value in outputs.items()} == {"y": "int8", "z": "int8"}

    def test_numbers_are_not_made_integers_silently(self, models, environment):
        requests = {"floats": {**self.request(models / "integers.tflite"), "precision": "int8"}}
        said = load_inside(environment, models, requests)["floats"]
        assert 'has the input "x" as int8 (scale 0.0' in said
        assert "the manifest declares float32, and nothing is converted silently" in said


def integers(models):
    """The request for a model of integers, as a manifest that knows it would make it."""
    whole = [{"name": name, "dtype": "int8"} for name in "yz"]
    request = TestOddModels.request(models / "integers.tflite")
    return {**request, "inputs": [{**X, "dtype": "int8"}], "outputs": whole, "precision": "int8"}
