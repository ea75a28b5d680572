"""Everything is there from the start, and queries run back to back: throughput."""

import time
from array import array
from typing import Any

_clock = getattr(time, "perf_counter_ns", None) or (lambda: int(time.perf_counter() * 1e9))


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Run queries without a pause; each latency goes from the end of the query before."""
    least, enough = settings["min_queries"], int(settings["min_seconds"] * 1e9)
    limit = int(settings["max_seconds"] * 1e9)
    latencies = array("q")
    clock = _clock
    begin = clock()
    for index in range(settings["warmup"]):
        query(index)
        if clock() - begin > limit:
            break
    begin = last = clock()
    while (len(latencies) < least or last - begin < enough) and last - begin < limit:
        query(len(latencies))
        now = clock()
        latencies.append(now - last)
        last = now
    return {"latencies_ns": latencies, "wall_ns": last - begin, "samples": len(latencies) * settings["batch"]}
