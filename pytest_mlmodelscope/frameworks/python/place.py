"""Places inside a value: ``language``, ``[0]``, ``a.b[2][1]``, ``["compound"]``."""

import re
from typing import Any

_STEP = re.compile(r"""\.?([A-Za-z_]\w*)|\[(-?\d+)\]|\[(?:"([^"]*)"|'([^']*)')\]""")


def steps(text: str) -> "list[Any]":
    """The keys, attributes (text) and indexes (numbers) that lead to the place.

    Raises ValueError when the text is of another form.
    """
    found = []  # type: list[Any]
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError('"%s" is not the place of a result; write it like language, [0] or a.b[2]' % text)
        name, index, double, single = step.groups()
        found.append(int(index) if index else name or double or single)
        at = step.end()
    return found


def find(value: "Any", path: "list[Any]") -> "Any":
    """What is at the place; None where a value on the way is None.

    Raises LookupError or AttributeError when there is no such place.
    """
    for step in path:
        if value is None:
            return None
        if isinstance(step, int) or (hasattr(value, "keys") and step in value):
            value = value[step]
        else:
            value = getattr(value, step)
    return value
