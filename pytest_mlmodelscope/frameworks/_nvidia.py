"""What frameworks on an NVIDIA GPU share: nothing of NVIDIA's rounds fp32 to tf32 unless it is asked to."""

import os

#: Where this is 0, no library of NVIDIA's rounds fp32 to tf32 on its own. Read when the libraries are loaded.
_TF32 = "NVIDIA_TF32_OVERRIDE"


def allow_tf32(allowed: bool) -> None:
    """Let the libraries of CUDA round fp32 to tf32, or forbid it; call it before any of them is loaded."""
    if allowed:
        os.environ.pop(_TF32, None)
    else:
        os.environ[_TF32] = "0"
