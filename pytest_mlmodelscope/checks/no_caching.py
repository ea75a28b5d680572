"""The same query again and again is no faster than different ones (MLPerf's TEST04)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.check import Audited, Seen, UnderLoad

OPTIONS: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "faster": {
            "description": "how much faster the same query may be, a fraction: caches of the processor help a little "
            "(default: 0.1)",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 10,
        },
    },
}
BESIDE: Final[Literal["nothing"]] = "nothing"
#: MLPerf's: a tenth.
FASTER: Final = 0.1
#: Queries that warm a process up, and are not asked again.
WARM_UP: Final = 12


def audit(options: Mapping[str, Any], subject: UnderLoad) -> Audited:
    """Times queries that were never asked before in the process, and one that repeats as often, in every process run;
    every other run begins with the one that repeats.

    The ratio of their medians is one figure of each process run. What is judged is the interval over the runs, so a
    model that caches nothing is refuted with a probability of 2.5 % at most.
    """
    ratios = tuple(_ratio(subject, number % 2) for number in subject.processes())
    most = 1 + options.get("faster", FASTER)
    return Audited(Seen(), ratios=ratios, most=most, what="times as fast is the same query again and again")


def _ratio(subject: UnderLoad, first: int) -> float:
    """How many times longer a query takes that is new."""
    warm, rest = subject.queries[:WARM_UP], subject.queries[WARM_UP:]
    if len(rest) < 2:
        raise NotApplicable("there are too few different queries", expected=f"{WARM_UP + 2}", got=len(subject.queries))
    subject.load(warm, len(warm))
    sides, times = (rest[1:], rest[:1]), [1.0, 1.0]
    for side in (first, 1 - first):
        found = subject.load(sides[side], len(rest) - 1, warm=False)["latencies_ns"]
        times[side] = max(1.0, float(np.median(found)))
    return times[0] / times[1]
