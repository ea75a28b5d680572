"""ONNX Runtime keeps every rule."""

from dataclasses import replace

import onnx
import pytest
from onnx import helper
from tiny import ITEMS, OUTPUTS, X, no_gpu, tiny_onnx

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.framework import Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


class TestOnnxRuntime(FrameworkTests):
    framework = "onnxruntime"

    def build(self, folder, environment):
        onnx.save(tiny_onnx(), folder / "tiny.onnx")
        return TinyModel(files={"model": folder / "tiny.onnx"}, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)

    @pytest.mark.parametrize(
        ("options", "provider"), [({}, "CUDA"), ({"provider": "cuda"}, "CUDA"), ({"provider": "tensorrt"}, "Tensorrt")]
    )
    def test_a_processor_instead_of_a_gpu_is_refused(self, environment, tiny, options, provider):
        taken = f"{provider}ExecutionProvider cannot be had here; ONNX Runtime took CPUExecutionProvider"
        with self.agent(environment) as agent, pytest.raises(ModelError, match=taken):
            agent.open(tiny.request(device="gpu", options=options))

    def test_a_processor_rounds_nothing_to_tf32(self, environment, tiny):
        with self.agent(environment) as agent, pytest.raises(ModelError, match="tf32 cannot be given here"):
            agent.open(tiny.request(precision="tf32"))

    def test_the_provider_is_the_processor_and_said_to_be(self, opened):
        assert opened[1]["providers"] == ["CPUExecutionProvider"]

    def test_an_operator_of_somebody_elses_is_refused_with_its_domain(self, environment, tiny, tmp_path):
        proto = onnx.load(tiny.files["model"])
        proto.graph.node[1].domain = "strange.example"
        proto.opset_import.append(helper.make_opsetid("strange.example", 1))
        onnx.save(proto, tmp_path / "strange.onnx")
        with self.agent(environment) as agent, pytest.raises(ModelError, match=r"strange\.example"):
            agent.open(tiny.request(files={"model": str(tmp_path / "strange.onnx")}))


@pytest.mark.skipif(bool(no_gpu()), reason=no_gpu())
class TestOnnxRuntimeOnGpu(FrameworkTests):
    """With CUDA, where there is a GPU."""

    framework = "onnxruntime"
    tolerance = 1e-4

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("onnxruntime"), place=Place("gpu"))

    def build(self, folder, environment):
        return replace(TestOnnxRuntime().build(folder, environment), device="gpu")


class TestOldOnnxRuntime(FrameworkTests):
    """A version of the time before numpy 2."""

    framework = "onnxruntime"
    build = TestOnnxRuntime.build

    @pytest.fixture(scope="class")
    @classmethod
    def environment(cls):
        return Environments(Cache().root).obtain(FrameworkUse("onnxruntime"), "==1.17.3")

    def test_it_is_that_version(self, environment, opened):
        assert environment.version == opened[1]["version"] == "1.17.3"

    def test_weights_outside_the_models_folder_are_refused(self, environment, tiny, tmp_path):
        proto = onnx.load(tiny.files["model"])
        onnx.external_data_helper.set_external_data(proto.graph.initializer[0], "../elsewhere")
        proto.graph.initializer[0].ClearField("raw_data")
        (tmp_path / "in").mkdir()
        (tmp_path / "elsewhere").write_bytes(bytes(64))
        (tmp_path / "in" / "model").write_bytes(proto.SerializeToString())
        with self.agent(environment) as agent, pytest.raises(ModelError, match="outside its own folder"):
            agent.open(tiny.request(files={"model": str(tmp_path / "in" / "model")}))
