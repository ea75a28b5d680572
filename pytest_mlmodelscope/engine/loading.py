"""What a worker is put under: the settings of a load, and the search for the highest rate that keeps to a bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.core.claim import Conditions
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent

WARM_UP: Final = 10
#: A rate is looked for until the highest that held and the lowest that did not lie so close together.
_CLOSE: Final = 1.03
#: No rate is tried that is so many times below what the model can do: a run would take too long.
_LOWEST: Final = 50
#: How much a rate is lowered that did not hold when it was tried for good, and how often.
_LOWER: Final = 0.95
_TRIES: Final = 20
#: The last word has so many times the queries of a trial, and its own arrivals.
_LAST_WORD: Final = 4
_LAST_SEEDS: Final = 500


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a load; ``rate`` is how many queries arrived in a second, where they did so by themselves."""

    timings: Timings
    rate: float | None = None

    @property
    def latencies_ns(self) -> Sequence[int]:
        """Those of all queries that came, with the wait so far of those that still waited when the time was up."""
        return [*self.timings["latencies_ns"], *self.timings.get("unserved_ns", ())]


def load(
    agent: Agent,
    case: Case,
    samples: Sequence[Mapping[str, Any]],
    batch: int,
    number: int = 0,
    engine: str | None = None,
) -> Loaded:
    """Put a worker under the load of a case, with queries of ``batch`` items; ``number`` is that of the process run,
    each of which has other arrivals. ``engine`` issues the queries instead of the scenario itself.
    """
    conditions = case.claim.conditions
    settings = load_settings(conditions, len(samples), batch, number)
    if "rate" not in getattr(member("metrics", case.claim.metric), "FINDS", ()):
        return Loaded(agent.load(conditions.scenario, samples, settings, engine), conditions.rate)
    assert conditions.latency_bound is not None  # a claim of such a metric is refused without one

    def ask(rate: float, seed: int, queries: int) -> Timings:
        changes: Any = {"rate": rate, "seed": settings["seed"] + seed, "min_queries": queries}
        longest = max(settings["max_seconds"], 1.5 * queries / rate)
        return agent.load(conditions.scenario, samples, {**settings, **changes, "max_seconds": longest}, engine)

    alone = agent.load("single_stream", samples, {**settings, "min_seconds": min(0.5, settings["min_seconds"])})
    return highest_rate(ask, alone, Bound(conditions.latency_bound, conditions.percentile), settings)


def arrive(scenario: str) -> bool:
    """Whether the queries of a scenario arrive by themselves, at a rate of their own."""
    return "rate" in getattr(member("scenarios", scenario), "NEEDS", ())


def load_settings(conditions: Conditions, samples: int, batch: int, number: int = 0) -> Settings:
    """Every query once, at least ten beyond the percentile, and the time that the claim asks for."""
    seconds, queries = conditions.seconds, _queries(conditions, samples)
    arriving = 0.0 if conditions.rate is None else 1.5 * queries / conditions.rate
    return {
        "warmup": WARM_UP,
        "min_queries": queries,
        "min_seconds": seconds,
        "max_seconds": max(30.0, 10 * seconds, arriving),
        "samples": samples,
        "batch": batch,
        "samples_per_query": conditions.samples_per_query or batch,
        "rate": conditions.rate,
        "seed": 1 + 1000 * number,
    }


def _queries(conditions: Conditions, samples: int) -> int:
    if conditions.queries is not None:
        return conditions.queries
    tail = 1 - conditions.percentile / 100
    return max(samples, math.ceil(round(10 / max(tail, 1e-4), 6)))


def batch_of(conditions: Conditions, batched: bool) -> int:
    """Items that go to the model at once: where it can take several, all of a query unless the claim says otherwise."""
    return conditions.batch or (conditions.samples_per_query if batched else None) or 1


@dataclass(frozen=True, slots=True)
class Bound:
    """What a percentile (0-100) of the latencies has to keep to, in seconds."""

    seconds: float
    percentile: float

    def over(self, latencies_ns: Sequence[int]) -> int:
        """How many queries took longer."""
        import numpy as np

        return int(np.count_nonzero(np.asarray(latencies_ns) > self.seconds * 1e9))

    def held(self, loaded: Loaded) -> bool:
        """Whether the percentile of these queries keeps to it, which shows little of others."""
        latencies = loaded.latencies_ns
        return self.over(latencies) <= len(latencies) * (1 - self.percentile / 100)


def highest_rate(ask: Callable[[float, int, int], Timings], alone: Timings, bound: Bound, settings: Settings) -> Loaded:
    """The highest rate of a Poisson process at which the percentile keeps to a bound, by bisection; and a run at it.

    ``ask`` loads the worker with a rate, a seed and a least number of queries; ``alone`` are queries one after
    another, which say how many a second there can be at all. The last word has a long run of its own, with other
    arrivals, so that no rate is taken for its luck; where it does not hold, the rate is lowered and tried again.
    Where no rate holds, it is that of a single query in the longest run.

    In a queue a query is slow where the one before was, so a single run shows less than its queries would if they
    were independent: of simulated ones up to a third found a rate that was too high, by some per cent. The figure is
    an estimate, and process runs are what varies: of intervals over five of them at most 2.5 % lie above the true rate.
    """
    found = _bisected(ask, alone, bound, settings)
    for attempt in range(_TRIES if found else 0):
        loaded = Loaded(ask(found, _LAST_SEEDS + attempt, _LAST_WORD * settings["min_queries"]), found)
        if bound.held(loaded):
            return loaded
        found *= _LOWER
    return Loaded(alone, 1 / settings["max_seconds"])


def _bisected(ask: Callable[[float, int, int], Timings], alone: Timings, bound: Bound, settings: Settings) -> float:
    """A rate at which the percentile of a trial kept to the bound; 0 where there was none."""
    count, trial = len(alone["latencies_ns"]), 0
    if not bound.held(Loaded(alone)):
        return 0.0
    low, high = 0.0, count * 1e9 / max(1, sum(alone["latencies_ns"]))
    lowest = high / _LOWEST
    while high > max(low * _CLOSE, lowest):
        rate, trial = (low + high) / 2, trial + 1
        if bound.held(Loaded(ask(rate, trial, settings["min_queries"]))):
            low = rate
        else:
            high = rate
    return low
