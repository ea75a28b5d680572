"""Where the numbers in ``verdict/gate.py`` and ``table/outliers.py`` that come out of simulations are from.

    python benchmarks/constants.py

It prints, beside what the code has, in half a minute:

- the level of a single look of the gate at which all its looks together keep what is promised: quantiles of the least
  p-value of Student's t over the looks, in four million sequences of normal blocks. The code has them rounded down;
- one over the median length of the shortest interval that holds half of so many normal values, and one over that of
  the distance of two: what makes a standard deviation of such a length.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t

from pytest_mlmodelscope.table import outliers
from pytest_mlmodelscope.verdict import gate

SEQUENCES = 4_000_000
AT_ONCE = 200_000
DRAWS = 100_000


def levels(draw: np.random.Generator) -> tuple[float, float]:
    """For false alarms and for false equivalence."""
    least = np.concatenate([_least(draw) for _ in range(SEQUENCES // AT_ONCE)])
    alarm, equivalence = np.quantile(least, [gate.FALSE_ALARMS, gate.FALSE_EQUIVALENCE])
    return float(alarm), float(equivalence)


def _least(draw: np.random.Generator) -> np.ndarray:
    blocks = draw.standard_normal((AT_ONCE, gate.LOOKS[-1]))
    sums, squares = np.cumsum(blocks, axis=1), np.cumsum(blocks**2, axis=1)
    least = np.ones(AT_ONCE)
    for n in gate.LOOKS:
        mean = sums[:, n - 1] / n
        error = np.sqrt(np.maximum(squares[:, n - 1] / n - mean**2, 0) / (n - 1))
        least = np.minimum(least, t.sf(mean / error, n - 1))
    return least


def shortest(draw: np.random.Generator, values: int) -> float:
    """Of the shortest interval with half of them."""
    rows = np.sort(draw.standard_normal((DRAWS, values)), axis=1)
    half = (values + 1) // 2
    return float(1 / np.median((rows[:, half - 1 :] - rows[:, : values - half + 1]).min(axis=1)))


def main() -> None:
    draw = np.random.default_rng(20_170_601)
    alarm, equivalence = levels(draw)
    print(f"gate, alarm: {alarm:.6f} (code {gate._ALARM_LEVEL})")
    print(f"gate, equivalence: {equivalence:.5f} (code {gate._EQUIVALENCE_LEVEL})")
    for values, known in outliers._SHORTEST.items():
        print(f"shortest half of {values}: {shortest(draw, values):.3f} (code {known})")
    print(f"two: {1 / np.median(np.abs(np.diff(draw.standard_normal((DRAWS, 2)), axis=1))):.3f} (code {outliers._TWO})")


if __name__ == "__main__":
    main()
