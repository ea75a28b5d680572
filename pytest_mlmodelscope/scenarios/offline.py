"""Everything is there from the start, and queries run back to back: throughput."""

from array import array
from typing import Any

from pytest_mlmodelscope.scenarios import _loop


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Run queries without a pause; each latency goes from the end of the query before."""
    least, clock = settings["min_queries"], _loop.clock
    latencies = array("q")
    note = latencies.append
    _loop.warm_up(query, settings)
    index = 0
    begin = last = clock()
    enough, limit = begin + int(settings["min_seconds"] * 1e9), begin + int(settings["max_seconds"] * 1e9)
    while (index < least or last < enough) and last < limit:
        query(index)
        now = clock()
        note(now - last)
        last = now
        index += 1
    return {"latencies_ns": latencies, "wall_ns": last - begin, "samples": index * settings["batch"]}
