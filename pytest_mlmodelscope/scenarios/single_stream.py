"""One query after another, each sent when the one before is complete: latency."""

import time
from array import array
from typing import Any

_clock = getattr(time, "perf_counter_ns", None) or (lambda: int(time.perf_counter() * 1e9))


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Time each query by itself; ``wall_ns`` goes from the first one's start to the last one's end."""
    least, enough = settings["min_queries"], int(settings["min_seconds"] * 1e9)
    limit = int(settings["max_seconds"] * 1e9)
    latencies = array("q")
    clock = _clock
    begin = clock()
    for index in range(settings["warmup"]):
        query(index)
        if clock() - begin > limit:
            break
    begin = end = clock()
    while (len(latencies) < least or end - begin < enough) and end - begin < limit:
        start = clock()
        query(len(latencies))
        end = clock()
        latencies.append(end - start)
    return {"latencies_ns": latencies, "wall_ns": end - begin, "samples": len(latencies) * settings["batch"]}
