"""Caffe's own package, without what it imports for its picture tools, and the threads of its OpenBLAS."""

import ctypes
import importlib
import sys
import types
from typing import Any

from pytest_mlmodelscope.frameworks._declared import threads

#: What ``caffe`` imports at its top and no network needs, with the names that it takes from them.
_UNUSED = {
    "skimage": "",
    "skimage.io": "",
    "skimage.transform": "resize",
    "scipy": "",
    "scipy.ndimage": "zoom",
}


def _imported() -> "Any":
    """The package ``caffe``; the modules that stand in for those others are there meanwhile only."""
    absent = [name for name in _UNUSED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = types.ModuleType(name)
        if _UNUSED[name]:
            setattr(sys.modules[name], _UNUSED[name], None)
    try:
        return importlib.import_module("caffe")
    finally:
        for name in absent:
            del sys.modules[name]


caffe = _imported()
_BLAS = ctypes.CDLL(importlib.import_module("caffe._caffe").__file__)


def set_threads(asked: "int | None") -> None:
    """Compute on so many threads; ValueError where OpenBLAS was not built for as many."""
    _BLAS.openblas_set_num_threads(threads(asked))
    if asked is not None and get_threads() != asked:
        raise ValueError("this build of Caffe computes on at most %d threads, not on %d" % (get_threads(), asked))


def get_threads() -> int:
    """On how many threads it computes."""
    return int(_BLAS.openblas_get_num_threads())
