"""What disturbs a process run, and what a figure with disturbed runs is worth."""

import dataclasses

import numpy as np
import pytest

from pytest_mlmodelscope.core.claim import Claim, Source, Tolerance
from pytest_mlmodelscope.core.result import BaselineComparison, Interval, Measurement, Verdict
from pytest_mlmodelscope.verdict.disturbance import (
    BESIDE,
    SLOWED,
    TAKEN,
    Other,
    Readings,
    allowance,
    between,
    disturbances,
    lost,
    marked,
    told,
    unknown,
    weighed,
    weighed_baseline,
)

QUIET = Readings(
    seconds=1.0, cores=2, machine=8, worker_s=1.9, ran_s=1.9, waited_s=0.01, itself_s=0.0, others_s=0.0, beside_s=0.1,
    stolen_s=0.0, capped_s=0.0, stalled_s=0.0, swapped=0, faults=0, switched=3, hot=0,
    clock_mhz=3000.0, temperature_c=50.0,
)  # fmt: skip


def with_(**changes):
    return dataclasses.replace(QUIET, **changes)


# -- the rules ----------------------------------------------------------------------------------------


def test_a_quiet_run_is_not_disturbed():
    assert disturbances(QUIET) == ()
    assert disturbances(QUIET, fastest_mhz=3000.0) == ()


@pytest.mark.parametrize(
    ("changes", "just", "words"),
    [
        ("waited_s", TAKEN * 1.9 / (1 - TAKEN), "waited {:.0%} of its time for a core that others had"),
        ("beside_s", BESIDE * 8, "others took {:.0%} of the machine"),
        ("stolen_s", TAKEN * 2, "the hypervisor took {:.0%} of its cores' time"),
        ("capped_s", TAKEN, "a quota of its control group stopped it for {:.0%} of the time"),
        ("stalled_s", TAKEN, "processes waited for memory {:.0%} of the time"),
    ],
)
def test_what_is_taken_disturbs_beyond_its_threshold_and_not_up_to_it(changes, just, words):
    assert disturbances(with_(**{changes: just * 0.999})) == ()
    (reason,) = disturbances(with_(**{changes: just * 1.001}))
    assert words.format(BESIDE if changes == "beside_s" else TAKEN) in reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"swapped": 257}, "257 pages came back from swap"),
        ({"hot": 2}, "slowed down for their temperature (2 times)"),
        ({"clock_mhz": 3000 * (1 - SLOWED) - 1}, "its clock was 2,699 MHz, and 3,000 MHz in the fastest run"),
        ({"throttled": ("power cap",)}, "the device was slowed down: power cap"),
    ],
)
def test_what_else_disturbs(changes, words):
    (reason,) = disturbances(with_(**changes), fastest_mhz=3000.0)
    assert words in reason


def test_who_took_it_is_named():
    far, near = Other("cc1plus", 4711, 0.84), Other("ld", 4712, 0.5)
    waited, beside = disturbances(with_(waited_s=1.0, beside_s=4.0, top=(far, near), near=(near,)))
    assert waited.endswith("for a core that others had: ld[4712] 0.5 s")
    assert beside.endswith("others took 50% of the machine: cc1plus[4711] 0.84 s, ld[4712] 0.5 s")


def test_a_worker_with_too_many_threads_waits_for_itself():
    alone = with_(waited_s=1.0, ran_s=1.0, itself_s=1.0)
    assert disturbances(alone) == ()
    assert lost(alone) == 0.0
    assert disturbances(dataclasses.replace(alone, waited_s=1.1))


def test_what_is_not_told_neither_disturbs_nor_counts_as_good():
    untold = Readings(seconds=1.0, cores=1, machine=1)
    assert disturbances(untold) == ()
    assert set(unknown(untold)) >= {"other processes", "clock", "memory pressure"}
    assert unknown(QUIET) == ()


# -- from two looks -----------------------------------------------------------------------------------


def look(at=0.0, **changes):
    """A machine with two cores and three processes: a worker (11, and 12 that it started), this one (7), another."""
    usual = {
        "at": at,
        "tick": 0.01,
        "own": 7,
        "cores": {"0": [100.0 + at, 1.0], "1": [50.0, 1.0]},
        "processes": {
            "7": [1, "1", "pytest", 3.0, 0, 0],
            "11": [2, "7", "python", 1.0, 5, 0],
            "12": [2, "11", "python", 1.0 + at, 0, 0],
            "99": [3, "1", "cc1plus", 40.0, 0, 1],
        },
        "worker": {"pids": ["11", "12"], "threads": {"12": [1.0 + at, 0.2, 4]}, "cores": [0]},
        "stalled": {"cpu": 1.0, "memory": 0.0, "io": 0.0},
        "swapped_in": 10,
        "available": 1e9,
        "load": [0.0, 0.0, 0.0],
        "capped_s": None,
        "hot": None,
    }
    return {**usual, **changes}


def test_the_difference_of_two_looks_is_what_went_on():
    found = between(look(), look(2.0))
    assert (found.seconds, found.cores, found.machine) == (2.0, 1, 2)
    assert (found.worker_s, found.waited_s, found.others_s, found.beside_s) == (2.0, 0.0, 0.0, 0.0)
    assert (found.stolen_s, found.stalled_s, found.swapped, found.faults, found.switched) == (0.0, 0.0, 0, 0, 0)
    assert (found.capped_s, found.hot, found.top) == (None, None, ())
    assert disturbances(found) == ()


def test_another_process_is_seen_by_its_seconds_and_where_it_ran():
    after = look(2.0, cores={"0": [103.0, 1.0], "1": [50.5, 1.0]})
    after["processes"]["99"] = [3, "1", "cc1plus", 41.5, 0, 0]
    after["worker"]["threads"] = {"12": [3.0, 1.2, 90]}
    found = between(look(), after)
    assert found.top == (Other("cc1plus", 99, 1.5),)
    assert 0.9 < found.others_s < 1.0  # a second, less what a count in ticks may be wrong
    assert found.beside_s == 1.5
    assert (round(found.waited_s, 6), found.switched) == (1.0, 86)
    assert found.near == found.top
    assert "cc1plus[99] 1.5 s" in disturbances(found)[0]
    after["processes"]["99"][5] = 1  # where it was last, as far as anybody sees
    assert between(look(), after).near == ()


def test_a_process_that_begins_meanwhile_counts_whole_and_one_of_the_same_number_anew():
    before, after = look(), look(2.0)
    after["processes"]["100"] = [5, "1", "ld", 0.5, 0, 0]
    after["processes"]["99"] = [8, "1", "as", 0.25, 0, 0]
    assert between(before, after).top == (Other("ld", 100, 0.5), Other("as", 99, 0.25))


def test_a_tick_that_a_hypervisor_took_may_be_none_at_all():
    """In a third of a second it would be three per cent."""
    took = {ticks: look(0.3, cores={"0": [100.3, 1.0 + ticks / 100], "1": [50.0, 1.0]}) for ticks in (1, 2, 9)}
    assert [disturbances(between(look(), after)) for ticks, after in took.items() if ticks == 1] == [()]
    assert between(look(), took[2]).stolen_s == pytest.approx(0.01)
    assert "the hypervisor took 27% of its cores' time" in disturbances(between(look(), took[9]))


def test_what_looks_is_nobody_else():
    after = look(2.0, cores={"0": [102.0, 1.0], "1": [52.0, 1.0]})
    after["processes"]["7"] = [1, "1", "pytest", 5.0, 0, 0]
    found = between(look(), after)
    assert (found.top, found.beside_s) == ((), 0.0)


@pytest.mark.parametrize("threads", [2, 4, 8])
def test_threads_that_share_a_core_fairly_wait_for_each_other_and_for_who_else_is_there(threads):
    """Each gets an equal part of the second; one other takes as much as each of them."""
    for others in (0, 1):
        part = 1 / (threads + others)
        after = look(1.0)
        after["worker"] = {"pids": ["11", "12"], "threads": {}, "cores": [0]}
        before = {**look(), "worker": after["worker"]}
        after["worker"] = {**after["worker"], "threads": {str(n): [part, 1 - part, 0] for n in range(threads)}}
        assert lost(between(before, after)) == pytest.approx(part if others else 0.0)


def test_a_hypervisor_that_tells_nothing_and_a_machine_without_a_worker_are_untold():
    bare = {"cores": {"0": [1.0, None], "1": [1.0, None]}, "worker": {"pids": [], "threads": {}, "cores": []}}
    found = between(look(**bare), look(2.0, **bare))
    assert (found.stolen_s, found.waited_s, found.worker_s, found.others_s) == (None, None, None, None)
    assert "time that the hypervisor took" in unknown(found)


# -- the error of a count in ticks --------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seconds", [0.1, 1.0, 10.0])
def test_ticks_alone_hardly_ever_make_another_process(share, seconds):
    """10,000 runs of a worker that has so much of a core, alone: the kernel's samples call hardly any disturbed.

    The rule allows three standard errors and two ticks: fewer than 0.5 % are wrong.
    """
    draw, tick = np.random.default_rng(0), 0.01
    ticks = draw.binomial(round(seconds / tick), share, size=10_000) + draw.integers(-1, 2, size=10_000)
    busy = np.clip(ticks, 0, None) * tick
    wrong = [seen - share * seconds > allowance(seen, seconds, tick) for seen in busy]
    assert np.mean(wrong) < 0.005


def test_one_that_takes_a_tenth_of_the_core_of_a_busy_worker_is_seen():
    draw, tick, seconds = np.random.default_rng(0), 0.01, 1.0
    busy = np.full(10_000, seconds)  # worker and other together leave nothing
    worker = draw.normal(0.9, 0.002, size=10_000)
    others = np.array([whole - own - allowance(whole, seconds, tick) for whole, own in zip(busy, worker, strict=True)])
    assert np.mean(others / seconds > TAKEN) >= 0.99


# -- what the figure is worth -------------------------------------------------------------------------


def claim(metric="latency", direction="lower"):
    source = Source("Notes", "10", "line 1", "2026-11-24")
    return Claim("c", "m", metric, 10.0, "ms", direction, Tolerance("relative", 0.1), source)


def measured(value):
    return Measurement(value, "ms", 100, Interval(value, value, 0.95, "runs"), runs=(value,) * 5, kind="timed")


WHY = {2: ("others took 80% of the machine",), 4: ("its clock was low", "and more")}
CONFIRMED, REFUTED, UNDECIDED = (Verdict(word, "so it is") for word in ("confirmed", "refuted", "inconclusive"))


@pytest.mark.parametrize(
    ("about", "verdict", "value", "word"),
    [
        # At most 11 ms: undisturbed it is quicker still.
        (("latency", "lower"), CONFIRMED, 9.0, "confirmed"),
        (("latency", "lower"), REFUTED, 12.0, "inconclusive"),
        # 9 to 11 ms: undisturbed it could be below.
        (("latency", "equal"), CONFIRMED, 10.0, "inconclusive"),
        (("latency", "equal"), REFUTED, 12.0, "inconclusive"),
        (("latency", "equal"), REFUTED, 8.0, "refuted"),
        # At least 9 a second: undisturbed they are more.
        (("throughput", "higher"), CONFIRMED, 9.5, "confirmed"),
        (("throughput", "higher"), REFUTED, 8.0, "inconclusive"),
        (("throughput", "equal"), REFUTED, 12.0, "refuted"),
        (("throughput", "equal"), CONFIRMED, 10.0, "inconclusive"),
        (("latency", "lower"), UNDECIDED, 10.9, "inconclusive"),
        # Memory does not become more or less by waiting.
        (("peak_memory", "lower"), REFUTED, 12.0, "refuted"),
    ],
)
def test_a_verdict_holds_where_it_holds_of_every_better_figure(about, verdict, value, word):
    found = weighed(claim(*about), verdict, measured(value), WHY)
    assert found.word == word
    if about[0] != "peak_memory" and verdict is not UNDECIDED:
        assert "2 of 5 process runs were disturbed (others took 80% of the machine)" in found.reason


def test_without_disturbed_runs_nothing_changes():
    assert weighed(claim(), REFUTED, measured(12.0), {}) is REFUTED


@pytest.mark.parametrize("status", ["worse", "better", "same", "none"])
def test_a_disturbed_run_is_never_worse_than_a_baseline(status):
    before = BaselineComparison(status, "as it was", 10.0, 0.5)
    found = weighed_baseline(claim(), before, 5, WHY)
    assert found.status == ("other" if status == "worse" else status)
    assert weighed_baseline(claim(), before, 5, {}) is before
    assert weighed_baseline(claim("peak_memory"), before, 5, WHY) is before


def test_disturbed_runs_are_counted_among_those_of_the_figure():
    uses = ["used", "repeated", "marked", "ignored", "marked"]
    runs = [{"use": use, "why": [str(number)]} for number, use in enumerate(uses)]
    assert marked({"runs": runs}) == {2: ["2"], 4: ["4"]}
    assert marked({}) == {}
    assert told({3: ["it is late"]}, 5) == "1 of 5 process runs was disturbed (it is late)"
