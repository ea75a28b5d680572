"""What a claim asks of a framework: a device, a precision, threads."""

import os
from typing import Any


def only(what: str, asked: str, possible: "Any") -> None:
    """Refuse a device or a precision that cannot be given; it is never replaced silently."""
    if asked not in possible:
        raise ValueError("%s %s cannot be given here; possible: %s" % (what, asked, ", ".join(sorted(possible))))


def threads(asked: "int | None") -> int:
    """How many threads to take: as asked, else one for each processor this process may use."""
    return asked or len(os.sched_getaffinity(0))
