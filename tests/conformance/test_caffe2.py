"""Caffe2 keeps every rule, and operators that do more than compute are refused."""

import json

import numpy as np
import pytest
from tiny import ITEMS, OUTPUTS, X, run_inside

from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.testing.frameworks import FrameworkTests, TinyModel

W = ["GivenTensorFill", [], ["w"], {"shape": [4, 4], "values": [number / 8 for number in range(16)]}]
B = ["GivenTensorFill", [], ["b"], {"shape": [4], "values": [0.0, 1.0, 2.0, 3.0]}]
FC = ["FC", ["x", "w", "b"], ["y"], {}]
TANH = ["Tanh", ["y"], ["z"], {}]
NETS = """
    import json, sys
    from caffe2.proto import caffe2_pb2
    from caffe2.python import core

    def net(operators, **fields):
        made = caffe2_pb2.NetDef(**fields)
        made.op.extend([core.CreateOperator(kind, *ends, **arguments) for kind, *ends, arguments in operators])
        for operator in made.op:
            for argument in operator.arg:
                if argument.name == "inside":
                    argument.n.CopyFrom(net(json.loads(argument.s)))
                    argument.ClearField("s")
        return made

    for path, (operators, fields) in json.loads(sys.argv[1]).items():
        with open(path, "wb") as file:
            file.write(net(operators, **fields).SerializeToString())
"""
#: Operators of an init_net and of a predict_net -> what is said of them.
REFUSED = {
    "an unknown operator": ([W, B], [FC, ["Tang", ["y"], ["z"], {}]], "Cannot create operator of type 'Tang'"),
    "no weights": ([B], [FC, TANH], 'reads "w", which neither its init_net nor the manifest gives'),
    "weights at random": ([["XavierFill", [], ["w"], {"shape": [4, 4]}], B], [FC, TANH], '"w" at random .XavierFill.'),
    "too few weights": (
        [[*W[:3], {"shape": [4, 5], "values": [0.0] * 16}], B],
        [FC, TANH],
        "16 values for the shape .4, 5.",
    ),
    "no length": ([[*W[:3], {"shape": [-4, 4], "values": [0.0]}], B], [FC, TANH], "cannot have the shape .-4, 4."),
    "no step": ([W, B], [FC, ["MaxPool", ["y"], ["z"], {"kernel": 2, "stride": 0}]], "MaxPool has the stride 0"),
    "a file": (
        [W, ["Load", [], ["b"], {"db": "/b", "db_type": "minidb"}]],
        [FC, TANH],
        "Load of the init_net uses files",
    ),
    "a file written": (
        [W, B],
        [FC, TANH, ["Print", ["z"], [], {"to_file": 1}]],
        "Print of the predict_net writes a file",
    ),
    "code": ([W, B], [FC, ["Python", ["y"], ["z"], {"token": "t"}]], "Python of the predict_net runs code"),
    "a network": ([W, B, ["CreateCommonWorld", ["b"], ["c"], {}]], [FC, TANH], "talks to other processes"),
    "a file in a net inside": (
        [W, B],
        [FC, ["If", ["y"], ["z"], {"inside": json.dumps([["Save", ["w"], [], {"db": "/b"}]])}]],
        "Save of the predict_net uses files",
    ),
    "a net as text": ([W, B], [FC, ["RecurrentNetwork", ["y"], ["z"], {"step_net": "op {}"}]], "a net as text"),
}
#: A change of the manifest -> what is said of it.
UNDECLARED = {
    "an input": ({"inputs": [{**X, "name": "data"}]}, 'no input "data"; it has x'),
    "no input": ({"inputs": []}, 'reads "x", which neither its init_net nor the manifest gives'),
    "an output": ({"outputs": [{"name": "prob"}]}, 'no output "prob"; it has y, z'),
}


class TestCaffe2(FrameworkTests):
    framework = "caffe2"

    def build(self, folder, environment):
        return models(folder, environment, {"tiny": ([W, B], [FC, TANH])})["tiny"]

    @pytest.fixture(scope="class")
    @classmethod
    def wrong(cls, tmp_path_factory, environment):
        return models(tmp_path_factory.mktemp("wrong"), environment, REFUSED)

    def test_it_computes_what_the_weights_say(self, opened, tiny):
        outputs, _ = opened[0].predict(tiny.query(tiny.items))
        x = np.stack([item["x"] for item in tiny.items])
        y = x @ (np.arange(16, dtype=np.float32).reshape(4, 4) / 8).T + np.arange(4, dtype=np.float32)
        np.testing.assert_allclose(outputs["y"], y, rtol=0, atol=1e-6)
        np.testing.assert_allclose(outputs["z"], np.tanh(y), rtol=0, atol=1e-6)
        assert opened[1]["parameters"] == 20

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_is_wrong_with_a_net_is_said(self, environment, wrong, name):
        with self.agent(environment) as agent, pytest.raises(ModelError, match=REFUSED[name][2]):
            agent.open(wrong[name].request())

    @pytest.mark.parametrize("name", UNDECLARED)
    def test_what_the_manifest_declares_has_to_be_there(self, environment, tiny, name):
        changes, says = UNDECLARED[name]
        with self.agent(environment) as agent, pytest.raises(ModelError, match=says):
            agent.open(tiny.request(**changes))


def models(folder, environment, operators):
    """A tiny model for each name, of the operators of its two nets."""
    nets, found = {}, {}
    for name, (init, predict, *_) in operators.items():
        files = {role: folder / f"{name} {role}.pb" for role in ("init_net", "predict_net")}
        nets[str(files["init_net"])] = init, {"name": "init"}
        # Another executor than the one that runs it.
        nets[str(files["predict_net"])] = predict, {"type": "dag", "num_workers": 4}
        found[name] = TinyModel(files=files, inputs=[X], outputs=OUTPUTS[::-1], items=ITEMS)
    run_inside(environment, NETS, json.dumps(nets))
    return found
