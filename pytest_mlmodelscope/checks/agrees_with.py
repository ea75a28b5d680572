"""The same model on another framework gives the same outputs and the same decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pytest_mlmodelscope.checks._differences import (
    ROUNDING,
    TOLERANCE_OPTION,
    Tolerance,
    compared,
    first_differing,
    itemwise,
)
from pytest_mlmodelscope.interfaces.check import Breach, Query, Seen, Subject

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["framework"],
    "properties": {
        "framework": {
            "description": "the other framework, with a version where it matters: onnxruntime>=1.20",
            "type": "string",
            "pattern": r"^[A-Za-z0-9_-]+\s*([<>=!~].*)?$",
        },
        "tolerance": TOLERANCE_OPTION,
        "decisions": {
            "description": "how many decisions may differ (a whole number), or which share of them (default: 0)",
            "type": "number",
            "minimum": 0,
        },
    },
}
BESIDE: Final[Literal["framework"]] = "framework"


def make(options: Mapping[str, Any], subject: Subject) -> Callable[[Query], Seen]:
    """Asks both, and compares outputs of the same name, and decisions.

    A decision that differs is a breach where none may; else they are counted for the whole.
    """
    tolerance = Tolerance.of(options, ROUNDING)
    strict = not options.get("decisions", 0)

    def look(query: Query) -> Seen:
        tensors = query.tensors()
        one, other = subject.ask(tensors), subject.ask_beside(tensors)
        seen = compared(itemwise(one, other, query.batched), tolerance, "in the two frameworks")
        count = len(query.items)
        ours, theirs = subject.decide(one, count), subject.decide_beside(other, count)
        differing = first_differing(ours, theirs)
        breach = seen.breach
        if breach is None and differing and strict:
            item = differing[0]
            breach = Breach(f"decided {ours[item]!r} and {theirs[item]!r} in the two frameworks", item=item)
        return Seen(seen.difference, breach, count, len(differing))

    return look
