"""The variables of a worker: its framework's, a folder of its own, and little of the host's."""

from __future__ import annotations

import os
import site
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.agent.environment import Environment

#: What a worker may see of the host's variables.
_PASSED: Final = ("PATH", "LD_LIBRARY_PATH", "TZ", "CUDA_VISIBLE_DEVICES")
_PASSED_TO_EMULATED: Final = ("TZ",)
_PASSED_TO_HOST: Final = ("PYTHONPATH", "PYTHONUSERBASE", "PYTHONNOUSERSITE")
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: What keeps frameworks from writing to a home folder, asking a network, or chatting.
QUIET: Final = {
    "CI": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "LANG": "C.UTF-8",
    # Who asks for the user's name must not need the list of users, which is not in sight.
    "USER": "mlms",
}


def variables_of(environment: Environment, scratch: Path, threads: int | None) -> dict[str, str]:
    """Those of a worker of this environment, whose home is ``scratch``; ``threads`` for libraries, None for any."""
    names = _PASSED_TO_EMULATED if environment.launcher else _PASSED
    passed = {name: os.environ[name] for name in names if name in os.environ}
    if environment.source == "host":
        # Its packages may lie in the user's own folder, which is found through the home folder.
        passed |= {name: os.environ[name] for name in _PASSED_TO_HOST if name in os.environ}
        passed.setdefault("PYTHONUSERBASE", site.getuserbase())
    own = {"HOME": str(scratch), "TMPDIR": str(scratch)}
    if threads is not None:
        own |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    return {**QUIET, **passed, **environment.variables, **own}
