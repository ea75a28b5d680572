"""What the first readers would have to wait for, made ready beside them once the hub listens."""

from __future__ import annotations

import importlib
import threading
from typing import Final

#: Imported by the first question that needs them; that takes a second or more.
_SLOW: Final = ("scipy.stats", "vl_convert")
_NOTHING: Final = {"mark": "point", "data": {"values": []}}


def warm() -> threading.Thread:
    """Begin with it; nobody has to wait for the thread that does it."""
    thread = threading.Thread(target=_warm, name="warming", daemon=True)
    thread.start()
    return thread


def _warm() -> None:
    for name in _SLOW:
        importlib.import_module(name)
    import vl_convert

    # The first drawing of a process loads the program that draws.
    vl_convert.vegalite_to_svg(_NOTHING)
