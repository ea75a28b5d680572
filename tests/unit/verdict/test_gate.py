"""Slower, faster, equivalent or inconclusive: how often each is said of machines whose noise is known.

What is promised: *slower* or *faster* without any difference in at most 0.5 % of comparisons, *equivalent* at a
difference as large as the margin in at most 2.5 %. And what is wanted: a slowdown of 5 % seen in 95 %.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_mlmodelscope.verdict.gate import (
    FALSE_ALARMS,
    FALSE_EQUIVALENCE,
    LOOKS,
    MARGIN,
    WORDS,
    between,
    decide,
    sequence,
)

TRIALS = 10_000
SLOWER = math.log(1.05)


def noise_of(rate):
    """What a rate that is found in so many trials may lie off by: three standard errors."""
    return 3 * math.sqrt(rate * (1 - rate) / TRIALS)


def rates(rows, margin=MARGIN):
    """The share of each word, and the mean number of blocks."""
    words, used = sequence(rows, margin)
    return {word: float((words == at).mean()) for at, word in enumerate(WORDS)} | {"blocks": float(used.mean())}


# -- machines: the logarithm of a block's ratio, when both sides are the same ------------------------


def two_runs(figures):
    """Blocks of two process runs each, from the logarithms of the runs' figures."""
    runs = figures.reshape(TRIALS, LOOKS[-1], 2)
    return runs[..., 1] - runs[..., 0]


def log_normal(draw, spread=0.01):
    return two_runs(draw.normal(0, spread / math.sqrt(2), (TRIALS, 2 * LOOKS[-1])))


def bimodal(draw):
    """Medians of 101 queries that take 1 ms or 5 ms, nine of ten the former; one run in 400 falls on a busy machine."""
    slow = draw.binomial(101, 0.1, (TRIALS, 2 * LOOKS[-1])) / 101
    busy = draw.random(slow.shape) < 0.0025
    return two_runs(0.05 * slow + busy * 0.3 + draw.normal(0, 0.005, slow.shape))


def drifting(draw):
    """The machine gets slower all the time, by 1 % a run; the order is A B B A."""
    drift = 0.01 * np.arange(2 * LOOKS[-1]) + draw.normal(0, 0.005, (TRIALS, 2 * LOOKS[-1]))
    blocks = two_runs(drift)
    blocks[:, 1::2] *= -1
    return blocks


def autocorrelated(draw):
    """What disturbs a run lasts for several (correlation 0.8 from one to the next); the order is A B B A."""
    steps = draw.normal(0, 1, (TRIALS, 2 * LOOKS[-1]))
    for at in range(1, steps.shape[1]):
        steps[:, at] = 0.8 * steps[:, at - 1] + 0.6 * steps[:, at]
    blocks = two_runs(0.02 * steps)
    blocks[:, 1::2] *= -1
    return blocks


def offsets(draw):
    """Every process has an offset of its own: 3 % between runs of the same thing."""
    return log_normal(draw, 0.03 * math.sqrt(2))


def heavy(draw):
    return draw.standard_t(2, (TRIALS, LOOKS[-1])) * 0.005


def changing(draw):
    """Some blocks are ten times as noisy as others."""
    loud = np.where(draw.random((TRIALS, LOOKS[-1])) < 0.2, 0.1, 0.01)
    return draw.normal(0, 1, loud.shape) * loud


MACHINES = [log_normal, bimodal, drifting, autocorrelated, offsets, heavy, changing]


@pytest.fixture(params=MACHINES, ids=lambda machine: machine.__name__)
def blocks(request):
    return request.param(np.random.default_rng(11))


def test_the_same_thing_is_rarely_called_slower_or_faster(blocks):
    found = rates(blocks)
    for word in ("slower", "faster"):
        assert found[word] <= FALSE_ALARMS + noise_of(FALSE_ALARMS)
    assert found["slower"] + found["faster"] <= 2 * FALSE_ALARMS + noise_of(2 * FALSE_ALARMS)


def test_a_difference_as_large_as_the_margin_is_rarely_called_equivalent(blocks):
    allowed = FALSE_EQUIVALENCE + noise_of(FALSE_EQUIVALENCE)
    assert rates(blocks + math.log1p(MARGIN))["equivalent"] <= allowed
    assert rates(blocks - math.log1p(MARGIN))["equivalent"] <= allowed


@pytest.mark.parametrize("spread", [0.001, 0.01, 0.02, 0.03, 0.1, 1.0])
def test_the_promises_hold_for_every_spread_and_at_every_margin(spread):
    rows = log_normal(np.random.default_rng(3), spread)
    # So narrow a margin that equivalence never comes to the help of a false alarm.
    narrow = rates(rows, 1e-9)
    assert narrow["slower"] <= FALSE_ALARMS + noise_of(FALSE_ALARMS)
    assert narrow["faster"] <= FALSE_ALARMS + noise_of(FALSE_ALARMS)
    for margin in (0.01, 0.2):
        found = rates(rows + math.log1p(margin), margin)
        assert found["equivalent"] <= FALSE_EQUIVALENCE + noise_of(FALSE_EQUIVALENCE)


def test_all_looks_together_take_what_is_promised_and_not_much_less():
    """A rule that never alarms would keep its promise, too."""
    assert rates(log_normal(np.random.default_rng(4)), 1e-9)["slower"] >= 0.6 * FALSE_ALARMS


@pytest.mark.parametrize("machine", [log_normal, bimodal, drifting], ids=lambda machine: machine.__name__)
def test_a_slowdown_of_five_per_cent_is_seen(machine):
    assert rates(machine(np.random.default_rng(5)) + SLOWER)["slower"] >= 0.95


@pytest.mark.parametrize(("spread", "blocks"), [(0.01, 5.5), (0.02, 8.0), (0.03, 11.0)])
def test_few_blocks_decide(spread, blocks):
    rows = log_normal(np.random.default_rng(6), spread)
    same, slower = rates(rows), rates(rows + SLOWER)
    assert slower["slower"] >= 0.95
    assert same["equivalent"] >= 0.97
    assert same["blocks"] <= slower["blocks"] <= blocks


def test_a_machine_that_is_too_noisy_is_told_and_not_decided():
    assert rates(log_normal(np.random.default_rng(7), 0.5) + SLOWER)["inconclusive"] >= 0.97


def test_the_interval_holds_the_truth_after_whichever_look():
    rows = log_normal(np.random.default_rng(8), 0.03)[:2_000] + SLOWER
    found = [decide(row) for row in rows]
    missed = np.mean([not one.low <= 1.05 <= one.high for one in found])
    assert missed <= 0.005 + 3 * math.sqrt(0.005 / 2_000)


# -- single decisions -------------------------------------------------------------------------------


def test_fewer_blocks_than_the_first_look_decide_nothing():
    found = decide([1.0, 1.0, 1.0])
    assert (found.word, found.runs) == ("inconclusive", 3)
    assert decide([]).word == decide([1.0]).word == "inconclusive"


def test_the_first_look_that_decides_counts_whatever_came_after_it():
    early = [0.001, -0.001, 0.002, -0.002]
    found = decide([*early, 0.5, 0.5, 0.5, 0.5])
    assert (found.word, found.runs) == ("equivalent", 4)


def test_swapping_the_sides_swaps_the_words():
    logs = [0.06, 0.07, 0.065, 0.055]
    slower, faster = decide(logs), decide([-log for log in logs])
    assert (slower.word, faster.word) == ("slower", "faster")
    assert faster.ratio == pytest.approx(1 / slower.ratio)
    assert (faster.low, faster.high) == pytest.approx((1 / slower.high, 1 / slower.low))


def test_equal_blocks_are_decided_without_a_spread():
    assert decide([0.0] * 4).word == "equivalent"
    assert decide([0.1] * 4).word == "slower"


def test_a_change_that_is_real_and_within_the_margin_is_equivalent():
    found = decide([0.0200, 0.0201, 0.0199, 0.0200])
    assert found.word == "equivalent"
    assert found.low > 1
    assert decide([0.0200, 0.0201, 0.0199, 0.0200], margin=0.01).word == "slower"


def test_what_is_inconclusive_says_how_many_more_would_decide():
    draw = np.random.default_rng(9)
    logs = list(draw.normal(0.025, 0.06, 28))
    found = decide(logs)
    assert found.word == "inconclusive"
    assert found.more is not None
    assert f"about {found.more:,} more process runs a side would decide" in found.text


def test_as_many_more_as_were_asked_for_decide_where_things_go_on_as_they_did():
    found = decide([0.045, 0.005, 0.045, 0.005, 0.045, 0.005])
    assert found.word == "inconclusive"
    more = [0.045, 0.005] * 40
    needed = next(n for n in LOOKS if n >= found.runs + found.more)
    assert decide(more[:needed]).word != "inconclusive"


@pytest.mark.parametrize(
    ("logs", "text"),
    [
        ([0.0] * 4, "equivalent within 5 %: +0 % (99.5 % interval +0 % to +0 %, 4 process runs a side)"),
        ([math.log(1.1)] * 4, "slower: +10 % (99.5 % interval +10 % to +10 %, 4 process runs a side)"),
    ],
)
def test_a_decision_in_words(logs, text):
    assert decide(logs).text == text


# -- sides that were not interleaved ----------------------------------------------------------------


def unpaired(spread, factor, trials=1_000, runs=5, seed=12):
    draw = np.random.default_rng(seed)
    then, now = np.exp(draw.normal(0, spread, (2, trials, runs)))
    found = [between(a * factor, b, MARGIN).word for a, b in zip(now, then, strict=True)]
    return {word: found.count(word) / trials for word in WORDS}


@pytest.mark.parametrize("spread", [0.01, 0.05, 0.2])
def test_two_days_at_the_edge_of_the_margin_rarely_alarm(spread):
    allowed = FALSE_ALARMS + 3 * math.sqrt(FALSE_ALARMS / 1_000)
    slower, faster = unpaired(spread, 1 + MARGIN), unpaired(spread, 1 / (1 + MARGIN))
    assert slower["slower"] <= allowed
    assert faster["faster"] <= allowed
    assert slower["equivalent"] <= FALSE_EQUIVALENCE + 3 * math.sqrt(FALSE_EQUIVALENCE / 1_000)


def test_two_days_without_a_difference_never_alarm_on_a_steady_machine():
    found = unpaired(0.01, 1.0)
    assert found["slower"] == found["faster"] == 0
    assert found["equivalent"] >= 0.95


def test_a_large_change_between_two_days_is_seen():
    assert unpaired(0.01, 1.15)["slower"] >= 0.95


def test_between_two_days_more_runs_are_asked_for_and_enough():
    draw = np.random.default_rng(13)
    then, now = np.exp(draw.normal(0, 0.05, (2, 5)))
    found = between(now * 1.02, then, MARGIN)
    assert found.word == "inconclusive"
    assert found.more is not None
    assert 1 <= found.more < 1000


@pytest.mark.parametrize(("now", "then"), [((), (1.0, 2.0)), ((1.0,), (1.0, 2.0)), ((1.0, 2.0), (1.0,))])
def test_one_run_on_either_side_decides_nothing(now, then):
    assert between(now, then, MARGIN).word == "inconclusive"
