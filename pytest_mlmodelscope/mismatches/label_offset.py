"""Classes count from another number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import decisive, place_of, with_output, without

TITLE: Final = "label offset"
USUAL: Final = 1.0


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Classes one higher and one lower, before they are given names or where they are compared."""
    decided = decisive(setup)
    if decided is None:
        return
    steps = decided[1].steps
    for _, made in without(setup, "offset"):
        yield Variant("classes are not counted from another number", made)
    named = place_of(decided[1], "labels")
    if named is not None:
        yield from _of_names(setup, steps, named)
        return
    references = [value for value in sight.answers()[1] if value is not None]
    if references and all(isinstance(value, int) for value in references):
        for by in (-1, 1):
            words = f"classes are counted from {'one less' if by < 0 else 'one more'} ({by:+d})"
            yield Variant(words, with_output(setup, *steps, Step("offset", {"by": by})))


def _of_names(setup: Setup, steps: tuple[Step, ...], at: int) -> Iterator[Variant]:
    """The list of names begins one place earlier or later."""
    names = steps[at].options.get("names", ())
    # Two of them are exchanged, which is another mistake.
    if len(names) > 2:
        for by, moved in ((1, [*names[1:], names[0]]), (-1, [names[-1], *names[:-1]])):
            made = with_output(setup, *steps[:at], Step("labels", {"names": moved}), *steps[at + 1 :])
            yield Variant(
                f"class {by} has the first name ({by:+d})" if by < 0 else f"names begin one class later ({by:+d})", made
            )
