"""A model under load: a scenario calls it, and what was asked to be kept of its answers is kept."""

import copy
import importlib
from typing import Any

#: Where an answer that was kept stands in the message: ``answer/3/scores`` is an output of the fourth query.
KEPT = "answer/"


def run(
    predict: "Any", queries: "list[Any]", scenario: str, settings: "dict[str, Any]", engine: "str | None" = None
) -> "Any":
    """Put a model under load; the header of the answer, and its tensors.

    ``engine`` is a module beside this one that issues the queries instead of the scenario itself. ``keep`` in the
    settings are the numbers of the queries whose answers come back (those of the timed ones, in the midst of them).
    """
    count, keep = len(queries), frozenset(settings.get("keep", ()))
    kept = {}  # type: dict[int, Any]

    def call(index: int) -> None:
        predict(queries[index % count])

    def call_and_keep(index: int) -> None:
        outputs = predict(queries[index % count])
        if index in keep:
            # An answer is what it is now: a model may write into what it returned.
            kept[index] = [(name, copy.copy(value)) for name, value in outputs.items()]

    if engine is None:
        pattern = importlib.import_module("pytest_mlmodelscope.scenarios." + scenario)
        timings = pattern.run(call_and_keep if keep else call, settings)
    else:
        other = importlib.import_module("pytest_mlmodelscope.worker." + engine)
        timings = other.run(scenario, lambda index: predict(queries[index % count]), settings)
    tensors = [(name, _int64(timings[name])) for name in sorted(timings) if name.endswith("_ns") and name != "wall_ns"]
    tensors += [(KEPT + "%d/%s" % (index, name), value) for index in sorted(kept) for name, value in kept[index]]
    return {name: timings[name] for name in ("wall_ns", "samples", "logs") if name in timings}, tensors


def _int64(values: "Any") -> "Any":
    import numpy

    return numpy.array(values, dtype="int64")
