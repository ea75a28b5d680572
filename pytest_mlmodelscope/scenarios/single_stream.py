"""One query after another, each sent when the one before is complete: latency."""

from array import array
from typing import Any

from pytest_mlmodelscope.scenarios import _loop

#: What LoadGen calls it.
MLPERF = "SingleStream"


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Time each query by itself; ``wall_ns`` goes from the first one's start to the last one's end."""
    least, clock = settings["min_queries"], _loop.clock
    latencies = array("q")
    note = latencies.append
    _loop.warm_up(query, settings)
    index = 0
    begin = end = clock()
    enough, limit = begin + int(settings["min_seconds"] * 1e9), begin + int(settings["max_seconds"] * 1e9)
    while (index < least or end < enough) and end < limit:
        start = clock()
        query(index)
        end = clock()
        note(end - start)
        index += 1
    return {"latencies_ns": latencies, "wall_ns": end - begin, "samples": index * settings["batch"]}
