"""The network as combinational logic of da4ml: additions of shifted numbers, and nothing else."""

import json
import sys

import numpy
from da4ml.trace import FixedVariableArrayInput, comb_trace
from da4ml.trace.ops import quantize, relu


def main() -> None:
    """Write da4ml's description of the circuit, before anything is put into a clock's steps."""
    made, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    with open(files["weights"]) as file:
        weights = {name: numpy.array(value, float) for name, value in json.load(file).items()}
    drop = int(weights["drop"])
    pictures = FixedVariableArrayInput((64,))
    # Five bits without a sign hold the whole numbers from 0 to 16.
    hidden = relu(quantize(pictures, 0, 5, 0) @ weights["first"] + weights["first_bias"])
    widest = int(max(hidden.kif[1]))
    hidden = quantize(hidden, 0, widest, -drop)
    logits = hidden @ (weights["second"] / 2**drop) + weights["second_bias"]
    comb_trace(pictures, logits).save(made)


main()
