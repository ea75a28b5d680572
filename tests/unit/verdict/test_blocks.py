"""From turns to blocks, and intervals over these."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from pytest_mlmodelscope.core.claim import Claim, Source, Tolerance
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.interfaces.metric import TimedEvidence
from pytest_mlmodelscope.verdict.blocks import log_ratio, merged, over_blocks, percentile_ratios

LATENCY = Claim(
    id="c", model="m", metric="latency", value=10.0, unit="ms", direction="lower",
    tolerance=Tolerance("absolute", 0.0), source=Source("t", "10 ms", "w", "2026-11-24"),
)  # fmt: skip
THROUGHPUT = dataclasses.replace(LATENCY, metric="throughput", unit="1/s", direction="higher")


def turn(*latencies_ms, percentile=50.0):
    latencies = np.array(latencies_ms, dtype=float) / 1e3
    return TimedEvidence(latencies, float(latencies.sum()), len(latencies), percentile, 7)


def turns(draw, rounds, queries, scale=1.0, percentile=50.0, busy=None):
    busy = np.ones(rounds) if busy is None else busy
    return [turn(*(scale * one * np.exp(draw.normal(0, 0.05, queries))), percentile=percentile) for one in busy]


def test_turns_of_a_process_are_one_load():
    found = merged([turn(1, 2), turn(3)])
    assert found.latencies_s.tolist() == [0.001, 0.002, 0.003]
    assert (found.wall_s, found.samples, found.peak_bytes) == (pytest.approx(0.006), 3, 7)


def test_a_block_is_the_logarithm_of_how_much_longer_the_second_takes():
    draw = np.random.default_rng(1)
    one, other = turns(draw, 40, 25), turns(draw, 40, 25, 1.2)
    assert log_ratio(LATENCY, one, other) == pytest.approx(math.log(1.2), abs=0.01)
    assert log_ratio(LATENCY, other, one) == pytest.approx(-math.log(1.2), abs=0.01)


def test_of_a_throughput_the_one_with_fewer_takes_longer():
    draw = np.random.default_rng(2)
    one, other = turns(draw, 40, 25), turns(draw, 40, 25, 1.2)
    assert log_ratio(THROUGHPUT, one, other) == pytest.approx(math.log(1.2), abs=0.01)


def test_a_machine_that_is_busy_for_some_rounds_hides_nothing():
    draw = np.random.default_rng(3)
    busy = np.where(draw.random(100) < 0.5, 1.0, 1.8)
    one, other = turns(draw, 100, 25, busy=busy), turns(draw, 100, 25, 1.05, busy=busy)
    assert log_ratio(LATENCY, one, other) == pytest.approx(math.log(1.05), abs=0.01)


def test_rounds_are_put_together_until_a_percentile_has_queries_beyond_it():
    draw = np.random.default_rng(4)
    one, other = (turns(draw, 100, 20, percentile=99.0) for _ in range(2))
    # Of 20 queries the last one is the 99th percentile, of 1,000 the tenth last: two numbers, not a hundred.
    logs = [
        math.log(np.percentile(b, 99, method="inverted_cdf") / np.percentile(a, 99, method="inverted_cdf"))
        for a, b in ((merged(one[at : at + 50]).latencies_s, merged(other[at : at + 50]).latencies_s) for at in (0, 50))
    ]
    assert log_ratio(LATENCY, one, other) == pytest.approx(np.mean(logs))


def test_a_figure_that_is_not_positive_is_an_error():
    with pytest.raises(MlmsError, match="not positive"):
        log_ratio(LATENCY, [turn(0.0, 0.0)], [turn(1.0, 1.0)])


def test_percentiles_are_told_where_there_are_queries_enough():
    draw = np.random.default_rng(5)
    blocks = [(merged(turns(draw, 10, 25)), merged(turns(draw, 10, 25, 1.5))) for _ in range(5)]
    found = percentile_ratios(blocks)
    assert list(found) == ["50", "90"]
    assert found["50"]["low"] < 1.5 < found["50"]["high"]
    assert found["50"]["ratio"] == pytest.approx(1.5, rel=0.02)


# -- the bootstrap over blocks ----------------------------------------------------------------------


def test_one_block_has_no_interval():
    found = over_blocks([0.1])
    assert (found.low, found.high) == (0.0, math.inf)


@pytest.mark.parametrize("blocks", [5, 8, 20])
@pytest.mark.parametrize("kind", ["normal", "heavy"])
def test_the_bootstrap_keeps_its_confidence_though_blocks_are_few(blocks, kind):
    """A plain percentile interval over five blocks holds the truth in 83 % of all cases, not in 95 %."""
    draw = np.random.default_rng(6)
    shape = (400, blocks)
    rows = draw.normal(0, 0.02, shape) if kind == "normal" else 0.01 * draw.standard_t(3, shape)
    found = [over_blocks(row, draws=1000) for row in rows]
    covered = np.mean([one.low <= 1 <= one.high for one in found])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(rows)) - 0.01


def test_the_interval_holds_the_mean_and_says_how_it_was_found():
    found = over_blocks([0.01, 0.02, 0.03, 0.02, 0.02])
    assert found.low < math.exp(0.02) < found.high
    assert found.method == "bootstrap over 5 blocks"


def test_few_blocks_of_which_one_lies_far_off_bound_nothing():
    # As they were once measured, on a machine that was busy during the third.
    found = over_blocks([0.6988234870229283, 0.6832378379152245, 1.700376034284124, 0.6830217333595011])
    assert (found.low, found.high) == (0.0, math.inf)
