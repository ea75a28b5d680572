"""An item gets the same answer alone, in any batch, at any place and with any neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from pytest_mlmodelscope.checks._differences import ONLY_TOLERANCE, ROUNDING, Tolerance, compared
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.check import Query, Seen, Subject

OPTIONS: Final = ONLY_TOLERANCE
BESIDE: Final[Literal["nothing"]] = "nothing"


def make(options: Mapping[str, Any], subject: Subject) -> Callable[[Query], Seen]:
    """Asks for each item alone, for all of them, and for all of them backwards."""
    tolerance = Tolerance.of(options, ROUNDING)

    def look(query: Query) -> Seen:
        if not query.batched:
            raise NotApplicable("the model takes one item at a time: there is no batch that an item could be in")
        return compared(_pairs(query, subject), tolerance, "alone and in a batch")

    return look


def _pairs(query: Query, subject: Subject) -> Iterator[tuple[str, int, Any, Any]]:
    count = len(query.items)
    together = subject.ask(query.tensors())
    backwards = subject.ask(query.tensors(range(count)[::-1]))
    for item in range(count):
        alone = subject.ask(query.tensors([item]))
        for name, value in alone.items():
            yield name, item, value[0], together[name][item]
            yield name, item, value[0], backwards[name][count - 1 - item]
