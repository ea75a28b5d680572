"""Queries arrive when they want to, as a Poisson process, and wait until the model is free: latency at a rate."""

from array import array
from typing import Any

from pytest_mlmodelscope.scenarios import _loop

#: What LoadGen calls it.
MLPERF = "Server"
#: MLPerf's: the percentile of a claim that names none.
PERCENTILE = 99.0
#: Without it there is no such load.
NEEDS = ("rate",)
#: What comes before and after the model runs in the host: it would have to be part of the queue.
MEASURES = ("model",)


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Answer the queries in the order in which they arrive; each latency goes from the time it was *to arrive*.

    All arrivals are drawn before the first. A query that arrives while the model works waits in a queue, which
    takes no thread: it is asked when the one before is complete, and its wait is in its latency. So a slow answer
    delays no arrival, and hides none of those that it made wait (no coordinated omission). ``unserved_ns`` is for
    how long the queries had waited that were there when the time was up.
    """
    scheduled = _loop.arrivals(settings["rate"], settings["seed"], settings)
    _loop.warm_up(query, settings)
    with _loop.woken_in_time():
        issued, latencies, end = _serve(query, scheduled, int(settings["max_seconds"] * 1e9))
    served = len(latencies)
    return {
        "latencies_ns": latencies,
        "wall_ns": end,
        "samples": served * settings["batch"],
        "scheduled_ns": array("q", scheduled[:served]),
        "issued_ns": issued,
        "unserved_ns": array("q", [end - at for at in scheduled[served:] if at <= end]),
    }


def _serve(query: "Any", scheduled: "list[int]", limit: int) -> "tuple[array[int], array[int], int]":
    """When each query was asked, and how long it took from its arrival; and when the last one was answered."""
    clock, wait_until = _loop.clock, _loop.wait_until
    latencies, issued = array("q"), array("q")
    answered, asked = latencies.append, issued.append
    begin = now = clock()
    for index, at in enumerate(scheduled):
        due = begin + at
        if now < due:
            now = wait_until(due)
        asked(now - begin)
        query(index)
        now = clock()
        answered(now - due)
        if now - begin > limit:
            break
    return issued, latencies, now - begin
