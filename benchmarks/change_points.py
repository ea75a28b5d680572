"""How often a history is found to have changed, where it did not and where it did: our rule and ruptures' PELT.

Run it with ruptures in the environment (1.1.10 was); without it, only our rule is measured. The noise is that of a
timed figure from session to session: normal, heavy-tailed (a tenth of the sessions is far slower), or with neighbours
that are alike (an autoregression of 0.3, which both rules take for granted not to be there). It prints, for histories
of 30 records:

    false alarms    the share of 1,000 histories without a change in which one is seen; ours is meant to be 1 % at most
    seen            the share of 200 histories with a step of so many deviations at record 20 in which one is seen
    placed          the share in which it is the only one, and within one record of where it is

PELT has no rate of false alarms but a penalty: that of Schwarz's criterion is taken, on figures divided by a robust
deviation of their differences, as is usual.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pytest_mlmodelscope.verdict.changes import change_points

LENGTH, AT, QUIET, STEPPED = 30, 20, 1000, 200
Rule = Callable[[np.ndarray], list[int]]


def noise(kind: str, draw: np.random.Generator) -> np.ndarray:
    found = draw.normal(size=LENGTH)
    if kind == "heavy":
        found += (draw.random(LENGTH) < 0.1) * draw.exponential(10, LENGTH)
    if kind == "alike":
        for n in range(1, LENGTH):
            found[n] = 0.3 * found[n - 1] + math.sqrt(1 - 0.09) * found[n]
    return found


def rules() -> dict[str, Rule]:
    found: dict[str, Rule] = {"ours": lambda figures: change_points(list(figures))}
    try:
        import ruptures
    except ImportError:
        print("ruptures is not here: only our rule is measured")
        return found

    def pelt(figures: np.ndarray) -> list[int]:
        steps = np.diff(figures)
        deviation = 1.4826 * np.median(np.abs(steps - np.median(steps))) / math.sqrt(2)
        fit = ruptures.Pelt(model="l2", min_size=2, jump=1).fit((figures / deviation)[:, None])
        return list(fit.predict(pen=2 * math.log(len(figures)))[:-1])

    return {**found, "ruptures": pelt}


def main() -> None:
    print(
        f"{'rule':10}{'noise':10}{'false alarms':>14}" + "".join(f"{f'seen {s}':>10}{'placed':>8}" for s in (2, 3, 5))
    )
    for name, rule in rules().items():
        for kind in ("normal", "heavy", "alike"):
            draw = np.random.default_rng(0)
            false = np.mean([bool(rule(noise(kind, draw))) for _ in range(QUIET)])
            line = f"{name:10}{kind:10}{false:14.1%}"
            for size in (2, 3, 5):
                found = [rule(noise(kind, draw) + size * (np.arange(LENGTH) >= AT)) for _ in range(STEPPED)]
                placed = np.mean([len(edges) == 1 and abs(edges[0] - AT) <= 1 for edges in found])
                line += f"{np.mean([bool(edges) for edges in found]):10.1%}{placed:8.1%}"
            print(line)


if __name__ == "__main__":
    main()
