"""No output is infinite or not a number, for any input of the declared domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import numpy as np

from pytest_mlmodelscope.interfaces.check import Breach, Query, Seen, Subject

OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}
BESIDE: Final[Literal["nothing"]] = "nothing"


def make(options: Mapping[str, Any], subject: Subject) -> Callable[[Query], Seen]:
    """Looks at every number of every output."""

    def look(query: Query) -> Seen:
        outputs = subject.ask(query.tensors())
        return Seen(breach=next(filter(None, (_breach(name, value, query) for name, value in outputs.items())), None))

    return look


def _breach(name: str, value: Any, query: Query) -> Breach | None:
    array = np.asarray(value)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
    item = place[0] if query.batched and place else 0
    return Breach(f"{array[place]} at {list(place)}", name, item)
