"""The figure is of another number of guesses, or averaged otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import decisive, place_of, with_output

TITLE: Final = "metric"
USUAL: Final = 0.6


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Top 5 for top 1 and the like, the list of guesses read from its end, another average over classes."""
    decided = decisive(setup)
    at = place_of(decided[1], "top_k") if decided else None
    if decided and at is not None:
        steps = decided[1].steps
        most = steps[at].options["k"]
        turned = Step("reorder", {"order": list(range(most))[::-1]})
        yield Variant(
            "the last of the guesses is the best", with_output(setup, *steps[: at + 1], turned, *steps[at + 1 :])
        )
    for at, step in enumerate(decided[1].steps if decided else ()):
        if step.name == "reorder":
            kept = (*decided[1].steps[:at], *decided[1].steps[at + 1 :])  # type: ignore[index]
            yield Variant("guesses stay in their order", with_output(setup, *kept))
    if setup.metric == "top_k_accuracy":
        yield from _other_k(setup)
    elif setup.metric == "accuracy" and decided and place_of(decided[1], "argmax") is not None:
        yield from _more_guesses(setup, decided[1].steps)
    if "average" in setup.options:
        for average in ("macro", "weighted", "micro"):
            if average != setup.options["average"]:
                options = {key: value for key, value in setup.options.items() if key != "positive"}
                made = dataclasses.replace(setup, options={**options, "average": average})
                yield Variant(f"the average over classes is {average}", made)


def _other_k(setup: Setup) -> Iterator[Variant]:
    decided = decisive(setup)
    at = place_of(decided[1], "top_k") if decided else None
    for k in (1, 2, 3, 5, 10):
        if k != setup.options["k"] and decided and at is not None:
            steps = decided[1].steps
            enough = Step("top_k", {"k": max(k, steps[at].options["k"])})
            made = with_output(setup, *steps[:at], enough, *steps[at + 1 :])
            yield Variant(
                f"an item has {k} guesses (top {k})", dataclasses.replace(made, options={**setup.options, "k": k})
            )


def _more_guesses(setup: Setup, steps: tuple[Step, ...]) -> Iterator[Variant]:
    for k in (2, 3, 5):
        best = [Step("top_k", {"k": k}) if step.name == "argmax" else step for step in steps]
        made = dataclasses.replace(with_output(setup, *best), metric="top_k_accuracy", options={"k": k})
        yield Variant(f"an item has {k} guesses (top {k})", made)
