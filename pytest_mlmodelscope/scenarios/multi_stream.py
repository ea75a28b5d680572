"""One query of several samples after another, each sent when the one before is complete: latency of the whole."""

from array import array
from typing import Any

from pytest_mlmodelscope.scenarios import _loop

#: What LoadGen calls it.
MLPERF = "MultiStream"
#: MLPerf's: the percentile of a claim that names none, and the samples of a query.
PERCENTILE = 99.0
SAMPLES_PER_QUERY = 8


def run(query: "Any", settings: "Any") -> "dict[str, Any]":
    """Time each query until all its samples are answered: ``samples_per_query``, in batches of ``batch``.

    Samples follow one another in the prepared ones, as LoadGen takes them.
    """
    least, clock = settings["min_queries"], _loop.clock
    calls = max(1, settings["samples_per_query"] // settings["batch"])
    latencies = array("q")
    _loop.warm_up(query, settings, calls)
    index = 0
    begin = end = clock()
    enough, limit = begin + int(settings["min_seconds"] * 1e9), begin + int(settings["max_seconds"] * 1e9)
    while (index < least or end < enough) and end < limit:
        start = clock()
        for call in range(index * calls, (index + 1) * calls):
            query(call)
        end = clock()
        latencies.append(end - start)
        index += 1
    return {"latencies_ns": latencies, "wall_ns": end - begin, "samples": index * calls * settings["batch"]}
