"""The network of dlib that describes a face, as an ONNX file, of the weights that face-api keeps in the format of
TensorFlow.js: most of them as numbers of one byte, with a scale and an offset for each array.
"""

import json
import sys
from typing import Any, Dict

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
IR = 8
SIZE = 150
#: Blocks in their order: the name, channels, and whether it halves height and width.
BLOCKS = [
    *[("conv32_%d" % n, 32, False) for n in (1, 2, 3)],
    ("conv64_down", 64, True),
    *[("conv64_%d" % n, 64, False) for n in (1, 2, 3)],
    ("conv128_down", 128, True),
    *[("conv128_%d" % n, 128, False) for n in (1, 2)],
    ("conv256_down", 256, True),
    *[("conv256_%d" % n, 256, False) for n in (1, 2)],
    ("conv256_down_out", 256, True),
]


def weights(manifest: str, content: str) -> "Dict[str, Any]":
    """The arrays by their names; filters as [height, width, in, out]."""
    with open(manifest) as file:
        groups = json.load(file)
    with open(content, "rb") as file:
        data = file.read()
    found, at = {}, 0  # type: Dict[str, Any], int
    for entry in groups[0]["weights"]:
        about, count = entry.get("quantization", {"dtype": "float32"}), int(numpy.prod(entry["shape"]))
        values = numpy.frombuffer(data, about["dtype"], count, at)
        at += values.nbytes
        values = values.astype("float32") * about.get("scale", 1) + about.get("min", 0)
        found[entry["name"]] = values.astype("float32").reshape(entry["shape"])
    assert at == len(data), (at, len(data))
    return found


class Graph:
    """Nodes and constants as they are added; ``size`` is the height and the width at this point, ``depth`` channels."""

    def __init__(self, arrays: "Dict[str, Any]") -> None:
        self.arrays, self.size, self.depth = arrays, SIZE, 3
        self.nodes = []  # type: List[Any]
        self.constants = []  # type: List[Any]

    def node(self, kind: str, name: str, *inputs: str, **attributes: "Any") -> str:
        """Add one; its name is that of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: "Any") -> str:
        """Add an array."""
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def conv(self, value: str, name: str, stride: int, pad: int) -> str:
        """A convolution, with the scale of each channel that comes after it taken into its weights."""
        part = {key: self.arrays["%s/%s" % (name, key)] for key in ("conv/filters", "conv/bias")}
        scale, offset = self.arrays[name + "/scale/weights"], self.arrays[name + "/scale/biases"]
        filters = (part["conv/filters"] * scale).transpose(3, 2, 0, 1)
        weight = self.constant(name + ".weight", filters)
        bias = self.constant(name + ".bias", part["conv/bias"] * scale + offset)
        kernel = filters.shape[-1]
        self.size, self.depth = (self.size + 2 * pad - kernel) // stride + 1, filters.shape[0]
        return self.node("Conv", name, value, weight, bias, strides=[stride] * 2, pads=[pad] * 4)

    def padded(self, value: str, name: str, channels: int, edge: int) -> str:
        """Zeros after the last channel, the last row and the last column."""
        if not channels and not edge:
            return value
        pads = numpy.array([0, 0, 0, 0, 0, channels, edge, edge], "int64")
        return self.node("Pad", name, value, self.constant(name + ".pads", pads))

    def block(self, value: str, name: str, channels: int, halves: bool) -> str:
        """Two convolutions, beside what they are given: as it is, or halved, with zeros where one is smaller."""
        before, depth = self.size, self.depth
        made = self.conv(value, name + "/conv1", 2 if halves else 1, 0 if halves else 1)
        made = self.conv(self.node("Relu", name + ".relu1", made), name + "/conv2", 1, 1)
        if halves:
            value = self.node("AveragePool", name + ".half", value, kernel_shape=[2, 2], strides=[2, 2])
            value = self.padded(value, name + ".deeper", channels - depth, 0)
            made = self.padded(made, name + ".larger", 0, before // 2 - self.size)
            self.size = before // 2
        return self.node("Relu", name + ".relu2", self.node("Add", name + ".sum", made, value))


def main() -> None:
    """Write the network."""
    makes, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    graph = Graph(weights(given["manifest"], given["weights"]))
    value = graph.node("Relu", "conv32_down.relu", graph.conv("face", "conv32_down", 2, 0))
    value = graph.node("MaxPool", "pooled", value, kernel_shape=[3, 3], strides=[2, 2])
    graph.size = (graph.size - 3) // 2 + 1
    for name, channels, halves in BLOCKS:
        value = graph.block(value, name, channels, halves)
    value = graph.node("Flatten", "flat", graph.node("GlobalAveragePool", "mean", value), axis=1)
    graph.node("MatMul", "descriptor", value, graph.constant("fc", graph.arrays["fc"]))
    made = helper.make_graph(
        graph.nodes,
        "describer",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("descriptor", TensorProto.FLOAT, ["batch", 128])],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model, full_check=True)
    with open(makes, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


main()
