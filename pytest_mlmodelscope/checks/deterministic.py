"""The same query gives the same answer: twice, after another query, and in a fresh process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pytest_mlmodelscope.checks._differences import EXACT, ONLY_TOLERANCE, Tolerance, compared, itemwise
from pytest_mlmodelscope.interfaces.check import Query, Seen, Subject

OPTIONS: Final = ONLY_TOLERANCE
BESIDE: Final[Literal["process"]] = "process"


def make(options: Mapping[str, Any], subject: Subject) -> Callable[[Query], Seen]:
    """Asks four times: twice in a row, once after the items backwards, once in the other process."""
    tolerance = Tolerance.of(options, EXACT)

    def look(query: Query) -> Seen:
        tensors, backwards = query.tensors(), query.tensors(range(len(query.items))[::-1])
        first, second = subject.ask(tensors), subject.ask(tensors)
        subject.ask(backwards)
        answers = {
            "for the same query twice": second,
            "before and after another query": subject.ask(tensors),
            "in two processes": subject.ask_beside(tensors),
        }
        seen = [compared(itemwise(first, answer, query.batched), tolerance, how) for how, answer in answers.items()]
        breach = next((one.breach for one in seen if one.breach is not None), None)
        return Seen(max(one.difference for one in seen), breach)

    return look
