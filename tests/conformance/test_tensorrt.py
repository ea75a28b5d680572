"""TensorRT: every rule where there is a GPU, and everywhere what needs none (parse, network, plan)."""

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
