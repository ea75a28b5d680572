"""TensorRT's predictor on a GPU that is not there: addresses are those of this process, work is done by numpy.

What these stand-ins answer for is tested for real in tests/conformance: plans without a GPU, all of it with one.
"""

import ctypes
import importlib
import sys
from collections import namedtuple
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.arange(16, dtype=np.float32).reshape(4, 4) / 8
OK, BAD = 0, 35
Properties = namedtuple("Properties", "name major minor")


class Cuda(ModuleType):
    """The CUDA runtime; ``taken`` are the blocks of memory that were not given back."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)  # noqa: N815
    cudaError_t = SimpleNamespace(cudaSuccess=OK)  # noqa: N815

    def __init__(self):
        super().__init__("cuda.bindings.runtime")
        self.taken, self.waited, self.devices, self.fails = {}, 0, (OK, 1), False

    def cudaGetDeviceCount(self):  # noqa: N802
        return self.devices

    def cudaGetErrorString(self, error):  # noqa: N802
        return OK, b"no driver" if error == BAD else b"no error"

    def cudaStreamCreate(self):  # noqa: N802
        return OK, 7

    def cudaDriverGetVersion(self):  # noqa: N802
        return OK, 13000

    cudaRuntimeGetVersion = cudaDriverGetVersion  # noqa: N815

    def cudaGetDeviceProperties(self, number):  # noqa: N802
        return OK, Properties(b"Fake", 9, 0)

    def cudaMalloc(self, size):  # noqa: N802
        block = ctypes.create_string_buffer(size)
        self.taken[ctypes.addressof(block)] = block
        return OK, ctypes.addressof(block)

    def cudaFree(self, address):  # noqa: N802
        del self.taken[address]
        return (OK,)

    def cudaMemcpyAsync(self, to, start, size, kind, stream):  # noqa: N802
        ctypes.memmove(to, start, size)
        return (BAD if self.fails else OK,)

    def cudaStreamSynchronize(self, stream):  # noqa: N802
        self.waited += 1
        return (OK,)


class Context:
    """Runs y = x W, z = tanh(y) on the addresses that it was given."""

    def __init__(self, items):
        self.items, self.addresses = items, {}

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def array(self, name):
        floats = ctypes.cast(self.addresses[name], ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, (self.items, 4))

    def execute_async_v3(self, stream):
        self.array("y")[:] = self.array("x") @ WEIGHTS
        self.array("z")[:] = np.tanh(self.array("y"))
        return stream == 7


@pytest.fixture
def cuda(monkeypatch):
    cuda = Cuda()
    bindings = ModuleType("cuda.bindings")
    bindings.runtime = cuda
    trt = ModuleType("tensorrt_rtx")
    trt.__version__ = "0"
    trt.ILogger = SimpleNamespace
    for name in ("DataType", "LayerType"):
        setattr(trt, name, MagicMock())
    for name in ("IConstantLayer", "IConvolutionLayer", "IDeconvolutionLayer", "IScaleLayer"):
        setattr(trt, name, object)
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", trt)
    yield cuda
    for name in ("library", "rounding", "plan", "device", "predictor"):
        sys.modules.pop(f"pytest_mlmodelscope.frameworks.tensorrt.{name}", None)


@pytest.fixture
def predictor(cuda, monkeypatch):
    predictor = importlib.import_module("pytest_mlmodelscope.frameworks.tensorrt.predictor")
    built = []

    class Plans:
        inputs, outputs, threads = ("x",), ("y", "z"), 1

        def __init__(self, path, stored, precision, threads):
            self.precision = precision

        def build(self, shapes):
            built.append(shapes["x"][0])
            return bytes(shapes["x"][:1])

        def engine(self, plan):
            (items,) = plan
            return None, SimpleNamespace(create_execution_context=lambda: Context(items), items=items)

    def tensors(engine):
        return [(name, (engine.items, 4), np.float32) for name in "xyz"]

    monkeypatch.setattr(predictor.plan, "Plans", Plans)
    monkeypatch.setattr(predictor.plan, "tensors", tensors)
    predictor.built = built
    return predictor


@pytest.fixture
def request_(tmp_path):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Tanh", ["y"], ["z"])]
    x, y, z = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xyz")
    graph = helper.make_graph(nodes, "tiny", [x], [y, z], [numpy_helper.from_array(WEIGHTS, "w")])
    onnx.save(helper.make_model(graph), tmp_path / "tiny.onnx")
    return {
        "files": {"model": str(tmp_path / "tiny.onnx")},
        "options": {},
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
        "outputs": [{"name": "z"}, {"name": "y"}],
        "threads": 1,
        "device": "gpu",
        "precision": "fp32",
    }


def rows(count):
    return np.random.default_rng(count).random((count, 4), dtype=np.float32)


def test_answers_come_back_by_name_when_the_device_is_done(cuda, predictor, request_):
    model = predictor.load(request_)
    first = model.predict({"x": rows(3)})
    assert (list(first), cuda.waited) == (["z", "y"], 1)
    model.predict({"x": rows(3)[::-1]})
    np.testing.assert_allclose(first["y"], rows(3) @ WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(first["z"], np.tanh(rows(3) @ WEIGHTS), rtol=1e-6)


def test_an_engine_is_built_once_for_each_shape_and_memory_is_given_back(cuda, predictor, request_):
    model = predictor.load(request_)
    for count in (1, 2, 1, 2, 3, 4, 1, 5, 1, 2):
        np.testing.assert_allclose(model.predict({"x": rows(count)})["y"], rows(count) @ WEIGHTS, rtol=1e-6)
    # Four are kept, the one used least lately makes place: 5 took that of 2, and 2 that of 3.
    assert predictor.built == [1, 2, 3, 4, 5, 2]
    assert len(cuda.taken) == 4 * 3


def test_a_plan_is_handed_over_once_and_taken_by_the_next_worker(predictor, request_, tmp_path):
    model = predictor.load(request_)
    model.predict({"x": rows(3)})
    built = model.built()
    assert [bytes(plan) for plan in built.values()] == [b"\3"]
    assert model.built() == {}
    for name, plan in built.items():
        (tmp_path / name).write_bytes(plan)
    later = predictor.load({**request_, "kept": {name: str(tmp_path / name) for name in built}})
    np.testing.assert_allclose(later.predict({"x": rows(3)})["y"], rows(3) @ WEIGHTS, rtol=1e-6)
    assert (predictor.built, later.built()) == ([3], {})


@pytest.mark.parametrize("changes", ["precision", "capability", "driver", "shape"])
def test_a_plan_for_anything_else_has_another_name(cuda, predictor, request_, changes, monkeypatch):
    model = predictor.load(request_)
    model.predict({"x": rows(3)})
    if changes == "capability":
        monkeypatch.setattr(cuda, "cudaGetDeviceProperties", lambda number: (OK, Properties(b"Fake", 8, 9)))
    if changes == "driver":
        monkeypatch.setattr(cuda, "cudaDriverGetVersion", lambda: (OK, 13010))
    other = predictor.load({**request_, "precision": "fp16"} if changes == "precision" else request_)
    other.predict({"x": rows(2 if changes == "shape" else 3)})
    assert not set(model.built()) & set(other.built())


def test_it_describes_what_it_runs_on(predictor, request_):
    about = predictor.load(request_).describe()
    assert (about["device"], about["precision"], about["parameters"]) == ("gpu", "fp32", 16)
    assert about["gpu"] == {"name": "Fake", "compute_capability": "9.0"}
    assert about["build"] == {"package": "tensorrt_rtx", "cuda_driver": 13000, "cuda_runtime": 13000}


def test_no_driver_is_told_before_tensorrt_is_asked(cuda, predictor, request_, monkeypatch):
    monkeypatch.setattr(predictor.plan, "Plans", None)  # a call of it would be a TypeError
    cuda.devices = (BAD, None)
    with pytest.raises(ValueError, match=r"no NVIDIA driver or no GPU here \(no driver\); nvidia-smi"):
        predictor.load(request_)


def test_what_cuda_says_of_a_failure_is_told(cuda, predictor, request_):
    model = predictor.load(request_)
    cuda.fails = True
    with pytest.raises(RuntimeError, match="CUDA: no driver"):
        model.predict({"x": rows(1)})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"device": "cpu"}, "device cpu"),
        ({"precision": "int8"}, "possible: bf16, fp16, fp32, tf32"),
        ({"outputs": [{"name": "other"}]}, 'no output "other"; it has y, z'),
    ],
)
def test_what_cannot_be_given_is_refused(predictor, request_, changes, why):
    with pytest.raises(ValueError, match=why):
        predictor.load({**request_, **changes})


def test_a_size_that_depends_on_values_is_refused(predictor, request_, monkeypatch):
    monkeypatch.setattr(predictor.plan, "tensors", lambda engine: [("y", (-1, 4), np.float32)])
    with pytest.raises(ValueError, match='the size of "y" depends on the values'):
        predictor.load(request_).predict({"x": rows(1)})
