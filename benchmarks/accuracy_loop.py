"""What verifying a claim over 60,000 items takes, against the bare loop of the same library.

    python benchmarks/accuracy_loop.py [rounds]

Goal: within 10 %. Ours is ``pytest --mlms`` on the claim of ELD's table M; theirs is a script that
loads the same library in the same environment, reads the same file and counts what is right. Both run
the model in one process. Two figures: the 60,000 predictions as each of them clocks its own, which is
what the goal is about, and the whole commands, which adds what any run of pytest costs, once.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from sides import ALONE, alternate, goal, printed

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.load import Catalogue

GOAL = 1.10
ROOT = Path(__file__).resolve().parents[1]
CLAIM = "eld-m-big-test"
OURS = (sys.executable, "-m", "pytest", "--mlms", "claims/eld.yml", "-q", "-k", CLAIM, *ALONE)

BARE = """
import sys, time
from eld import LanguageDetector

detector = LanguageDetector("ngramsM60")
right = items = 0
begun = time.perf_counter()
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        label, text = line.rstrip("\\n").split("\\t")[:2]
        right += detector.detect(text).language == label
        items += 1
print(100 * right / items, items, time.perf_counter() - begun)
"""


def bare() -> tuple[str | Path, ...]:
    """The command of the bare loop, with the environment and the file that the product uses."""
    catalogue = Catalogue([ROOT / "manifests"])
    cache = Cache()
    model, data = catalogue.model("eld-m", "here"), catalogue.dataset("eld-big-test", "here")
    python = Environments(cache.root).obtain(model.frameworks["python"]).python
    return python, "-c", BARE, Fetcher(cache).fetch(data.assets["sentences"])


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    theirs = bare()
    loops(theirs, rounds)
    wall, processor = alternate(OURS, theirs, rounds, ROOT)
    print(
        f"whole commands: ratio {wall.ratio:.3f} by the clock, {processor.ratio:.3f} of the processor "
        f"({wall.difference:+.2f} s)"
    )


def loops(theirs: tuple[str | Path, ...], rounds: int) -> None:
    """Compares the predictions alone, and that both come to the same figure."""
    ours_s, theirs_s = [], []
    for _ in range(rounds):
        case = _record()
        measured, items, seconds = map(float, printed(theirs, ROOT).split())
        if (round(measured, 6), items) != (round(case["measured"], 6), case["n"]):
            sys.exit(f"the bare loop has {measured} % of {items:.0f}, ours {case['measured']} % of {case['n']}")
        ours_s.append(case["steps"]["read_data"] + case["steps"]["predict"])
        theirs_s.append(seconds)
    ratio = statistics.median(ours_s) / statistics.median(theirs_s)
    print(
        f"{case['n']} predictions, {measured:.3f} %: {statistics.median(ours_s):.2f} s against "
        f"{statistics.median(theirs_s):.2f} s, ratio {ratio:.3f}; at most {GOAL:.2f}: {goal(ratio <= GOAL)}"
    )


def _record() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record.json"
        printed((*OURS, "--mlms-json", file), ROOT)
        (case,) = json.loads(file.read_text(encoding="utf-8"))["mlms"]["cases"]
    found: dict[str, Any] = case
    return found


if __name__ == "__main__":
    main()
