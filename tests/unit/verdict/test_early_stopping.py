"""MLPerf's rule for percentiles: its table, and its error rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pytest_mlmodelscope.verdict.early_stopping import estimate, least_queries, most_over, passes

#: As MLPerf's rules print it, at a confidence of .99: percentile, then queries by how many are over the bound.
TABLE = {
    90.0: {0: 44, 1: 64, 2: 81, 5: 127, 10: 197},
    99.0: {0: 459, 1: 662, 2: 838, 5: 1307, 10: 2010},
    99.9: {0: 4603, 1: 6636, 2: 8403, 5: 13105, 10: 20140},
}
CELLS = [(percentile, over, n) for percentile, row in TABLE.items() for over, n in row.items()]


@pytest.mark.parametrize(("percentile", "over", "n"), CELLS)
def test_the_table_comes_out(percentile, over, n):
    assert least_queries(over, percentile) == n
    assert passes(n, over, percentile)
    assert not passes(n - 1, over, percentile)


@pytest.mark.parametrize(("percentile", "over", "n"), CELLS)
def test_so_many_may_be_over_and_no_more(percentile, over, n):
    assert most_over(n, percentile) == over
    assert most_over(n - 1, percentile) == (over - 1 if over else None)


@pytest.mark.parametrize("percentile", [50.0, 90.0, 97.0, 99.0])
@pytest.mark.parametrize("n", [1, 63, 64, 661, 662, 1000, 5000])
def test_both_ways_agree(percentile, n):
    over = most_over(n, percentile)
    if over is None:
        assert n < least_queries(0, percentile)
    else:
        assert least_queries(over, percentile) <= n < least_queries(over + 1, percentile)


def test_nothing_shows_nothing():
    assert not passes(0, 0, 90.0)
    assert most_over(0, 90.0) is None
    assert estimate([], 90.0) is None


def test_an_estimate_needs_queries_enough():
    assert estimate(range(63), 90.0) is None
    assert estimate(range(64), 90.0) == 63.0  # one may be over: the largest
    assert estimate(range(81), 90.0) == 79.0  # two may


# -- error rates ------------------------------------------------------------------------------------

TRIALS = 10_000


@pytest.mark.parametrize(("percentile", "n"), [(90.0, 64), (90.0, 500), (99.0, 662), (99.0, 3000)])
def test_a_bound_that_does_not_hold_is_accepted_in_one_run_of_a_hundred_at_most(percentile, n):
    # Right beyond the edge, where the rule is wrong most often: a share of p of all queries keeps to the bound.
    draw = np.random.default_rng(1)
    over = draw.binomial(n, 1 - percentile / 100, TRIALS)
    accepted = np.mean(over <= most_over(n, percentile))
    assert accepted <= 0.01 + 3 * (0.01 * 0.99 / TRIALS) ** 0.5
    # And it is no stricter than it has to be: the next number of queries over the bound would break its word.
    assert stats.binom.cdf(most_over(n, percentile) + 1, n, 1 - percentile / 100) > 0.01


@pytest.mark.parametrize(("percentile", "n"), [(90.0, 200), (99.0, 1000)])
@pytest.mark.parametrize("shape", ["normal", "skewed", "two modes"])
def test_an_estimate_lies_below_the_percentile_in_one_run_of_a_hundred_at_most(percentile, n, shape):
    draw = np.random.default_rng(2)
    uniform = draw.random((TRIALS // 5, n))
    of = {
        "normal": stats.norm(10, 1).ppf,
        "skewed": stats.lognorm(1.0).ppf,
        "two modes": lambda u: np.where(u < 0.95, 1 + u, 50 + u),
    }[shape]
    true = float(of(np.array(percentile / 100)))
    kept = n - most_over(n, percentile)
    estimates = np.sort(of(uniform), axis=1)[:, kept]
    assert estimates[0] == pytest.approx(estimate(of(uniform[0]), percentile))
    assert np.mean(estimates < true) <= 0.01 + 3 * (0.01 * 0.99 / len(estimates)) ** 0.5


def test_a_percentile_that_is_looked_at_too_early_breaks_its_word():
    # Why the rule is there: that the measured percentile keeps to the bound shows little.
    draw = np.random.default_rng(3)
    over = draw.binomial(500, 0.1, TRIALS)
    assert np.mean(over <= 50) > 0.4
