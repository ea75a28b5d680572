"""A model that is timed answers as it does when nobody times it (MLPerf's TEST01)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final, Literal

from pytest_mlmodelscope.checks._differences import EXACT, ONLY_TOLERANCE, Tolerance, compared, itemwise
from pytest_mlmodelscope.interfaces.check import Audited, Seen, UnderLoad

OPTIONS: Final = ONLY_TOLERANCE
BESIDE: Final[Literal["nothing"]] = "nothing"
#: Queries of a timed run, and how many of them are looked at.
QUERIES: Final = 1000
LOOKED_AT: Final = 100


def audit(options: Mapping[str, Any], subject: UnderLoad) -> Audited:
    """Asks every prepared query by itself, then times the model, and compares answers that are picked at random.

    The model cannot know which: they are drawn anew every time. Of a model that answers otherwise in one of a hundred
    timed queries at least one is caught in a process run with a probability of 63 %, of one that does in one of
    twenty with 99.4 %.
    """
    tolerance, answers, seen = Tolerance.of(options, EXACT), 0, Seen()
    dice = random.SystemRandom()
    for _ in subject.processes():
        calm = [dict(subject.ask(query)) for query in subject.queries]
        kept = subject.load(subject.queries, QUERIES, dice.sample(range(QUERIES), LOOKED_AT)).get("answers", {})
        for number, outputs in sorted(kept.items()):
            place, how = number % len(calm), f"in timed query {number + 1} and when it was not timed"
            found = compared(itemwise(calm[place], outputs, True), tolerance, how)
            answers += 1
            seen = Seen(max(seen.difference, found.difference), seen.breach or found.breach)
    return Audited(seen, answers)
