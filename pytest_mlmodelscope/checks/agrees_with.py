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
from pytest_mlmodelscope.interfaces.check import Answers, Breach, Query, Seen, Subject

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
    """Asks both, and compares what they say."""

    def look(query: Query) -> Seen:
        tensors, count = query.tensors(), len(query.items)
        one, other = subject.ask(tensors), subject.ask_beside(tensors)
        return compare(
            options,
            Answers(one, subject.decide(one, count), query.batched),
            Answers(other, subject.decide_beside(other, count), query.batched),
        )

    return look


def compare(options: Mapping[str, Any], one: Answers, other: Answers) -> Seen:
    """Compares outputs of the same name, and decisions.

    A decision that differs is a breach where none may; else they are counted for the whole.
    """
    tolerance = Tolerance.of(options, ROUNDING)
    seen = compared(itemwise(one.outputs, other.outputs, one.batched), tolerance, "in the two frameworks")
    differing = first_differing(one.decisions, other.decisions)
    breach = seen.breach
    if breach is None and differing and not options.get("decisions", 0):
        item = differing[0]
        decided = f"decided {one.decisions[item]!r} and {other.decisions[item]!r}"
        breach = Breach(f"{decided} in the two frameworks", item=item)
    shared = set(one.outputs) & set(other.outputs)
    remark = "" if shared else "no output has the same name in both, so decisions alone are compared"
    first = differing[0] if differing else None
    return Seen(seen.difference, breach, len(one.decisions), len(differing), first, remark)
