"""CenterFace for pictures of every size, with its four outputs as one: how likely, how large, how far off, where the
points are; 15 planes in all.
"""

import sys
from typing import Any

import onnx
from onnx import TensorProto, helper

PLANES = {"537": 1, "538": 2, "539": 2, "540": 10}


def main() -> None:
    """Write the same network with free axes, and a node that puts its outputs together."""
    makes, given = sys.argv[1], dict(word.split("=", 1) for word in sys.argv[2:])
    model = onnx.load(given["model"])
    graph = model.graph
    batched = ["batch", 3, "height", "width"]
    _replace(graph.input, [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, batched)])
    graph.node.append(helper.make_node("Concat", list(PLANES), ["faces"], name="faces", axis=1))
    planes = ["batch", sum(PLANES.values()), "rows", "columns"]
    _replace(graph.output, [helper.make_tensor_value_info("faces", TensorProto.FLOAT, planes)])
    _drop_counters(graph)
    onnx.checker.check_model(model, full_check=True)
    with open(makes, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


def _drop_counters(graph: "Any") -> None:
    """How many batches were seen in training: no node takes it."""
    taken = {name for node in graph.node for name in node.input}
    _replace(graph.initializer, [one for one in graph.initializer if one.name in taken])


def _replace(field: "Any", entries: "Any") -> None:
    del field[:]
    field.extend(entries)


main()
