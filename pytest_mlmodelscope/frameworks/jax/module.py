"""What a module of StableHLO holds: constants, products, calls of what is outside it."""

import re
from collections import Counter
from typing import Any

_TYPE = re.compile(r"tensor<((?:[\d?]+x)*)(\w+)>")
_PRECISIONS = {"f32": "fp32", "f64": "fp64", "f16": "fp16", "bf16": "bf16", "i8": "int8"}
_PRODUCTS = ("stablehlo.dot_general", "stablehlo.dot", "stablehlo.convolution", "stablehlo.dynamic_conv")


def _operations(operation: "Any") -> "Any":
    for region in operation.regions:
        for block in region:
            for inner in block:
                yield inner.operation
                for deeper in _operations(inner.operation):
                    yield deeper


def _all(module: "Any") -> "Any":
    return _operations(module.operation)


def refuse_calls_of_python(module: "Any") -> None:
    """Raise ValueError where the function calls Python, which a file cannot bring along."""
    for operation in _all(module):
        if operation.name == "stablehlo.custom_call":
            target = str(operation.attributes["call_target_name"])
            if "callback" in target or "python" in target:
                raise ValueError("the function calls Python (%s), which is not in the file" % target)


def parameters(module: "Any") -> "int | None":
    """How many values are in the constants that hold more than one floating-point or 8-bit number."""
    kinds = (_type(operation) for operation in _all(module) if operation.name == "stablehlo.constant")
    return sum(size for kind, size in kinds if kind in _PRECISIONS and size > 1) or None


def precision(module: "Any") -> str:
    """What most products are computed in; fp32 without any."""
    found = Counter(_type(operation)[0] for operation in _all(module) if operation.name in _PRODUCTS)
    known = [kind for kind, _ in found.most_common() if kind in _PRECISIONS]
    return _PRECISIONS[known[0]] if known else "fp32"


def _type(operation: "Any") -> "tuple[str, int]":
    """The element type of the first result, and how many elements it has."""
    found = _TYPE.match(str(operation.results[0].type))
    if found is None:
        return "", 0
    size = 1
    for length in found.group(1).split("x")[:-1]:
        size *= int(length) if length != "?" else 1
    return found.group(2), size
