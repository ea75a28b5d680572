"""The scenarios keep every rule, and one broken fake a rule shows that the suite can fail."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.scenarios import _loop
from pytest_mlmodelscope.testing.scenarios import ScenarioTests


class TestSingleStream(ScenarioTests):
    scenario = "single_stream"


class TestOffline(ScenarioTests):
    scenario = "offline"


class TestMultiStream(ScenarioTests):
    scenario = "multi_stream"

    def test_a_query_is_complete_with_its_last_sample(self):
        timings, asked = self.run(samples_per_query=8, warmup=2, min_queries=5)
        assert asked[8:] == list(range(20))
        assert timings["samples"] == 40
        assert min(timings["latencies_ns"]) >= 4 * 200_000

    def test_a_batch_may_hold_all_samples(self):
        timings, asked = self.run(samples_per_query=8, batch=8, warmup=0, min_queries=5)
        assert (len(asked), timings["samples"]) == (5, 40)


class TestServer(ScenarioTests):
    scenario = "server"

    def test_arrivals_are_a_poisson_process(self):
        times = np.array(_loop.arrivals(1000.0, 7, {"min_queries": 20_000, "min_seconds": 0, "max_seconds": 1e3}))
        gaps = np.diff(times, prepend=0) / 1e9
        assert stats.kstest(gaps, "expon", args=(0, 1e-3)).pvalue > 0.01
        # And each is independent of the one before.
        assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 4 / len(gaps) ** 0.5

    def test_a_seed_gives_the_same_arrivals_and_another_others(self):
        settings = {"min_queries": 5, "min_seconds": 0, "max_seconds": 9}
        first, again, other = (_loop.arrivals(100.0, seed, settings) for seed in (1, 1, 2))
        assert first == again != other
        assert first[:2] == [1442910, 20244473]  # under every Python

    def test_arrivals_last_as_long_as_asked(self):
        times = _loop.arrivals(100.0, 1, {"min_queries": 1, "min_seconds": 2.0, "max_seconds": 9})
        assert times[-2] < 2e9 <= times[-1]
        times = _loop.arrivals(100.0, 1, {"min_queries": 10**9, "min_seconds": 0.0, "max_seconds": 0.5})
        assert times[-1] <= 0.5e9

    def test_a_slow_answer_makes_those_wait_that_arrive_meanwhile(self):
        def query(index):
            time.sleep(0.05 if index == 0 else 0)

        settings = {"warmup": 0, "min_queries": 20, "min_seconds": 0, "max_seconds": 9, "batch": 1, "samples": 1}
        timings = self.module().run(query, {**settings, "rate": 1000.0, "seed": 1})
        scheduled = np.array(timings["scheduled_ns"])
        late = scheduled < scheduled[0] + 50_000_000
        assert late.sum() > 10
        waited = np.array(timings["latencies_ns"])[late]
        assert (waited >= scheduled[0] + 50_000_000 - scheduled[late]).all()


def test_every_scenario_is_in_the_suite():
    suites = (TestSingleStream, TestOffline, TestMultiStream, TestServer)
    assert {suite.scenario for suite in suites} == set(names("scenarios"))


#: What the fake breaks -> the test that must notice.
RULES = {
    "warmup": "test_warm_up_is_run_and_not_timed",
    "queries": "test_it_runs_at_least_as_many_queries_as_asked",
    "seconds": "test_it_runs_at_least_as_long_as_asked",
    "end": "test_it_ends_when_its_time_is_up",
    "unit": "test_every_latency_is_that_of_a_query",
    "wall": "test_the_wall_time_holds_the_queries",
    "samples": "test_a_sample_is_counted_once",
    "lost": "test_no_query_is_lost",
    "schedule": "test_a_query_counts_from_when_it_was_to_arrive",
    "queue": "test_who_still_waits_at_the_end_is_told",
    "cycle": "test_queries_go_through_the_prepared_ones",
}


def fake(breaks):
    """A scenario that keeps all rules save one."""

    def run(query, settings):
        least = 5 if breaks == "queries" and settings["min_queries"] == 50 else settings["min_queries"]
        enough = 0 if breaks == "seconds" else settings["min_seconds"] * 1e9
        limit = settings["max_seconds"] * 1e9
        before = time.perf_counter_ns()
        for index in range(settings["warmup"] - (breaks == "warmup")):
            query(index)
        begin = now = time.perf_counter_ns()
        latencies = []
        if breaks == "end" and least == 10**9:
            return {"latencies_ns": latencies, "wall_ns": 0, "samples": 0}
        starts = []
        while (len(latencies) < least or now - begin < enough) and now - begin < limit:
            start = time.perf_counter_ns()
            query(0 if breaks == "cycle" else len(latencies))
            now = time.perf_counter_ns()
            starts.append(start - begin)
            latencies.append((now - start) // (1000 if breaks == "unit" else 1))
        if breaks == "lost" and not settings["warmup"]:
            query(len(latencies))
        wall = now - (before if breaks == "wall" else begin)
        samples = len(latencies) * (1 if breaks == "samples" else settings["batch"])
        timings = {"latencies_ns": latencies, "wall_ns": wall, "samples": samples}
        if breaks == "schedule":
            waiting = int(wall * settings["rate"] / 1e9) - len(starts)
            return {**timings, "issued_ns": starts, "scheduled_ns": [0] * len(starts), "unserved_ns": [1] * waiting}
        if breaks == "queue":
            return {**timings, "issued_ns": starts, "scheduled_ns": starts}
        return timings

    return SimpleNamespace(run=run)


def failing(breaks):
    """The names of the suite's tests that a fake fails."""
    suite = ScenarioTests()
    suite.module = lambda: fake(breaks)
    failed = set()
    for name in RULES.values():
        try:
            getattr(suite, name)()
        except AssertionError:
            failed.add(name)
    return failed


def test_every_rule_has_a_fake_that_breaks_it():
    assert {name for name in vars(ScenarioTests) if name.startswith("test_")} == set(RULES.values())


def test_a_scenario_that_keeps_all_rules_passes():
    assert failing("nothing") == set()


@pytest.mark.parametrize("breaks", RULES)
def test_a_broken_rule_fails_its_test_and_no_other(breaks):
    assert failing(breaks) == {RULES[breaks]}
