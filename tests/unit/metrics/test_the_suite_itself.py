"""The suite of metrics can fail: one broken fake a rule, and each fails just that rule."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.testing.metrics import Example, MetricTests

CLOSED = {"type": "object", "additionalProperties": False, "properties": {}}
EVIDENCE = ItemEvidence(["a", "b", "c"], ["a", "b", "a"])
RULES = sorted(name for name in dir(MetricTests) if name.startswith("test_"))


def flags(evidence, options):
    pairs = zip(evidence.predictions, evidence.references, strict=True)
    return np.array([a is not None and a == b for a, b in pairs], bool)


def right(evidence, options):
    found = flags(evidence, options)
    return float(found.mean()) if found.size else float("nan")


def fake(**changes):
    """A metric that keeps its word, save for what is changed."""
    good = {
        "KIND": "items",
        "BASE_UNIT": "1",
        "DIRECTION": "higher",
        "OPTIONS": CLOSED,
        "compute": right,
        "hits": flags,
    }
    return SimpleNamespace(**{"__doc__": "The share of right items.", **good, **changes})


def failing(metric):
    """The rules that a metric breaks."""
    broken = set()
    for rule in RULES:
        example = Example(copy.deepcopy(EVIDENCE), {}, 2 / 3)
        suite = type("Suite", (MetricTests,), {"metric": metric, "examples": (example,)})()
        try:
            getattr(suite, rule)()
        except (AssertionError, KeyError):
            broken.add(rule)
    return broken


def changing(evidence, options):
    result = right(evidence, options)
    evidence.predictions.append("z")
    evidence.references.append("z")
    return result


def first_counts_twice(evidence, options):
    """Right for the example, another for the same items backwards."""
    found = flags(evidence, options)
    return float(found[0] and 2 / 3) if found.size and any(evidence.predictions) else float("nan")


def silent_is_right(evidence, options):
    return 1.0 if evidence.predictions and not any(evidence.predictions) else right(evidence, options)


def test_a_metric_that_keeps_its_word_breaks_no_rule():
    assert failing(fake()) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"BASE_UNIT": "%"}, "test_kind_unit_and_direction_are_known"),
        ({"BASE_UNIT": "furlong"}, "test_kind_unit_and_direction_are_known"),
        ({"DIRECTION": "up"}, "test_kind_unit_and_direction_are_known"),
        ({"OPTIONS": {"type": "object"}}, "test_options_have_a_schema_that_describes_each_and_refuses_others"),
        (
            {"OPTIONS": {**CLOSED, "properties": {"k": {"type": "integer"}}}},
            "test_options_have_a_schema_that_describes_each_and_refuses_others",
        ),
        ({"__doc__": None}, "test_it_says_what_it_is"),
        ({"compute": lambda e, o: np.float64(right(e, o))}, "test_it_gives_the_figure_expected"),
        ({"compute": lambda e, o: right(e, o) / 2}, "test_it_gives_the_figure_expected"),
        ({"compute": changing}, "test_it_leaves_the_evidence_as_it_was"),
        ({"compute": first_counts_twice}, "test_the_order_of_the_items_does_not_matter"),
        ({"compute": lambda e, o: right(e, o) if e.predictions else 0.0}, "test_no_items_give_no_figure"),
        ({"compute": silent_is_right}, "test_no_answers_are_never_better_than_answers"),
        ({"hits": lambda e, o: flags(e, o)[:2]}, "test_a_proportion_is_the_mean_of_its_flags"),
        ({"hits": lambda e, o: flags(e, o).astype(float)}, "test_a_proportion_is_the_mean_of_its_flags"),
        ({"hits": lambda e, o: ~flags(e, o)}, "test_a_proportion_is_the_mean_of_its_flags"),
    ],
)
def test_each_rule_notices_who_breaks_it(changes, rule):
    assert rule in failing(fake(**changes))


def test_a_metric_without_examples_is_not_tested():
    suite = type("Suite", (MetricTests,), {"metric": fake()})()
    with pytest.raises(AssertionError, match="without an example"):
        suite.test_it_gives_the_figure_expected()
