"""The test functions that cases run, and the fixtures that they use.

A ``conftest.py`` may override any of these fixtures, as with every other test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from pytest_mlmodelscope.core.result import Case, Result
    from pytest_mlmodelscope.engine.run import Engine
    from pytest_mlmodelscope.plugin.session import Session

Verify = Callable[["Case"], "Result"]


def verify_claim(mlms_case: Case, mlms_verify: Verify, mlms_judge: Callable[[Result], None]) -> None:
    """Measure the case and let its verdict decide the test."""
    mlms_judge(mlms_verify(mlms_case))


def verify_timed_claim(
    mlms_case: Case,
    mlms_verify: Verify,
    mlms_judge: Callable[[Result], None],
    mlms_clock: ReplayClock,
    benchmark: BenchmarkFixture,
) -> None:
    """The same, and hand the latencies to pytest-benchmark, so that its files and gates see them."""
    result = mlms_verify(mlms_case)
    replay(benchmark, mlms_clock, result)
    mlms_judge(result)


class ReplayClock:
    """A clock that shows the times that a worker took, one step for each call of ``advance``."""

    def __init__(self) -> None:
        self._now = 0.0
        self._durations: Iterator[float] = iter(())

    def __call__(self) -> float:
        """The replayed time, in seconds."""
        return self._now

    def load(self, durations: Iterable[float]) -> None:
        """What is to pass, in seconds."""
        self._durations = iter(durations)

    def advance(self) -> None:
        """Let the next measured duration pass."""
        self._now += next(self._durations, 0.0)


def replay(benchmark: BenchmarkFixture, clock: ReplayClock, result: Result) -> None:
    """Feed measured latencies to pytest-benchmark as if it had called the model itself.

    The worker measures next to the framework, where a host's clock cannot; pytest-benchmark takes
    any clock, so a timed case is marked with one that plays the measurement back.
    """
    if not result.timings_ns:
        benchmark.disabled = True  # nothing was measured, so nothing is to be recorded
        benchmark(clock.advance)
        return
    clock.load(nanoseconds / 1e9 for nanoseconds in result.timings_ns)
    benchmark.extra_info["mlms"] = {"case": result.case.id, "verdict": result.verdict.word}
    benchmark.pedantic(clock.advance, rounds=len(result.timings_ns), iterations=1)  # type: ignore[no-untyped-call]


SESSION = "mlms-session"


def _session(config: pytest.Config) -> Session:
    found: Session = config.pluginmanager.get_plugin(SESSION)  # type: ignore[assignment]  # registered by start
    return found


@pytest.fixture(scope="session")
def mlms_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The engine that this session measures with."""
    with _session(pytestconfig).make_engine() as engine:
        yield engine


@pytest.fixture
def mlms_case(request: pytest.FixtureRequest) -> Case:
    """The case that this test verifies."""
    case: Case = request.node.case
    return case


@pytest.fixture
def mlms_verify(mlms_engine: Engine, request: pytest.FixtureRequest) -> Verify:
    """Measures a case, and looks for what explains a refuted figure over items; override it to measure otherwise."""
    session, item = _session(request.config), request.node

    def verify(case: Case) -> Result:
        result = mlms_engine.verify(case)
        return mlms_engine.explain(result, session.asked.why) if session.wants_cause(item, result) else result

    return verify


@pytest.fixture
def mlms_clock(request: pytest.FixtureRequest) -> ReplayClock:
    """The clock that a timed case is marked with for pytest-benchmark."""
    marker: Any = request.node.get_closest_marker("benchmark")
    clock: ReplayClock = marker.kwargs["timer"]
    return clock


@pytest.fixture
def mlms_judge(request: pytest.FixtureRequest) -> Callable[[Result], None]:
    """Turns a result into the outcome of the test that asks for it."""
    item: Any = request.node
    return lambda result: _session(request.config).finish(item, result)
