"""What every scenario promises, as tests: subclass ``ScenarioTests`` and name the scenario.

class TestMine(ScenarioTests):
    scenario = "mine"
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.scenario import Settings, Timings

#: Nanoseconds that a query of these tests takes at least.
_QUERY_NS = 200_000


class ScenarioTests:
    """One test a rule. ``scenario`` is the registered name of a scenario."""

    scenario: ClassVar[str]

    def run(self, **changes: Any) -> tuple[Timings, list[int]]:
        """The timings of a run over queries that take a fifth of a millisecond, and what was asked."""
        asked: list[int] = []

        def query(index: int) -> None:
            asked.append(index)
            end = time.perf_counter_ns() + _QUERY_NS
            while time.perf_counter_ns() < end:
                pass

        settings: dict[str, Any] = {
            "warmup": 3,
            "min_queries": 20,
            "min_seconds": 0.0,
            "max_seconds": 30.0,
            "samples": 4,
            "batch": 2,
            "samples_per_query": changes.get("batch", 2),
            "rate": 2500.0,
            "seed": 1,
        }
        timings = self.module().run(query, Settings(**{**settings, **changes}))  # type: ignore[typeddict-item]
        return timings, asked

    def module(self) -> Any:
        """The scenario."""
        return member("scenarios", self.scenario)

    def test_warm_up_is_run_and_not_timed(self) -> None:
        """The first queries load code and fill caches."""
        timings, asked = self.run(warmup=7)
        assert len(asked) == len(timings["latencies_ns"]) + 7

    def test_it_runs_at_least_as_many_queries_as_asked(self) -> None:
        """A percentile needs them."""
        timings, _ = self.run(min_queries=50)
        assert len(timings["latencies_ns"]) >= 50

    def test_it_runs_at_least_as_long_as_asked(self) -> None:
        """Also where the queries are many by then."""
        timings, _ = self.run(min_queries=1, min_seconds=0.05)
        assert timings["wall_ns"] >= 50_000_000

    def test_it_ends_when_its_time_is_up(self) -> None:
        """Also where the queries are too few by then; one at least is timed."""
        timings, asked = self.run(min_queries=10**9, max_seconds=0.02)
        assert 1 <= len(timings["latencies_ns"]) <= len(asked) < 10**6

    def test_every_latency_is_that_of_a_query(self) -> None:
        """In nanoseconds, each as long as the query took."""
        timings, _ = self.run()
        assert min(timings["latencies_ns"]) >= _QUERY_NS

    def test_the_wall_time_holds_the_queries(self) -> None:
        """From the first query's start to the last one's end, without the warm-up."""
        warm_up_ns = 1000 * _QUERY_NS
        # On a busy machine a few queries may take as long as a warm-up, but not each time.
        runs = [self.run(warmup=1000, min_queries=20)[0] for _ in range(5)]
        for timings in runs:
            assert timings["wall_ns"] >= max(timings["latencies_ns"])
            assert timings["wall_ns"] >= _QUERY_NS
        assert any(timings["wall_ns"] < warm_up_ns or len(timings["latencies_ns"]) > 1000 for timings in runs)

    def test_a_sample_is_counted_once(self) -> None:
        """Queries times the items in each."""
        timings, _ = self.run(batch=3)
        assert timings["samples"] == 3 * len(timings["latencies_ns"])

    def test_no_query_is_lost(self) -> None:
        """Each that is reported was asked, and each that was asked is reported."""
        timings, asked = self.run(warmup=0)
        assert len(asked) == len(timings["latencies_ns"])

    def test_a_query_counts_from_when_it_was_to_arrive(self) -> None:
        """Where queries arrive by themselves: one that had to wait was slow, whoever made it wait."""
        timings, _ = self.run(warmup=0, min_queries=60)
        scheduled, issued = timings.get("scheduled_ns", ()), timings.get("issued_ns", ())
        assert len(scheduled) == len(issued)
        assert list(scheduled) == sorted(scheduled)
        for due, asked, latency in zip(scheduled, issued, timings["latencies_ns"], strict=False):
            assert asked >= due
            assert latency >= asked - due + _QUERY_NS

    def test_who_still_waits_at_the_end_is_told(self) -> None:
        """Where queries arrive four times as fast as they can be answered, the queue is no secret."""
        timings, _ = self.run(warmup=0, rate=20_000.0, min_queries=10**5, max_seconds=0.05)
        if "scheduled_ns" in timings:
            served, waiting = len(timings["scheduled_ns"]), timings.get("unserved_ns", ())
            came = timings["wall_ns"] * 20_000 / 1e9
            assert abs(served + len(waiting) - came) < 6 * came**0.5
            assert len(waiting) > served

    def test_queries_go_through_the_prepared_ones(self) -> None:
        """Not the same one again and again, which caches would answer."""
        _, asked = self.run(warmup=0)
        assert len({index % 4 for index in asked}) == 4
