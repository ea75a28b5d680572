"""The conditions of a claim in words, without those that its metric does not depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.reports._text import number, plain, shown

#: What is said of the data at hand (docs/claims.md).
_RELATIONS: Final = {
    "same": "the items that the author used",
    "sample": "some of the items that the author used",
    "other": "other items than the author used",
}
_MEASURES: Final = {"model": "the model alone", "end_to_end": "the whole way from the item to the decision"}
_SCENARIOS: Final = {
    "single_stream": "one query after another",
    "multi_stream": "queries of several items, one after another",
    "server": "queries that arrive by themselves",
    "offline": "all items at once",
}


def _percentile(value: Any) -> str:
    return "median" if value == 50 else f"percentile {shown(value)}"


def _seconds(value: Any) -> str:
    return f"{shown(value)} s"


#: By key, in the order of a page: what it is called, how its value is told, and whether it is about timed figures only.
_TOLD: Final[Mapping[str, tuple[str, Callable[[Any], str], bool]]] = {
    "frameworks": ("Frameworks", shown, False),
    "relation": ("Data", lambda value: _RELATIONS.get(value, shown(value)), False),
    "precision": ("Precision", shown, False),
    "batch": ("Batch", shown, False),
    "threads": ("Threads", shown, False),
    "scenario": ("Load", lambda value: _SCENARIOS.get(value, shown(value)), True),
    "measures": ("What is timed", lambda value: _MEASURES.get(value, shown(value)), True),
    "percentile": ("Of all latencies", _percentile, True),
    "runs": ("Fresh processes", shown, True),
    "seconds": ("Each for at least", _seconds, True),
    "queries": ("Queries, at least", shown, True),
    "rate": ("Queries in a second", shown, True),
    "latency_bound": ("Latency at most", _seconds, True),
    "samples_per_query": ("Items in a query", shown, True),
}
_INSIDE: Final = ("metric_options", "hardware")


def told(conditions: Mapping[str, Any], metric: str) -> tuple[tuple[str, str], ...]:
    """Name and value of each condition that says something about a figure of this metric."""
    loaded = conditions.get("scenario") not in (None, "single_stream")
    named = metric.split("_")  # metric_told() has these
    return tuple(_pairs(conditions, loaded or _is_timed(metric), named))


def _pairs(conditions: Mapping[str, Any], timed: bool, without: Sequence[str]) -> Iterator[tuple[str, str]]:
    inner = {key: value for name in _INSIDE for key, value in (conditions.get(name) or {}).items()}
    inner = {key: value for key, value in inner.items() if key not in without}
    for key in (*_TOLD, *inner, *(set(conditions) - {*_TOLD, *_INSIDE})):
        value = inner[key] if key in inner else conditions.get(key)
        name, words, only_timed = _TOLD.get(key, (key.replace("_", " ").capitalize(), shown, False))
        if value not in (None, "", [], {}) and (timed or not only_timed):
            yield plain(name), words(value)


def _is_timed(metric: str) -> bool:
    """Whether a figure rests on timings; of a metric that is not known here nothing is left out."""
    if metric in names("metrics"):
        return bool(member("metrics", metric).KIND == "timed")
    return metric not in names("checks")


def metric_told(metric: str, options: Mapping[str, Any]) -> str:
    """A metric in words: ``top_k_accuracy`` with ``k: 5`` is "top 5 accuracy"."""
    words = plain(metric).replace("_", " ").split(" ")
    named = [number(options[word], None) if isinstance(options.get(word), (int, float)) else word for word in words]
    return " ".join(named)
