"""Caffe2 without its halves for GPUs, and how many threads it computes on."""

import ctypes
import importlib
import importlib.util
import logging
import os
import re
from typing import Any

from pytest_mlmodelscope.frameworks._declared import threads


def _imported() -> "Any":
    """The module ``workspace``; that there is no GPU is no news here."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        return importlib.import_module("caffe2.python.workspace")
    finally:
        root.setLevel(level)


workspace = _imported()
# The import has opened it, so that its name is enough.
_MKL = ctypes.CDLL("libcaffe2.so")


def set_threads(asked: "int | None") -> None:
    """Compute on so many threads at most, also where the processor has fewer cores.

    MKL is what computes on several; the pool of NNPACK and of the 8-bit operators, which has a
    thread for each core whatever is asked, is left out.
    """
    workspace.GlobalInit(["caffe2", "--caffe2_log_level=3", "--caffe2_threadpool_force_inline=true"])
    _MKL.MKL_Set_Dynamic(0)
    _MKL.MKL_Set_Num_Threads(threads(asked))


def get_threads() -> int:
    """On how many threads it computes."""
    return int(_MKL.mkl_get_max_threads())


def version() -> str:
    """The version of the PyTorch that Caffe2 is a part of, which cannot be imported here."""
    spec = importlib.util.find_spec("torch")
    places = (spec and spec.submodule_search_locations) or [""]
    with open(os.path.join(places[0], "version.py")) as file:
        found = re.search("__version__ = '(.*)'", file.read())
    return found.group(1) if found else "unknown"
