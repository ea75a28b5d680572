"""The pictures of the test split, each fifth of the digits, as IDX files: their pixels, or their labels."""

import gzip
import struct
import sys

import numpy


def main() -> None:
    """Write the pixels (8 by 8, from 0 to 16) or the labels, as the name of the file says."""
    made, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    with gzip.open(files["digits"], "rt") as file:
        rows = numpy.loadtxt(file, delimiter=",").astype(numpy.uint8)[::5]
    values = rows[:, 64] if made == "labels.idx" else rows[:, :64].reshape(-1, 8, 8)
    with open(made, "wb") as file:
        file.write(struct.pack(">BBBB%dI" % values.ndim, 0, 0, 0x08, values.ndim, *values.shape) + values.tobytes())


main()
