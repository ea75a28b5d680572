"""How often ``mlms judge`` is wrong, and what it finds, on tables that are drawn at random.

Clean tables: models that are right on so many items, and stacks that turn over some of these for
numerical reasons. Wrong ones: the same, and one thing planted. Prints for each kind the share of tables
with any finding that is not of what was planted, and the share in which that was found.

    python benchmarks/judged_tables.py [TABLES]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pytest_mlmodelscope.table.cells import Judged
from pytest_mlmodelscope.table.judge import judge
from pytest_mlmodelscope.table.read import read_table

#: model, framework, machine -> items right in top-1 and in top-5
Hits = dict[tuple[str, str, str], tuple[int, int]]
MODELS, FRAMEWORKS, MACHINES = 14, 6, 2


def drawn(draw: np.random.Generator, n: int, flips: float, noisy: float = 0.0) -> Hits:
    """A clean table; ``noisy`` is what the last framework turns over instead of ``flips``."""
    found: Hits = {}
    for model in range(MODELS):
        right = draw.uniform(0.5, 0.85)
        near = (1 - right) * draw.uniform(0.5, 0.75)
        only1, only5, _ = draw.multinomial(n, [right, near, 1 - right - near])
        for framework in range(FRAMEWORKS):
            share = noisy if noisy and framework == FRAMEWORKS - 1 else flips
            moved = [_moved(draw, n, share), _moved(draw, n, share / 2)]
            for machine in range(MACHINES):
                top1 = int(np.clip(only1 + moved[0] + _moved(draw, n, share / 10), 0, n))
                top5 = int(np.clip(only1 + only5 + moved[1] + _moved(draw, n, share / 10), top1, n))
                found[f"m{model}", f"f{framework}", f"a{machine}"] = top1, top5
    return found


def _moved(draw: np.random.Generator, n: int, share: float) -> int:
    there, back = draw.binomial(n, share / 2, 2)
    return int(there - back)


def judged(hits: Hits, n: int, folder: Path) -> Judged:
    """The verdict on such a table, written as people do: fractions of five decimals, and no word of n."""
    lines = [f"{','.join(key)},{top1 / n:.5f},{top5 / n:.5f}" for key, (top1, top5) in hits.items()]
    path = folder / "table.csv"
    path.write_text("\n".join(["model,framework,machine,top1,top5", *lines]) + "\n", encoding="utf-8")
    return judge(read_table(path))


def off(points: float, **where: str) -> Callable[[Hits, int], set[tuple[str, str, str]]]:
    """Plants so many percentage points in all cells of a model, framework or machine; gives the cells."""

    def plant(hits: Hits, n: int) -> set[tuple[str, str, str]]:
        chosen = {
            key for key in hits if all(where.get(name, part) == part for name, part in zip(_KEY, key, strict=True))
        }
        for key in chosen:
            top1, top5 = (min(n, max(0, value + round(n * points / 100))) for value in hits[key])
            hits[key] = top1, max(top1, top5)
        return chosen

    return plant


_KEY = ("model", "framework", "machine")


def wrong_model(hits: Hits, n: int) -> set[tuple[str, str, str]]:
    """On one stack a model that is 0.44 points better was loaded; all others of it are as they should be."""
    for framework in range(FRAMEWORKS):
        for machine in range(MACHINES):
            stack = (f"f{framework}", f"a{machine}")
            top1, top5 = hits["m1", *stack]
            hits["m2", *stack] = top1 - round(0.0044 * n), top5 - round(0.0022 * n)
    hits["m2", "f3", "a0"] = hits["m1", "f3", "a0"]
    return {("m2", "f3", "a0")}


def broken_everywhere(hits: Hits, n: int) -> set[tuple[str, str, str]]:
    """One model is at 2.3 % wherever it runs."""
    chosen = {key for key in hits if key[0] == "m4"}
    for key in chosen:
        hits[key] = round(0.023 * n), round(0.035 * n)
    return chosen


CLEAN = [
    (50_000, 0.0, 0.0), (50_000, 0.001, 0.0), (50_000, 0.01, 0.0), (50_000, 0.0002, 0.01), (10_000, 0.005, 0.0),
    (1_000, 0.005, 0.0), (500, 0.01, 0.0), (100, 0.01, 0.0),
]  # fmt: skip
PLANTED = {
    "one stack 0.33 points off, n 50,000": (50_000, off(0.33, model="m3", framework="f2")),
    "one stack 0.6 points off, n 10,000": (10_000, off(-0.6, model="m3", framework="f2")),
    "one stack 3 points off, n 1,000": (1_000, off(-3, model="m3", framework="f2")),
    "one stack 50 points off, n 500": (500, off(-50, model="m3", framework="f2")),
    "a framework 1 point off in all models": (50_000, off(-1, framework="f2")),
    "a framework 0.15 points off in all models": (50_000, off(-0.15, framework="f2")),
    "the wrong model on one stack, 0.44 points off": (50_000, wrong_model),
    "one model at 2.3 % on every stack": (50_000, broken_everywhere),
}


def main(tables: int) -> None:
    """Print the shares."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n, flips, noisy in CLEAN:
            found = [judged(drawn(np.random.default_rng(seed), n, flips, noisy), n, folder) for seed in range(tables)]
            alarms = sum(bool(one.findings) for one in found)
            about = f"{flips:.2%} flips" + (f", one framework {noisy:.0%}" if noisy else "")
            print(f"clean, n {n:,}, {about}: {alarms} of {tables} with a finding")
        for about, (n, plant) in PLANTED.items():
            seen = strange = 0
            for seed in range(tables):
                hits = drawn(np.random.default_rng(seed), n, 0.001)
                planted = plant(hits, n)
                table = judged(hits, n, folder)
                suspect = {
                    (cell.model, cell.framework, cell.machine)
                    for cell, verdict in zip(table.table.cells, table.verdicts, strict=True)
                    if verdict == "suspect"
                }
                seen += planted <= suspect
                strange += bool(suspect - planted)
            print(f"{about}: found in {seen} of {tables}, something else in {strange}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
