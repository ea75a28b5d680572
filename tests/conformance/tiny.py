"""What the conformance tests of frameworks share: three items, and scripts that run where a framework is."""

import json
import subprocess
import textwrap

import numpy as np

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member

ITEMS = [{"x": row} for row in np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4)]
X = {"name": "x", "dtype": "float32", "shape": ["batch", 4]}
OUTPUTS = [{"name": "y"}, {"name": "z"}]
WEIGHTS = np.arange(16, dtype=np.float32).reshape(4, 4) / 8


def tiny_onnx(opset=17):
    """A model that gives y = x @ WEIGHTS and z = tanh(y)."""
    # A machine with a GPU and nothing but its own packages has none.
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Tanh", ["y"], ["z"])]
    x, y, z = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in "xyz")
    graph = helper.make_graph(nodes, "tiny", [x], [y, z], [numpy_helper.from_array(WEIGHTS, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def no_gpu():
    """Why there is none, or nothing."""
    try:
        member("targets", "gpu").probe()
    except NotApplicable as error:
        return error.what
    return ""


def run_inside(environment, script, *arguments):
    """Run a script in a framework's own environment; what it printed."""
    command = [environment.python, "-I", "-c", textwrap.dedent(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


LOAD = """
    import json, sys
    sys.path.insert(0, sys.argv[1])
    from pytest_mlmodelscope.frameworks.%s.predictor import load

    for name, request in json.loads(sys.argv[2]).items():
        try:
            said = load(request).describe()
        except Exception as error:
            said = "%%s: %%s" %% (type(error).__name__, error)
        print(json.dumps({name: said}, default=str))
"""


def load_inside(environment, folder, requests):
    """What a predictor says of many models, one after the other in one process: itself, or why not."""
    name = environment.framework
    (folder / "worker.zip").write_bytes(archive(name))
    said = run_inside(environment, LOAD % name, folder / "worker.zip", json.dumps(requests))
    return {key: value for line in said.splitlines() for key, value in json.loads(line).items()}
