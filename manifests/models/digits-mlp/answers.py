"""What a network of whole numbers answers to each picture, computed by numpy: it shares no code with a circuit."""

import json
import struct
import sys

import numpy


def main() -> None:
    """Write the ten outputs for each picture as an IDX file of 32-bit numbers."""
    made, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    with open(files["pictures"], "rb") as file:
        pictures = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 64).astype(numpy.int64)
    with open(files["weights"]) as file:
        weights = {name: numpy.array(value) for name, value in json.load(file).items()}
    hidden = numpy.maximum(pictures @ weights["first"] + weights["first_bias"], 0) >> weights["drop"]
    outputs = (hidden @ weights["second"] + weights["second_bias"]).astype(">i4")
    with open(made, "wb") as file:
        file.write(struct.pack(">BBBB2I", 0, 0, 0x0C, 2, *outputs.shape) + outputs.tobytes())


main()
