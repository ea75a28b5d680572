"""Two stacks side by side, or one against itself: fresh processes of both, loaded in turns (A B B A)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.engine.bench import Bench, judged
from pytest_mlmodelscope.engine.loading import Loaded, arrive, load_settings
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.engine.timing import Queries, Run, evidence_of, queries_of, told_of
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict import aa, disturbance, gate, measure
from pytest_mlmodelscope.verdict.blocks import log_ratio, merged, over_blocks, percentile_ratios
from pytest_mlmodelscope.verdict.steady import warm_up

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent
    from pytest_mlmodelscope.agent.pool import Opened
    from pytest_mlmodelscope.agent.watch import Watch

#: Rounds of a block, in each of which both sides have one turn, and the least seconds of a turn. Long enough for
#: caches to fill again, short enough that what a busy machine does falls on both sides of a round.
ROUNDS: Final = 100
TURN_SECONDS: Final = 0.005
#: A turn has time for so many queries, a block for so many rounds, whatever they take.
_QUERIES: Final = 5
_FEWEST_ROUNDS: Final = 4
#: Untimed queries of a process that was just started, and of one that did nothing while the other had its turn.
_WARM_UP: Final = 10
_WARM_AGAIN: Final = 3
#: From so many seconds a query on, one of them is warm-up enough for a turn.
_LONG: Final = 0.001


@dataclass(frozen=True, slots=True)
class Side:
    """One of two stacks, its prepared queries, and what keeps its worker apart from the other's."""

    sut: Sut
    queries: Queries
    name: str


@dataclass(frozen=True, slots=True)
class Block:
    """One fresh process of each side: what was timed in both, and the logarithm of how much longer the second takes."""

    one: Run
    other: Run
    log: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The blocks that were measured, what was seen of the machine meanwhile, and for whom they waited."""

    blocks: Sequence[Block]
    watched: Mapping[str, Any]
    turn: Mapping[str, Any]

    @property
    def logs(self) -> list[float]:
        """The number that each block is."""
        return [block.log for block in self.blocks]


Enough = Callable[[Sequence[float]], bool]


def time_against(bench: Bench, sut: Sut, reference: Sut, margin: float) -> Result:
    """Time a case beside another stack, until it is decided whether it is slower; and judge its claim by its runs.

    Raises:
        NotApplicable: its queries arrive by themselves, so that no turn can be short.
    """
    _refuse_arrivals(sut)
    least = min(sut.case.claim.conditions.runs, gate.LOOKS[-1])

    def enough(logs: Sequence[float]) -> bool:
        if len(logs) < least or len(logs) not in (least, *gate.LOOKS):
            return False
        return len(logs) == gate.LOOKS[-1] or gate.decide(logs, margin).word != "inconclusive"

    compared = _measured(bench, reference, sut, enough)
    return _result(sut, compared, {"comparison": _comparison(reference, compared, margin)})


def time_itself(bench: Bench, sut: Sut, margin: float, blocks: int = aa.BLOCKS) -> Result:
    """Time a case beside itself, and say what the gate is worth here.

    Raises:
        NotApplicable: its queries arrive by themselves.
    """
    _refuse_arrivals(sut)
    started = time.perf_counter()
    compared = _measured(bench, sut, sut, lambda logs: len(logs) == blocks)
    seconds = time.perf_counter() - started
    found = aa.worth(compared.logs, margin)
    told = {
        **aa.as_record(found),
        "logs": compared.logs,
        "seconds": seconds,
        "seconds_a_decision": [needed * seconds / blocks for needed in found.blocks_needed],
    }
    return _result(sut, compared, {"aa": told})


def _refuse_arrivals(sut: Sut) -> None:
    scenario = sut.case.claim.conditions.scenario
    if arrive(scenario):
        raise NotApplicable(
            "two sides take turns of a few milliseconds, and queries that arrive by themselves have no such turns",
            expected="single_stream, multi_stream or offline",
            got=scenario,
        )


# -- measuring ----------------------------------------------------------------------------


def _measured(bench: Bench, one: Sut, other: Sut, enough: Enough) -> Compared:
    """Blocks of two stacks until there are enough; each has its device for itself all the while."""
    from pytest_mlmodelscope.agent.turns import turn
    from pytest_mlmodelscope.agent.watch import watch

    case, machine = other.case, other.machine
    with (
        turn(machine, case.id, bench.settings.progress) as alone,
        watch(case.target, machine, bench.settings.care) as seen,
    ):
        sides = (Side(one, queries_of(bench, one), "one"), Side(other, queries_of(bench, other), "other"))
        blocks: list[Block] = []
        while not enough([block.log for block in blocks]):
            bench.settings.progress(f"{case.id}: side by side with {one.case.framework.name}, block {len(blocks) + 1}")
            blocks.append(_block(bench, sides, seen, swapped=len(blocks) % 2 == 1))
        bench.close()
    return Compared(blocks, seen.summary(), alone)


def _block(bench: Bench, sides: tuple[Side, Side], seen: Watch, swapped: bool) -> Block:
    """Start a process of each side and load them in turns; whose is started first alternates from block to block."""
    order = (1, 0) if swapped else (0, 1)
    with _opened(bench, sides, seen, order) as workers:
        for side, worker in zip(sides, workers, strict=True):
            worker.agent.hold(side.queries.samples)
        plan = _Plan.of(sides, [worker.agent for worker in workers])
        with seen.run(None) as went_on:
            turns = _turns(sides, [worker.agent for worker in workers], plan, order)
        seen.mark(went_on)
        for side, worker in zip(sides, workers, strict=True):
            bench.keep_built(side.sut, worker.agent)
        return _told(sides[1].sut, turns, [worker.software for worker in workers])


@contextmanager
def _opened(bench: Bench, sides: tuple[Side, Side], seen: Watch, order: tuple[int, int]) -> Iterator[list[Opened]]:
    """A fresh worker of each side, on the same cores: only one of them has anything to do at a time."""
    bench.close()
    found: dict[int, Opened] = {}
    for at in order:
        sut = sides[at].sut
        with seen.pinning.held(sut.case.claim.conditions.threads):
            found[at] = bench.worker(sut, (*sut.worker_key, sides[at].name), room=2)
    yield [found[0], found[1]]
    bench.close()


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a block is loaded: so many rounds of turns that last so many seconds, with untimed queries before each."""

    rounds: int
    seconds: float
    again: int

    @staticmethod
    def of(sides: tuple[Side, Side], agents: Sequence[Agent]) -> _Plan:
        """As the first queries of both sides suggest; they are the warm-up of the processes besides."""
        took = max(_first(side, agent) for side, agent in zip(sides, agents, strict=True))
        seconds = max(TURN_SECONDS, _QUERIES * took)
        wanted = max(sides[1].sut.case.claim.conditions.seconds, ROUNDS * TURN_SECONDS)
        rounds = min(ROUNDS, max(_FEWEST_ROUNDS, round(wanted / seconds / 2) * 2))
        return _Plan(rounds, seconds, 1 if took > _LONG else _WARM_AGAIN)


def _first(side: Side, agent: Agent) -> float:
    """The median of the first timed queries, in seconds."""
    import numpy as np

    timings = _turn(side, agent, 0, _WARM_UP, 0.0, least=_QUERIES)
    return float(np.median(timings.latencies_s))


def _turns(
    sides: tuple[Side, Side], agents: Sequence[Agent], plan: _Plan, order: tuple[int, int]
) -> tuple[list[TimedEvidence], list[TimedEvidence]]:
    """What each side did in its turns: A B, B A, A B..."""
    found: tuple[list[TimedEvidence], list[TimedEvidence]] = ([], [])
    issued = [0, 0]
    for number in range(plan.rounds):
        for at in order if number % 2 == 0 else order[::-1]:
            evidence = _turn(sides[at], agents[at], issued[at], plan.again, plan.seconds)
            issued[at] += len(evidence.latencies_s)
            found[at].append(evidence)
    return found


def _turn(side: Side, agent: Agent, first: int, warming: int, seconds: float, least: int = 1) -> TimedEvidence:
    case, queries = side.sut.case, side.queries
    settings: Any = load_settings(case.claim.conditions, len(queries.samples), queries.batch)
    settings |= {"warmup": warming, "min_queries": least, "min_seconds": seconds}
    loaded = Loaded(agent.turn(case.claim.conditions.scenario, settings, first))
    # A question to the worker costs as much as some queries, and most figures are of time alone.
    stats = {"peak_bytes": 1} if disturbance.slows(case.claim) else agent.stats()
    return evidence_of(loaded, queries, case.claim.conditions.percentile, stats, first)


def _told(sut: Sut, turns: tuple[list[TimedEvidence], list[TimedEvidence]], software: Sequence[Any]) -> Block:
    """What a block says after both of its processes had warmed up."""
    found = [warm_up(merged(side).latencies_s) for side in turns]
    cut = max(_rounds(side, warm.queries) for side, warm in zip(turns, found, strict=True))
    one, other = ([*side[cut:]] for side in turns)
    runs = [
        Run(merged(side), *about) for side, about in zip((one, other), zip(software, found, strict=True), strict=True)
    ]
    return Block(runs[0], runs[1], log_ratio(sut.case.claim, one, other))


def _rounds(turns: Sequence[TimedEvidence], queries: int) -> int:
    """In how many rounds a side had so many queries."""
    rounds = 0
    while queries > 0:
        queries -= len(turns[rounds].latencies_s)
        rounds += 1
    return rounds


# -- telling ------------------------------------------------------------------------------


def _result(sut: Sut, compared: Compared, found: Mapping[str, Any]) -> Result:
    runs = [block.other for block in compared.blocks]
    claim = sut.case.claim
    measurement = measure.of_runs(claim, [run.evidence for run in runs])
    result = judged(sut, measurement, runs[-1].software)
    verdict = disturbance.weighed(claim, result.verdict, measurement, disturbance.marked(compared.watched))
    latencies = tuple(round(value * 1e9) for run in runs for value in run.evidence.latencies_s)
    timing = {**told_of(runs), **found}
    shown: Any = {"timings_ns": latencies, "turn": compared.turn, "watched": compared.watched, "timing": timing}
    return dataclasses.replace(result, verdict=verdict, **shown)


def _comparison(reference: Sut, compared: Compared, margin: float) -> dict[str, Any]:
    decision = gate.decide(compared.logs, margin)
    pairs = [(block.one.evidence, block.other.evidence) for block in compared.blocks]
    bootstrap = over_blocks(compared.logs)
    return {
        **dataclasses.asdict(decision),
        "text": decision.text,
        "against": f"{reference.case.framework.name} {reference.environment.version}",
        "reference": measure.of_runs(reference.case.claim, [one for one, _ in pairs]).value,
        "unit": reference.case.claim.unit,
        "logs": compared.logs,
        "bootstrap": {"low": bootstrap.low, "high": bootstrap.high, "confidence": bootstrap.confidence},
        "percentiles": percentile_ratios(pairs),
    }
