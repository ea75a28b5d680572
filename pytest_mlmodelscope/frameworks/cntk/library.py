"""CNTK itself, brought in without what it needs for training and without its checks of the system."""

import os
import sys
from types import ModuleType
from typing import Any

from pytest_mlmodelscope.frameworks.cntk.mpi import stand_in

CODE_REFUSED = "the model holds a function in Python, and no code that a model brings along is run"


def _import() -> "Any":
    """Import CNTK; functions of MPI that it never calls here stay unbound."""
    stand_in()
    bound = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_LAZY)
    # It imports pip for the sake of a command that downloads samples.
    without_pip = sys.modules.setdefault("pip", ModuleType("pip"))
    sys.modules["cntk.cntk_py_init"] = _no_checks()
    try:
        import cntk
    finally:
        sys.setdlopenflags(bound)
        if not hasattr(without_pip, "__file__"):
            del sys.modules["pip"]
    return cntk


def _no_checks() -> ModuleType:
    """In place of the module that runs ldconfig in a shell a dozen times and warns of everything but Ubuntu 16.04."""
    module = ModuleType("cntk.cntk_py_init")
    module.cntk_check_distro_info = module.cntk_check_libs = lambda: None  # type: ignore[attr-defined]
    return module


def _refuse_code(*_: "Any") -> "Any":
    """In place of what would run the Python code that a model file names."""
    raise ValueError(CODE_REFUSED)


cntk = _import()
cntk.internal._UDFDeserializeCallbackWrapper.__call__ = _refuse_code
