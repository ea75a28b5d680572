"""The scenarios keep every rule, and one broken fake a rule shows that the suite can fail."""

import time
from types import SimpleNamespace

import pytest

from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.testing.scenarios import ScenarioTests


class TestSingleStream(ScenarioTests):
    scenario = "single_stream"


class TestOffline(ScenarioTests):
    scenario = "offline"


def test_every_scenario_is_in_the_suite():
    assert {TestSingleStream.scenario, TestOffline.scenario} == set(names("scenarios"))


#: What the fake breaks -> the test that must notice.
RULES = {
    "warmup": "test_warm_up_is_run_and_not_timed",
    "queries": "test_it_runs_at_least_as_many_queries_as_asked",
    "seconds": "test_it_runs_at_least_as_long_as_asked",
    "end": "test_it_ends_when_its_time_is_up",
    "unit": "test_every_latency_is_that_of_a_query",
    "wall": "test_the_wall_time_holds_the_queries",
    "samples": "test_a_sample_is_counted_once",
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
        while (len(latencies) < least or now - begin < enough) and now - begin < limit:
            start = time.perf_counter_ns()
            query(0 if breaks == "cycle" else len(latencies))
            now = time.perf_counter_ns()
            latencies.append((now - start) // (1000 if breaks == "unit" else 1))
        wall = now - (before if breaks == "wall" else begin)
        samples = len(latencies) * (1 if breaks == "samples" else settings["batch"])
        return {"latencies_ns": latencies, "wall_ns": wall, "samples": samples}

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
