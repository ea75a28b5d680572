"""CNTK keeps every rule, for models in its own format and in ONNX."""

import ctypes
import json
import platform

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny import ITEMS, OUTPUTS, X, run_inside

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.frameworks.cntk.mpi import shared_object
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

START = """
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.cntk.library import cntk
    import numpy
"""


def run_with_cntk(environment, folder, script, *arguments):
    """Run a script with what travels to a worker: a plain ``import cntk`` would look for MPI."""
    (folder / "code.zip").write_bytes(archive("cntk"))
    run_inside(environment, START + script, folder / "code.zip", *arguments)


@pytest.fixture(scope="module")
def environment():
    return Environments(Cache().root).obtain(FrameworkUse("cntk"))


class TestCntk(FrameworkTests):
    framework = "cntk"

    def build(self, folder, environment):
        script = """
    x = cntk.input_variable(4, name="x")
    w = cntk.parameter(init=numpy.arange(16, dtype=numpy.float32).reshape(4, 4) / 8)
    y = cntk.times(x, w, name="y")
    cntk.combine([y, cntk.tanh(y, name="z")]).save(sys.argv[2])
        """
        run_with_cntk(environment, folder, script, folder / "tiny.model")
        return TinyModel(files={"model": folder / "tiny.model"}, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)

    def test_the_figures_are_right(self, opened):
        agent, about = opened
        x = np.stack([item["x"] for item in ITEMS])
        y = x @ (np.arange(16, dtype=np.float32).reshape(4, 4) / 8)
        outputs, _ = agent.predict({"x": x})
        np.testing.assert_allclose(outputs["y"], y, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(outputs["z"], np.tanh(y), rtol=1e-6, atol=1e-6)
        assert about["parameters"] == 16


class TestCntkOnnx(FrameworkTests):
    """CNTK keeps no names of ONNX's outputs, so there is one."""

    framework = "cntk"

    def build(self, folder, environment):
        weights = numpy_helper.from_array(np.arange(16, dtype=np.float32).reshape(4, 4) / 8, "w")
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Tanh", ["y"], ["z"], "last")]
        x, z = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xz")
        graph = helper.make_graph(nodes, "tiny", [x], [z], [weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4)
        onnx.save(model, folder / "tiny.onnx")
        return TinyModel(
            files={"model": folder / "tiny.onnx"},
            options={"format": "onnx"},
            inputs=[X],
            outputs=OUTPUTS[1:],
            items=ITEMS,
        )

    def test_the_figures_are_right(self, opened):
        agent, about = opened
        x = np.stack([item["x"] for item in ITEMS])
        outputs, _ = agent.predict({"x": x})
        expected = np.tanh(x @ (np.arange(16, dtype=np.float32).reshape(4, 4) / 8))
        np.testing.assert_allclose(outputs["z"], expected, rtol=1e-6, atol=1e-6)
        assert about["parameters"] == 16


class TestWhatModelsMayHold:
    """Models that CNTK itself would run, or misread, are refused in one sentence."""

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, tmp_path_factory, environment):
        folder = tmp_path_factory.mktemp("models")
        script = """
    from cntk.ops.functions import UserFunction
    from pytest_mlmodelscope.frameworks.cntk.predictor import load

    class Own(UserFunction):
        def __init__(self, x): super().__init__([x])
        def infer_outputs(self): return [cntk.output_variable(4, numpy.float32, self.inputs[0].dynamic_axes)]
        def forward(self, x, device=None, outputs_to_retain=None): return None, x
        def serialize(self): return {}
        @staticmethod
        def deserialize(inputs, name, state): print("code of the model ran"); return Own(inputs[0])

    x, w = cntk.input_variable(4, name="x"), cntk.parameter(init=numpy.ones((4, 4), numpy.float32))
    y, twice = cntk.times(x, w, name="y"), cntk.input_variable(4, name="second")
    steps = cntk.sequence.input_variable(4, name="x")
    models = {
        "code": (cntk.user_function(Own(x)), "y"),
        "sequence": (cntk.tanh(steps, name="y"), "y"),
        "constant": (cntk.combine([y, cntk.tanh(w, name="z")]), "z"),
        "two inputs": (cntk.plus(y, twice, name="z"), "z"),
        "inside": (cntk.tanh(y, name="z"), "y"),
        "no name": (cntk.tanh(y), "whatever"),
        "unknown": (cntk.tanh(y, name="z"), "q"),
        "double": (cntk.tanh(cntk.input_variable(4, numpy.float64, name="x"), name="y"), "y"),
    }
    answers = {}
    for name, (model, output) in models.items():
        path = sys.argv[2] + "/" + name
        model.save(path)
        request = {"files": {"model": path}, "options": {}, "outputs": [{"name": output}], "threads": 1}
        request.update(inputs=[{"name": "x", "dtype": "float32"}], device="cpu", precision="fp32")
        try:
            outputs = load(request).predict({"x": numpy.ones((2, 4), numpy.float32)})
            answers[name] = {key: value.tolist() for key, value in outputs.items()}
        except (ValueError, TypeError) as error:
            answers[name] = str(error)
    with open(sys.argv[2] + "/answers.json", "w") as file:
        json.dump(answers, file)
        """
        run_with_cntk(environment, folder, script, folder)
        return json.loads((folder / "answers.json").read_text())

    @pytest.mark.parametrize(
        ("model", "said"),
        [
            ("code", "CNTK cannot load it: the model holds a function in Python"),
            ("sequence", 'the output "y" of the model is a sequence'),
            ("constant", 'the output "z" of the model has no free first axis'),
            ("two inputs", 'the model wants an input "second" that the manifest does not name'),
            ("unknown", 'the model has no output "q"; it has z'),
            ("double", 'the input "x" of the model is of type float64, not float32'),
        ],
    )
    def test_what_cannot_be_run_as_declared_is_refused(self, answers, model, said):
        assert answers[model].startswith(said)

    def test_an_output_may_lie_inside(self, answers):
        assert answers["inside"] == {"y": [[4.0] * 4] * 2}

    def test_a_single_output_without_a_name_is_the_one_that_is_meant(self, answers):
        assert list(answers["no name"]) == ["whatever"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="an object for x86-64; CNTK is made for nothing else")
def test_the_stand_in_for_a_library_is_one_for_the_loader(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(shared_object("libmlms-stand-in.so.7", ("first", "second")))
    library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    addresses = {ctypes.addressof(ctypes.c_char.in_dll(library, name)) for name in ("first", "second")}
    assert len(addresses) == 2
    # Found by its name, which is that of no file.
    assert ctypes.CDLL("libmlms-stand-in.so.7")._handle == library._handle
