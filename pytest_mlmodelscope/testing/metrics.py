"""What every metric promises, as tests: subclass ``MetricTests`` and give examples.

    class TestMine(MetricTests):
        metric = "mine"
        examples = (Example(ItemEvidence(["a", "b"], ["a", "a"]), {}, 0.5),)

Expected figures should come from somewhere else than the metric: by hand, or from another library.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np

from pytest_mlmodelscope.core.claim import Direction
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.units import UNITS
from pytest_mlmodelscope.interfaces.metric import ItemEvidence, Kind
from pytest_mlmodelscope.testing._member import OptionsTests


@dataclass(frozen=True)
class Example:
    """Evidence, options, and the figure that they give; NaN where there is none."""

    evidence: Any
    options: Mapping[str, Any]
    expected: float
    tolerance: float = 1e-12


class MetricTests(OptionsTests):
    """One test a rule. ``metric`` is the registered name, or the module (or object) itself.

    ``refused`` are options that the metric's schema must not let pass.
    """

    metric: ClassVar[Any]
    examples: ClassVar[Sequence[Example]] = ()

    def module(self) -> Any:
        """The metric under test."""
        return member("metrics", self.metric) if isinstance(self.metric, str) else self.metric

    def allowed(self) -> Iterable[Mapping[str, Any]]:
        """Those of the examples."""
        return [example.options for example in self.examples]

    def test_kind_unit_and_direction_are_known(self) -> None:
        """The unit is a base unit: one that others are converted from."""
        module = self.module()
        assert module.KIND in get_args(Kind)
        assert module.DIRECTION in get_args(Direction)
        assert UNITS[module.BASE_UNIT] == (module.BASE_UNIT, 1.0), f"{module.BASE_UNIT} is no base unit"

    def test_it_gives_the_figure_expected(self) -> None:
        """As a plain ``float``."""
        assert self.examples, "a metric without an example is not tested"
        for example in self.examples:
            found = self.module().compute(example.evidence, example.options)
            assert type(found) is float, f"expected a float, got {type(found).__name__}"
            assert _close(found, example.expected, example.tolerance), f"expected {example.expected}, got {found}"

    def test_it_leaves_the_evidence_as_it_was(self) -> None:
        """Several claims are judged by the same predictions."""
        for example in self.examples:
            given = copy.deepcopy(example.evidence)
            self.module().compute(given, example.options)
            assert repr(given) == repr(example.evidence)

    def test_the_order_of_the_items_does_not_matter(self) -> None:
        """Items may be evaluated in any order."""
        for evidence, example in self._items():
            backwards = ItemEvidence(evidence.predictions[::-1], evidence.references[::-1])
            found = self.module().compute(backwards, example.options)
            assert _close(found, example.expected, max(example.tolerance, 1e-12)), "the order of the items matters"

    def test_no_items_give_no_figure(self) -> None:
        """NaN: neither perfect nor hopeless, and no traceback."""
        for _, example in self._items()[:1]:
            assert math.isnan(self.module().compute(ItemEvidence([], []), example.options))

    def test_no_answers_are_never_better_than_answers(self) -> None:
        """A model that fails must not gain by it."""
        for evidence, example in self._items():
            silent = ItemEvidence([None] * len(evidence.references), evidence.references)
            found = self.module().compute(silent, example.options)
            better = {"higher": found > example.expected, "lower": found < example.expected, "equal": False}
            assert not better[self.module().DIRECTION], "giving no answers is rewarded"

    def test_a_proportion_is_the_mean_of_its_flags(self) -> None:
        """One flag an item, so that exact intervals exist; no item is dropped."""
        for evidence, example in self._items():
            if hasattr(self.module(), "hits"):
                flags = self.module().hits(evidence, example.options)
                assert isinstance(flags, np.ndarray), "hits gives an array"
                assert flags.dtype == np.bool_, f"hits are bool, not {flags.dtype}"
                assert flags.shape == (len(evidence.references),), "hits has one flag an item"
                assert not flags.size or _close(float(flags.mean()), example.expected, example.tolerance)

    def _items(self) -> list[tuple[ItemEvidence, Example]]:
        if self.module().KIND != "items":
            return []
        return [(example.evidence, example) for example in self.examples]


def _close(found: float, expected: float, tolerance: float) -> bool:
    if math.isnan(expected) or math.isnan(found):
        return math.isnan(expected) and math.isnan(found)
    return abs(found - expected) <= tolerance
