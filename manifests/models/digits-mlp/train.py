"""Train a network with one hidden layer on the digits that are not in the test split, then make its numbers whole.

All pictures go through it at once, in double precision: the last bits of a sum depend on the processor,
but no weight lies so near to the middle of two whole numbers that they decide where it goes.
"""

import gzip
import json
import sys
from typing import Any

import numpy

SEED = 20261125
EPOCHS = 300
RATE = 2e-2
SPARSITY = 0.1


def digits(path: str) -> "tuple[Any, Any]":
    """Pictures of 64 whole numbers from 0 to 16 and their labels, without each fifth, which is for the test."""
    with gzip.open(path, "rt") as file:
        rows = numpy.loadtxt(file, delimiter=",").astype(numpy.int64)
    rows = rows[numpy.arange(len(rows)) % 5 != 0]
    return rows[:, :64], rows[:, 64]


def train(pictures: "Any", labels: "Any", hidden: int) -> "list[Any]":
    """Weights and biases of both layers: Adam with a falling rate, which pulls weights towards nothing."""
    draw = numpy.random.RandomState(SEED)
    wanted = numpy.eye(10)[labels]
    first, second = draw.randn(64, hidden) / 8, draw.randn(hidden, 10) / hidden**0.5
    weights = [first, numpy.zeros(hidden), second, numpy.zeros(10)]
    mean, square = ([numpy.zeros_like(part) for part in weights] for _ in range(2))
    for epoch in range(1, EPOCHS + 1):
        slopes = gradients(weights, pictures / 16, wanted)
        rate = RATE * (1 - epoch / (EPOCHS + 1))
        for at, (part, slope) in enumerate(zip(weights, slopes)):
            mean[at] = 0.9 * mean[at] + 0.1 * slope
            square[at] = 0.99 * square[at] + 0.01 * slope**2
            step = mean[at] / (1 - 0.9**epoch) / (numpy.sqrt(square[at] / (1 - 0.99**epoch)) + 1e-8)
            pull = SPARSITY * numpy.sign(part) if part.ndim > 1 else 0
            weights[at] = part - rate * (step + pull)
    return weights


def gradients(weights: "list[Any]", pictures: "Any", wanted: "Any") -> "list[Any]":
    """The slope of the mean cross entropy in each of the weights."""
    first, first_bias, second, second_bias = weights
    hidden = numpy.maximum(pictures @ first + first_bias, 0)
    logits = hidden @ second + second_bias
    powers = numpy.exp(logits - logits.max(1, keepdims=True))
    off = (powers / powers.sum(1, keepdims=True) - wanted) / len(pictures)
    back = (off @ second.T) * (hidden > 0)
    return [pictures.T @ back, back.sum(0), hidden.T @ off, off.sum(0)]


def whole(weights: "list[Any]", bits: "dict[str, int]") -> "dict[str, Any]":
    """The weights as multiples of fixed steps; ``drop`` is how many of its lowest bits the hidden layer loses."""
    first, first_bias, second, second_bias = weights
    one, two, kept = bits["first"], bits["second"], bits["hidden"]
    # A picture's numbers are sixteenths: four bits behind the point.
    steps = {"first": (first, one), "first_bias": (first_bias, one + 4)}
    steps.update(second=(second, two), second_bias=(second_bias, two + kept))
    found = {name: numpy.rint(part * 2**fraction).astype(int).tolist() for name, (part, fraction) in steps.items()}
    return dict(found, drop=one + 4 - kept)


def main() -> None:
    """Write the weights as whole numbers."""
    made, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    with open(files["shape"]) as file:
        shape = json.load(file)
    weights = train(*digits(files["digits"]), shape["hidden"])
    with open(made, "w") as file:
        json.dump(whole(weights, shape["bits_behind_the_point"]), file)


main()
