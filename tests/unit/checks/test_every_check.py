"""Every check of ours keeps the rules of the suite that third parties use."""

import itertools

import numpy as np
import pytest

from pytest_mlmodelscope.checks import agrees_with
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.manifest import Input
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.check import Answers, Query
from pytest_mlmodelscope.testing import checks
from pytest_mlmodelscope.testing.checks import CheckTests, Example, query


def double(x):
    return x * 2


def nan_in_second(x):
    return np.where(x == 0.25, np.nan, x)


def one_more(x):
    return x + np.float32(1)


def minus_mean(x):
    return x - x.mean(axis=0)


def counting():
    """Another answer each time."""
    count = itertools.count()
    return lambda x: x + np.float32(next(count))


def last_is_first(x):
    return np.roll(x, 1, axis=1)


class TestFinite(CheckTests):
    check = "finite"
    kept = (Example({}, double), Example({}, lambda x: [["a"]] * len(x)))
    broken = (Example({}, nan_in_second, item=1), Example({}, lambda x: x * np.float32(np.inf)))
    refused = ({"tolerance": {"absolute": 1}},)


class TestDeterministic(CheckTests):
    check = "deterministic"
    kept = (
        Example({}, double),
        Example({}, nan_in_second),
        Example({"tolerance": {"absolute": 9}}, double, one_more),
    )
    broken = (Example({}, counting()), Example({}, double, one_more, item=2))
    refused = ({"tolerance": 1}, {"tolerance": {"absolute": -1}}, {"tolerance": {}})


class TestBatchInvariant(CheckTests):
    check = "batch_invariant"
    kept = (Example({}, double), Example({"tolerance": {"absolute": 20}}, minus_mean))
    broken = (Example({}, minus_mean, item=1), Example({}, lambda x: x[::-1], item=0))
    refused = ({"framework": "onnxruntime"},)


class TestAgreesWith(CheckTests):
    check = "agrees_with"
    kept = (
        Example({"framework": "pytorch"}, double),
        Example({"framework": "pytorch", "tolerance": {"relative": 2}, "decisions": 3}, double, last_is_first),
    )
    broken = (
        Example({"framework": "pytorch>=2"}, double, one_more, item=2),
        # Near enough, and decided otherwise.
        Example({"framework": "pytorch", "tolerance": {"absolute": 99}}, double, last_is_first, output=""),
    )
    refused = ({}, {"framework": "pytorch", "decisions": -1}, {"framework": ""})


def test_every_check_is_tested():
    tested = {suite.check for suite in CheckTests.__subclasses__() if isinstance(suite.check, str)}
    # An audit draws nothing; tests/unit/checks/test_audits.py has those.
    drawing = {name for name in names("checks") if not hasattr(member("checks", name), "audit")}
    assert tested >= drawing


def look(name, options, model, beside=None):
    return member("checks", name).make(options, checks._Functions(model, beside or model))


def test_nan_on_one_side_only_is_a_difference():
    seen = look("agrees_with", {"framework": "pytorch"}, double, nan_in_second)(query())
    assert seen.breach is not None
    assert seen.difference == np.inf


def test_outputs_of_another_shape_do_not_agree():
    seen = look("agrees_with", {"framework": "pytorch"}, double, lambda x: np.repeat(x, 2, axis=1))(query())
    assert "the shapes [3] and [6]" in seen.breach.what


def test_the_output_that_lies_farthest_apart_is_told():
    far = np.array([[0, 0, 0], [0, 0, 5], [1, 0, 0]], np.float32)
    seen = look("agrees_with", {"framework": "pytorch"}, double, lambda x: double(x) + far)(query())
    assert (seen.breach.item, seen.difference) == (1, 5.0)
    assert "at [2], 5 apart" in seen.breach.what


def test_integers_and_flags_are_compared_too():
    seen = look("deterministic", {}, lambda x: x > 0, lambda x: x > 1)(query())
    assert seen.breach.item == 0


def test_a_model_of_one_item_at_a_time_has_no_batch():
    alone = Query((Input("x", "float32", (1, 3)),), ({"x": np.zeros((1, 3), np.float32)},), ("x",))
    with pytest.raises(NotApplicable, match="one item at a time"):
        look("batch_invariant", {}, double)(alone)


def answers(values, decisions):
    return Answers({"y": values}, decisions, True)


def test_outputs_that_no_step_decides_about_are_held_to_the_tolerance_alone():
    values = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    near, far = values * np.float32(1 + 1e-6), values + np.float32(1)
    same = agrees_with.compare({}, answers(values, list(values)), answers(near, list(near)))
    assert (same.breach, same.differing) == (None, 0)
    assert agrees_with.compare({}, answers(values, list(values)), answers(far, list(far))).breach is not None


def test_a_class_that_differs_is_a_decision_however_near_the_outputs_are():
    values = np.array([[1.0, 2.0]], dtype=np.float32)
    seen = agrees_with.compare({}, answers(values, [1]), answers(values, [0]))
    assert seen.breach is not None
    assert "decided 1 and 0" in seen.breach.what
