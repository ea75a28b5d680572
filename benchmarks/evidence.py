"""How many items a verdict takes: this project's sequential rule beside the alternatives, on sets whose truth is known.

    python benchmarks/evidence.py [PATHS]

For a model of 76 % on 50,000 items and an error of 1 %, it prints the mean number of items, what nine in ten runs stay
within, and how many runs are undecided at the end, of: the sequential rule; the same with the predictions of an earlier
run at hand (2 % of the items decided otherwise); Wald's test for the very alternative, which one would have to know,
stopped at the last item; the sample that a fixed plan needs to be as sure (both errors 1 %); the full run; and the
limit that no rule passes on average, log(1/error) / KL, made smaller for a finite set. Then what a true claim with a
tolerance takes at 5 %. Last, the error rates where the truth lies on the edge: of claims that are just true how many
are refuted, of those that miss by one item how many are confirmed; and of a rule that is not valid, a 95 % interval
that is looked at after every ten items. It takes some minutes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import product

import numpy as np
from scipy.stats import binom, hypergeom, norm

from pytest_mlmodelscope.verdict import chance
from pytest_mlmodelscope.verdict.paired import Paired
from pytest_mlmodelscope.verdict.plan import play
from pytest_mlmodelscope.verdict.sequential import Question

ITEMS, SHARE, ERROR = 50_000, 0.76, 0.01
OFTEN = sorted({*range(1, 65), *range(64, 1_000, 4), *range(1_000, ITEMS, 50), ITEMS})


def asked(low: float, high: float = math.inf, population: int | None = ITEMS, error: float = ERROR) -> Question:
    return Question(low - 1e-12, high + 1e-12, population, population or ITEMS, SHARE, error)


def told(name: str, stops: np.ndarray, undecided: float = 0.0) -> None:
    ninety = np.percentile(stops, 90)
    print(f"  {name:<44} {stops.mean():9,.0f} {ninety:9,.0f}   {undecided:6.1%}")


def kl(p: float, q: float) -> float:
    return sum(a * math.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)) if a)


def limit(p: float, error: float) -> float:
    """Items that the limit amounts to in a set that is drawn from without replacement."""
    unlimited = math.log(1 / error) / kl(p, SHARE)
    return unlimited / (1 + unlimited / ITEMS)


def fixed(p: float) -> float:
    """Items of a fixed sample that tells p from the claim with both errors at 1 %, of a finite set."""
    z = norm.ppf(1 - ERROR)
    unlimited = (z * (math.sqrt(p * (1 - p)) + math.sqrt(SHARE * (1 - SHARE))) / (SHARE - p)) ** 2
    return unlimited / (1 + unlimited / ITEMS)


def wald(p: float, paths: int) -> tuple[np.ndarray, float]:
    """Wald's test of the claim against exactly p, with both errors at 1 %: stops, and the share without a verdict."""
    draw, gain, loss = np.random.default_rng(4), math.log(p / SHARE), math.log((1 - p) / (1 - SHARE))
    bound, stops = math.log((1 - ERROR) / ERROR), np.full(paths, ITEMS)
    log, is_open, n = np.zeros(paths), np.ones(paths, bool), 0
    left = np.full(paths, round(p * ITEMS))
    for look in OFTEN:
        hits = draw.hypergeometric(left, ITEMS - n - left, look - n)
        log, left, n = log + hits * gain + (look - n - hits) * loss, left - hits, look
        done = is_open & (np.abs(log) >= bound)
        stops[done], is_open = n, is_open & ~done
    return stops, float(is_open.mean())


def paired(lost: int, won: int, paths: int, question: Question, most: int) -> tuple[np.ndarray, float]:
    """With an earlier run at hand in which so many items were decided otherwise; looked at after every 50."""
    draw, total = np.random.default_rng(5), round(SHARE * ITEMS)
    before = np.arange(ITEMS) < total
    now = before.copy()
    now[:lost], now[total : total + won] = False, True
    order = np.stack([draw.choice(ITEMS, most, replace=False) for _ in range(paths)])
    evidence, stops, is_open = Paired(question, total, (paths,)), np.full(paths, ITEMS), np.ones(paths, bool)
    for start in range(0, most, 50):
        part = order[:, start : start + 50]
        evidence.add(now[part], before[part])
        yes, no = question.settled(evidence.log_for, evidence.log_against)
        done = is_open & (yes | no)
        stops[done], is_open = start + part.shape[1], is_open & ~done
    return stops, float(is_open.mean())


MISSED = {"1 point": 0.01, "2 points": 0.02, "5 points": 0.05, "broken: 10 %": 0.66, "broken: 0.1 %": 0.759}


def false_claims(paths: int) -> None:
    for name, missed in MISSED.items():
        p = SHARE - missed
        print(f"\na claim of 76 %, off by {name}")
        stops, _, refuted = play(asked(SHARE), p, OFTEN, paths, 1)
        told("sequential", stops, 1 - refuted.mean())
        if missed <= 0.02:
            flips = round((0.02 - missed) * ITEMS / 2)
            found = paired(round(missed * ITEMS) + flips, flips, min(paths, 200), asked(SHARE), 12_000)
            told("sequential, with an earlier run (2 % flips)", *found)
        told("Wald's test, the truth being known", *wald(p, paths))
        if missed <= 0.05:
            print(f"  {'a fixed sample, as sure':<44} {fixed(p):9,.0f}")
        print(f"  {'limit: log(1/error) / KL':<44} {limit(p, ERROR):9,.0f}")
    print(f"  {'full run':<44} {ITEMS:9,}")


def true_claims(paths: int) -> None:
    for name, high in (("at least 75 %", math.inf), ("75 to 77 %", 0.77)):
        print(f"\na true claim of 76 % with a tolerance of 1 point ({name}), at an error of 5 %")
        question = asked(0.75, high, error=0.05)
        stops, confirmed, _ = play(question, SHARE, OFTEN, paths, 2)
        told("sequential", stops, 1 - confirmed.mean())
        told("sequential, with an earlier run (2 % flips)", *paired(500, 500, min(paths, 200), question, 12_000))


def edges() -> Iterator[tuple[str, float, float, int | None]]:
    """Name, the claim's low and high edge, and the population."""
    for population, share, tolerance in product((200, 2_000, 50_000, None), (0.001, 0.5, 0.76, 0.999), (0.0, 0.01)):
        low = share - tolerance
        if population:
            low = math.ceil(low * population - 1e-9) / population
        of = f"{tolerance:.0%}, of {population or 'unlimited'}"
        if low > 0:
            yield f"{share:.1%} - {of}", low, math.inf, population
            if low + 2 * max(tolerance, 1 / (population or 2_000)) < 1:
                yield f"{share:.1%} +- {of}", low, low + 2 * tolerance, population


def error_rates(paths: int, error: float = 0.05) -> None:
    print(f"\nerror rates at {error:.0%}, {paths:,} claims each: just true and refuted, just false and confirmed")
    print(f"  {'claim':<34} {'sequential':>15} {'fixed sample: refuted':>24}")
    for name, low, high, population in edges():
        most, step = population or 2_000, 1 / population if population else 1e-9
        question = Question(low - 1e-12, high + 1e-12, population, most, low, error)
        often = sorted({*range(1, min(65, most)), *np.geomspace(min(64, most), most, 100).astype(int).tolist()})
        refuted = play(question, low, often, paths, 3)[2].mean()
        confirmed = play(question, max(low - step, 0.0), often, paths, 3)[1].mean()
        fixed_sample = sample_error(low, high, population, max(20, most // 10))
        print(f"  {name:<34} {refuted:7.2%} {confirmed:7.2%} {fixed_sample:24.2%}", flush=True)


def sample_error(low: float, high: float, population: int | None, n: int) -> float:
    """How often a fixed sample refutes the claim at its edge: exactly, not by simulation."""
    hits = np.arange(n + 1)
    law = binom.pmf(hits, n, low) if population is None else hypergeom.pmf(hits, population, round(low * population), n)
    admitted = (low - 1e-12, high + 1e-12)
    refuted = [chance.of_share(int(hit), n, *admitted, population) <= 0.05 for hit in hits]
    return float(law[np.array(refuted)].sum())


def peeking(paths: int) -> float:
    draw, wrong = np.random.default_rng(6), 0
    n = np.arange(30, 5_001, 10)
    for _ in range(paths):
        hits = np.cumsum(draw.random(5_000) < SHARE)[n - 1]
        wrong += bool((np.abs(hits / n - SHARE) > 1.96 * np.sqrt(SHARE * (1 - SHARE) / n)).any())
    return wrong / paths


def main() -> None:
    paths = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print(f"{'':<46} {'mean':>9} {'90 %':>9}   undecided")
    false_claims(paths)
    true_claims(paths)
    error_rates(5 * paths)
    print(
        f"\nnot valid: a 95 % interval looked at after every 10 of 5,000 items is wrong in {peeking(paths):.0%} of runs"
    )


if __name__ == "__main__":
    main()
