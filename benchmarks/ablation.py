"""Is the planted mistake the one that is named? One line for each, then how many of them were.

    python benchmarks/ablation.py [digits scenes tones wine iris texts] [--seconds N]

Each model of ``planted.py`` is measured with its right setup, which gives the published figure (rounded to one digit
of percent), then with a mistake in the setup, and the cause is looked for as ``mlms why`` does. A line has the model,
the mistake, the published figure and the one that was measured, whether the mismatch that was named first is the
planted one, its words, and the cost: variants, items evaluated, items that the model was asked about, seconds. What
changes the figure by less than 0.3 points is planted too, but counted apart. The goal is nine in ten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import planted

#: A mistake that changes the figure by less is one that hardly anybody would look for.
HARMLESS = 0.003


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = {make.__name__: make for make in planted.ALL}
    parser.add_argument("models", nargs="*", help=", ".join(known))
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    found = list(_all([known[name] for name in given.models or known], given.seconds))
    plain = [one for one in found if abs(one.published - one.measured) >= HARMLESS]
    right = sum(one.is_right for one in plain)
    small = [one for one in found if one not in plain]
    print(f"{right} of {len(plain)} named rightly ({right / max(1, len(plain)):.0%}); goal: 90%")
    if small:
        print(f"{sum(one.is_right for one in small)} of {len(small)} that change the figure by less than 0.3 points")
    return 0 if right >= 0.9 * len(plain) else 1


def _all(makers: list, seconds: float) -> Iterator[planted.Found]:
    for make in makers:
        subject, faults = make()
        for fault in faults:
            one = planted.look(subject, fault, seconds)
            print(_line(one), flush=True)
            yield one


def _line(one: planted.Found) -> str:
    answer = one.answer
    named = next((standing for standing in answer.best if standing.trial.kinds == one.kinds), answer.nearest)
    words = f"{'+'.join(one.kinds) or 'nothing'}: {named.trial.words if named else '-'}"
    cost = f"{answer.tried} variants, {answer.evaluated:,} items, {answer.asked:,} asked, {answer.seconds:.1f} s"
    figures = f"{100 * one.published:5.1f} {100 * one.measured:5.1f}"
    verdict = "right" if one.is_right else "WRONG"
    return f"{one.planted.name:8} {one.fault.name:28} {figures}  {verdict}  {words}  ({cost})"


if __name__ == "__main__":
    raise SystemExit(main())
