"""OpenVINO keeps every rule, with its own format and with ONNX."""

import numpy as np
import onnx
import pytest
from tiny import ITEMS, OUTPUTS, X, run_inside, tiny_onnx

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

IR = """
    import sys, numpy, openvino as ov
    from openvino import opset13 as ops
    shape, half = [int(length) for length in sys.argv[2].split(",")], sys.argv[3] == "half"
    x = ops.parameter(shape, numpy.float32)
    y = ops.matmul(x, ops.constant(numpy.arange(16, dtype="f4").reshape(4, 4) / 8), False, False)
    z = ops.tanh(y)
    for name, node in (("x", x), ("y", y), ("z", z)):
        node.output(0).get_tensor().set_names({name})
    ov.save_model(ov.Model([y, z], [x], "tiny"), sys.argv[1], compress_to_fp16=half)
"""


def built(folder, environment, shape="-1,4", kind="single"):
    run_inside(environment, IR, folder / "tiny.xml", shape, kind)
    files = {"model": folder / "tiny.xml", "weights": folder / "tiny.bin"}
    return TinyModel(files=files, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)


def asked(agent, request):
    """What a model is computed in, or why it is not."""
    try:
        return agent.open(request)["arithmetic"]
    except ModelError as refused:
        return refused.what.partition(": ")[2] or refused.what


class TestOpenVino(FrameworkTests):
    framework = "openvino"

    def build(self, folder, environment):
        return built(folder, environment)

    def test_bf16_is_taken_where_the_processor_has_it_and_never_by_itself(self, environment, tiny):
        with self.agent(environment) as agent:
            assert agent.open(tiny.request())["arithmetic"] == "f32"
            said = asked(agent, tiny.request(precision="bf16"))
        assert said in ("bf16", "bf16 cannot be given on this processor; OpenVINO took f32")

    def test_half_precision_weights_are_said_to_be_that(self, environment, tmp_path):
        half = built(tmp_path, environment, kind="half")
        with self.agent(environment) as agent:
            assert agent.open(half.request(precision="fp16"))["precision"] == "fp16"
            with pytest.raises(ModelError, match="fp32 cannot be given here; possible: fp16"):
                agent.open(half.request())

    def test_a_model_for_one_item_takes_many(self, environment, tmp_path):
        fixed = built(tmp_path, environment, shape="1,4")
        with self.agent(environment) as agent:
            agent.open(fixed.request())
            outputs, _ = agent.predict(fixed.query(ITEMS))
            assert outputs["y"].shape == (len(ITEMS), 4)

    def test_more_sizes_than_are_kept_are_answered_as_well(self, model, tiny):
        weights = np.arange(16, dtype=np.float32).reshape(4, 4) / 8
        for count in [*range(1, 12), 2, 1]:
            items = [ITEMS[index % len(ITEMS)] for index in range(count)]
            outputs, _ = model.predict(tiny.query(items))
            np.testing.assert_allclose(outputs["y"], np.stack([item["x"] for item in items]) @ weights, atol=1e-5)


class TestOpenVinoWithOnnx(FrameworkTests):
    framework = "openvino"

    def build(self, folder, environment):
        onnx.save(tiny_onnx(), folder / "tiny")
        return TinyModel(files={"model": folder / "tiny"}, inputs=[X], outputs=OUTPUTS, items=ITEMS)
