"""The network in whole numbers of 8 bits and less: how large its values get is seen on pictures of the training split.

Only there: the pictures of the test split are for the figures. The result has operators that quantise and
dequantise (QDQ), symmetrically, which ONNX Runtime and TensorRT both take as they are.
"""

import gzip
import sys
from typing import Any, Iterator

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

PICTURES = 1000
BATCH = 100


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """The first pictures of the training split, as the model takes them."""

    def __init__(self, path: str) -> None:
        with gzip.open(path) as file:
            grey = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 1, 28, 28)
        self._batches = _batches(grey[:PICTURES].astype(numpy.float32) / 255)

    def get_next(self) -> "Any":
        """The next batch, or None."""
        return next(self._batches, None)


def _batches(pictures: "Any") -> "Iterator[Any]":
    for start in range(0, len(pictures), BATCH):
        yield {"image": pictures[start : start + BATCH]}


def main() -> None:
    """Write the quantised graph."""
    makes, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    quantize_static(
        # As a file, others would be written beside it, where nothing may be.
        onnx.load(files["network"]),
        makes,
        Pictures(files["pictures"]),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        # 7 bits: processors without instructions for this (VNNI) add products in 16 bits, which overflow with 8.
        reduce_range=True,
        # TensorRT takes no offsets, and a bias as it is.
        extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
    )
    model = onnx.load(makes)
    onnx.checker.check_model(model, full_check=True)
    with open(makes, "wb") as file:
        file.write(model.SerializeToString(deterministic=True))


main()
