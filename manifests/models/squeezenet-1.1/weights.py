"""The weights of SqueezeNet 1.1 as plain arrays, out of a pickle that may hold nothing but arrays."""

import io
import pickle
import sys
import zipfile
from typing import Any

import numpy

try:
    from numpy._core.multiarray import _reconstruct
except ImportError:  # numpy 1
    from numpy.core.multiarray import _reconstruct

_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): numpy.ndarray,
    ("numpy", "dtype"): numpy.dtype,
}


class Arrays(pickle.Unpickler):
    """Knows three names, none of which runs code."""

    def find_class(self, module: str, name: str) -> "Any":
        """One of the three."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError("%s.%s is no part of an array" % (module, name))
        return _ALLOWED[module, name]


def save(path: str, arrays: "dict[str, Any]") -> None:
    """An .npz file with the same bytes under every Python; those of ``numpy.savez`` changed with 3.11.4."""
    with zipfile.ZipFile(path, "w") as file:
        for name, values in arrays.items():
            data = io.BytesIO()
            numpy.save(data, values)
            file.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), data.getvalue())


def main() -> None:
    """Write them in the layout of PyTorch and ONNX: (out, in, height, width)."""
    makes, files = sys.argv[1], dict(text.split("=", 1) for text in sys.argv[2:])
    with open(files["pickle"], "rb") as file:
        layers = Arrays(file).load()
    weights = {}
    for name in sorted(layers):
        kernel, bias = layers[name]
        weights[name + ".weight"] = numpy.ascontiguousarray(kernel.transpose(3, 2, 0, 1), "float32")
        weights[name + ".bias"] = numpy.ascontiguousarray(bias, "float32")
    save(makes, weights)


main()
