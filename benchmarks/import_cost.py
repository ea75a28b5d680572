"""What the plugin adds to the start of pytest when it is installed and not used. Goal: at most 10 ms.

    python benchmarks/import_cost.py [rounds]

Two figures: the plugin alone (against ``-p no:mlmodelscope``), and with pytest-benchmark, which it
brings along (against both switched off).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sides import ALONE, Sides, alternate, goal

GOAL = 0.010
PYTEST = (sys.executable, "-m", "pytest", "-q", *ALONE, "test_nothing.py")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        without = (*PYTEST, "-p", "no:mlmodelscope")
        tell("the plugin", alternate(PYTEST, without, rounds, folder))
        tell("the plugin and pytest-benchmark", alternate(PYTEST, (*without, "-p", "no:benchmark"), rounds, folder))


def tell(what: str, both: tuple[Sides, Sides]) -> None:
    print(f"{what}, {len(both[0].ours)} rounds")
    for kind, sides in zip(("by the clock", "of the processor"), both, strict=True):
        low, high = (1000 * bound for bound in sides.interval())
        print(
            f"  {kind}: {1000 * sides.difference:+.1f} ms (95 % {low:+.1f} to {high:+.1f}), "
            f"ratio {sides.ratio:.3f}; at most {1000 * GOAL:.0f} ms: {goal(sides.difference <= GOAL)}"
        )


if __name__ == "__main__":
    main()
