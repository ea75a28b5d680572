"""TensorRT: every rule where there is a GPU, and everywhere what needs none (parse, network, plan)."""

from pathlib import Path

import onnx
import pytest
from tiny import ITEMS, OUTPUTS, X, no_gpu, run_inside, tiny_onnx

from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.framework import Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel


def tiny_model(folder):
    onnx.save(tiny_onnx(), folder / "tiny")
    files = {"model": folder / "tiny"}
    return TinyModel(files=files, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS, device="gpu")


@pytest.mark.skipif(bool(no_gpu()), reason=no_gpu())
class TestTensorRt(FrameworkTests):
    framework = "tensorrt"
    tolerance = 1e-4

    def build(self, folder, environment):
        return tiny_model(folder)


@pytest.fixture(scope="module")
def environment():
    return Environments(Cache().root).obtain(FrameworkUse("tensorrt"), place=Place("gpu"))


@pytest.mark.skipif(not no_gpu(), reason="there is a GPU: all of the suite runs")
def test_without_a_gpu_that_is_the_answer_in_one_line(environment, tmp_path):
    with (
        Agent(environment) as agent,
        pytest.raises(ModelError, match=r"no NVIDIA driver or no GPU here \(.*nvidia-smi"),
    ):
        agent.open(tiny_model(tmp_path).request())


PLANS = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.tensorrt.plan import Plans, about
    plans = Plans(sys.argv[2], "fp32", sys.argv[3], 2)
    assert (plans.inputs, plans.outputs, plans.threads) == (["x"], ["y", "z"], 2), vars(plans)
    assert plans.precision == sys.argv[3], plans.precision
    sizes = [plans.build({"x": (items, 4)}).nbytes for items in (1, 3)]
    assert min(sizes) > 1000, sizes
    print(about())
"""


@pytest.fixture
def worker(tmp_path):
    code = tmp_path / "worker.zip"
    code.write_bytes(archive("tensorrt"))
    return code


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "bf16"])
def test_a_plan_is_built_for_each_number_of_items(environment, worker, tmp_path, precision):
    run_inside(environment, PLANS, worker, tiny_model(tmp_path).files["model"], precision)


REFUSED = """
    import sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.tensorrt.plan import Plans
    try:
        Plans(sys.argv[2], "fp32", "fp32", 1).build({"x": (2, 5)})
    except ValueError as error:
        assert sys.argv[3] in str(error), error
    else:
        raise AssertionError("it was taken")
"""


@pytest.mark.parametrize(("content", "why"), [(b"no model\n" * 9, "cannot read the model"), (None, "inputs of {'x'")])
def test_what_cannot_be_built_is_said_with_the_reason(environment, worker, tmp_path, content, why):
    path = tiny_model(tmp_path).files["model"]
    if content is not None:
        path.write_bytes(content)
    run_inside(environment, REFUSED, worker, path, why)


SHIPPED = """
    import sys
    sys.path.insert(0, sys.argv[1])
    import numpy
    from pytest_mlmodelscope.frameworks._onnx import survey
    from pytest_mlmodelscope.frameworks.tensorrt import rounding
    from pytest_mlmodelscope.frameworks.tensorrt.plan import Plans
    plans = Plans(sys.argv[2], survey(sys.argv[2])[1], sys.argv[3], 1)
    assert plans.precision == sys.argv[3], plans.precision
    assert plans.build({"image": (2, 1, 28, 28)}).nbytes > 10000
    values = numpy.array([1, 1 + 2.0 ** -8, 1 + 3 * 2.0 ** -8, -2.5, 3e38, 0], "float32")
    bits = rounding._rounded(values, rounding.trt.DataType.BF16)
    # Ties go to the even one.
    assert [hex(value) for value in bits] == ["0x3f80", "0x3f80", "0x3f82", "0xc020", "0x7f62", "0x0"], bits
"""


@pytest.mark.parametrize(
    ("network", "precision"),
    [("fashion-cnn", "tf32"), ("fashion-cnn", "fp16"), ("fashion-cnn", "bf16"), ("fashion-cnn-int8", "int8")],
)
def test_the_shipped_network_is_built_in_every_precision(environment, worker, network, precision):
    models = Path(__file__).parents[2] / "manifests" / "models" / "fashion-cnn"
    run_inside(environment, SHIPPED, worker, models / f"{network}.onnx", precision)
