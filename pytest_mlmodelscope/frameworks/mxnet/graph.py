"""What can be read from a graph's JSON before MXNet builds anything from it."""

import json
from typing import Any

#: Operators that call code which is not in MXNet (some through an address that the file gives), or open files.
_REFUSED = ("Custom", "_CustomFunction", "_Native", "_NDArray", "_cvimread")
#: Operators whose second argument is wanted for training alone.
_LOSSES = (
    "LinearRegressionOutput",
    "LogisticRegressionOutput",
    "MAERegressionOutput",
    "SVMOutput",
    "Softmax",
    "SoftmaxOutput",
)


def parsed(text: str) -> "dict[str, Any]":
    """The graph as data.

    Raises ValueError when it is no graph, or one that would run code from elsewhere.
    """
    try:
        graph = json.loads(text)
        _examine(graph)
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError, ValueError) as error:
        raise ValueError("the file of the graph is not a symbol of MXNet: %s" % _said(error)) from None
    return graph  # type: ignore[no-any-return]


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "something in it has no %s" % error
    return str(error) if isinstance(error, (ValueError, RecursionError)) else "it is built differently"


def _examine(graph: "dict[str, Any]") -> None:
    nodes = graph["nodes"]
    for index, node in enumerate(nodes):
        if node["op"] in _REFUSED:
            raise ValueError('"%s" is an operator %s, which runs code from elsewhere' % (node["name"], node["op"]))
        # MXNet itself would go round in circles.
        if any(not 0 <= entry[0] < index for entry in node["inputs"]):
            raise ValueError('"%s" takes what comes after it' % node["name"])
        for inner in node.get("subgraphs", ()):
            _examine(inner)
    if not graph["heads"] or any(not 0 <= head[0] < len(nodes) for head in graph["heads"]):
        raise ValueError("it has no outputs")


def labels(graph: "dict[str, Any]") -> "set[str]":
    """The arguments that only training needs."""
    nodes = graph["nodes"]
    found = [nodes[node["inputs"][1][0]] for node in nodes if node["op"] in _LOSSES and len(node["inputs"]) > 1]
    return {node["name"] for node in found if node["op"] == "null"}
