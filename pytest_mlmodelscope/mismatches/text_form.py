"""Letters are written otherwise: their case, their accents, the blanks between words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import found, inserted, replaced, stages

TITLE: Final = "text form"
USUAL: Final = 0.8


_FORMS: Final = (
    ("texts are lower-case", Step("lowercase", {}), 1.0),
    ("texts are upper-case", Step("clean_text", {"case": "upper"}), 0.4),
    ("texts have no accents", Step("clean_text", {"accents": "drop"}), 0.7),
    ("texts have no punctuation", Step("clean_text", {"punctuation": "drop"}), 0.6),
    ("texts have no blanks at their ends", Step("clean_text", {"blanks": "strip"}), 0.4),
    ("several blanks are one", Step("clean_text", {"blanks": "collapse"}), 0.4),
    ("texts are in Unicode's form NFC", Step("clean_text", {"form": "NFC"}), 0.4),
    ("texts are in Unicode's form NFD", Step("clean_text", {"form": "NFD"}), 0.4),
    ("texts are in Unicode's form NFKC", Step("clean_text", {"form": "NFKC"}), 0.4),
)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Without each step that changes letters, and with each that is not there."""
    for number, at, step in found(setup, "lowercase", "clean_text"):
        for key in step.options if len(step.options) > 1 else ():
            other = Step(step.name, {name: value for name, value in step.options.items() if name != key})
            yield Variant(f"texts keep their {key}", replaced(setup, number, at, other))
        words = "case" if step.name == "lowercase" else " and ".join(step.options)
        yield Variant(f"texts keep their {words}", replaced(setup, number, at), 2.0)
    for stage in stages(setup, sight, "text"):
        for words, step, usual in _FORMS:
            if step not in stage.spec.steps:
                yield Variant(words, inserted(setup, stage.number, stage.at, step), usual)
