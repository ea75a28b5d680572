"""What a TFLite model holds: how many trained values, of which type."""

from collections import Counter
from typing import Any

import numpy

_PRECISIONS = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "int8": "int8", "uint8": "int8", "int4": "int4"}


def survey(runner: "Any") -> "tuple[int | None, str]":
    """The number of values in the weights, and the precision that most of them have; fp32 without any.

    ``runner`` is an interpreter whose tensors are not allocated yet. Weights are the tensors that no
    operator writes and nobody feeds.
    """
    written = {int(index) for node in runner._get_ops_details() for index in node["outputs"]}
    written |= {int(entry["index"]) for entry in runner.get_input_details()}
    values = Counter()  # type: Counter[str]
    for tensor in runner.get_tensor_details():
        size = int(numpy.prod(tensor["shape"]))
        # A single number is an exponent or an epsilon; whole numbers without a scale are shapes.
        if int(tensor["index"]) not in written and size > 1 and _trained(tensor):
            values[numpy.dtype(tensor["dtype"]).name] += size
    most = [name for name, _ in values.most_common() if name in _PRECISIONS]
    return sum(values.values()) or None, _PRECISIONS[most[0]] if most else "fp32"


def _trained(tensor: "dict[str, Any]") -> bool:
    return "float" in numpy.dtype(tensor["dtype"]).name or len(tensor["quantization_parameters"]["scales"]) > 0
