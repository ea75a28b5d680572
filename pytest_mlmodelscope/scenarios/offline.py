"""Everything is there from the start, and queries run back to back: throughput."""

from array import array
from typing import Any

from pytest_mlmodelscope.scenarios import _loop

#: What LoadGen calls it.
MLPERF = "Offline"


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Run queries without a pause; each latency goes from the end of the query before."""
    least, clock = settings["min_queries"], _loop.clock
    done = array("q")
    note = done.append
    _loop.warm_up(query, settings)
    begin = now = clock()
    enough, limit = begin + int(settings["min_seconds"] * 1e9), begin + int(settings["max_seconds"] * 1e9)
    for index in range(least):
        query(index)
        now = clock()
        note(now)
        if now > limit:
            break
    while now < enough and now < limit:
        query(len(done))
        now = clock()
        note(now)
    # What follows is not timed: a subtraction for each query would be a good part of what a query costs.
    latencies = array("q", (after - before for before, after in zip(array("q", [begin]) + done, done)))
    return {"latencies_ns": latencies, "wall_ns": now - begin, "samples": len(done) * settings["batch"]}
