"""The network as an ONNX file."""

from typing import Any, Dict

import onnx
from network import network
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR = 8


def main() -> None:
    """Write one graph; the first axis is free."""
    makes, net = network()
    nodes, constants = [], []  # type: Any, Any

    def node(kind: str, layer: "Dict[str, Any]", *inputs: str, **attributes: "Any") -> str:
        nodes.append(helper.make_node(kind, inputs, [layer["name"]], name=layer["name"], **attributes))
        return str(layer["name"])

    def constant(name: str, values: "Any") -> str:
        constants.append(numpy_helper.from_array(values, name))
        return name

    def weighted(kind: str, layer: "Dict[str, Any]", value: str, **attributes: "Any") -> str:
        weight = constant(layer["name"] + ".weight", net.weight(layer))
        return node(kind, layer, value, weight, constant(layer["name"] + ".bias", net.bias(layer)), **attributes)

    def conv(layer: "Dict[str, Any]", value: str) -> str:
        return weighted("Conv", layer, value, pads=4 * [layer["pad"]], **_window(layer))

    def dense(layer: "Dict[str, Any]", value: str) -> str:
        flat = {"name": layer["name"] + ".flat"}
        return weighted("Gemm", layer, node("Flatten", flat, value, axis=1), transB=1)

    def mean(layer: "Dict[str, Any]", value: str) -> str:
        return node("Flatten", layer, node("GlobalAveragePool", {"name": layer["name"] + ".pooled"}, value), axis=1)

    makers = {
        "conv": conv,
        "dense": dense,
        "mean": mean,
        "relu": lambda layer, value: node("Relu", layer, value),
        "concat": lambda layer, *values: node("Concat", layer, *values, axis=1),
        "max_pool": lambda layer, value: node("MaxPool", layer, value, **_window(layer)),
    }
    net.walk(makers, {name: name for name in net.inputs})
    graph = helper.make_graph(
        nodes,
        "network",
        [_tensor(name, net.shapes[name]) for name in net.inputs],
        [_tensor(name, net.shapes[name]) for name in net.outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model, full_check=True)
    with open(makes, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def _window(layer: "Dict[str, Any]") -> "Dict[str, Any]":
    return {"kernel_shape": 2 * [layer["kernel"]], "strides": 2 * [layer["stride"]]}


def _tensor(name: str, shape: "Any") -> "Any":
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch"] + list(shape))


main()
