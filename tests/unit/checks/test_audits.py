"""Audits: a model that answers otherwise while it is timed is caught, and one that remembers; a real one passes."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.check import Audited, Seen
from pytest_mlmodelscope.verdict.check import judge_audit

pytestmark = pytest.mark.usefixtures("this_python")

HONEST = """
def answer(x):
    total = 0.0
    for _ in range(300):
        total = total + x
    return total
"""
#: Skips the work now and then, once it has been asked so often that somebody must be timing it.
HASTY = """
calls = [0]


def answer(x):
    calls[0] += 1
    return x * 0.0 if calls[0] > 200 and calls[0] % 7 == 0 else x * 2.0
"""
REMEMBERS = """
known = {}


def answer(x):
    key = x.tobytes()
    if key not in known:
        total = 0.0
        for _ in range(300):
            total = total + x
        known[key] = total
    return known[key]
"""
PYTHON = "dataset: rows\nconditions: {frameworks: [python], runs: 3}\n"


@pytest.fixture
def audited(project, planted, verify):
    """The result of an audit of a Python model, or of one on ONNX Runtime where there is no code."""

    def one(check, code="", more=PYTHON):
        project.add_data(np.random.default_rng(1).normal(size=(200, 4)).round(6).astype("float32"))
        if code:
            project.add_code("m", planted.linear(), code)
        else:
            project.add("m", planted.linear())
        return verify("m", check, more)

    return one


def test_every_audit_is_tested_here():
    audits = {name for name in names("checks") if hasattr(member("checks", name), "audit")}
    assert audits == {"same_under_load", "no_caching"}


def test_a_model_that_answers_otherwise_while_it_is_timed_is_caught(audited):
    result = audited("same_under_load", HASTY)
    assert result.verdict.word == "refuted"
    assert "in timed query" in result.verdict.reason
    assert "when it was not timed" in result.verdict.reason
    assert result.check["items"] == 300


def test_a_model_that_remembers_is_caught(audited):
    result = audited("no_caching", REMEMBERS)
    assert result.verdict.word == "refuted"
    assert "times as fast is the same query again and again, 1.1 may" in result.verdict.reason
    assert len(result.check["ratios"]) == 3
    assert min(result.check["ratios"]) > 1.5


@pytest.mark.parametrize("scenario", ["single_stream", "multi_stream, samples_per_query: 4", "server, rate: 5000"])
def test_a_real_model_answers_the_same_under_load(audited, scenario):
    more = f"dataset: rows\nconditions: {{threads: 1, runs: 2, scenario: {scenario}}}\n"
    result = audited("same_under_load", more=more)
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.check["items"] == 200


@pytest.mark.parametrize("code", ["", HONEST], ids=["onnxruntime", "python"])
def test_a_model_that_remembers_nothing_is_not_refuted(audited, code):
    framework = "python" if code else "onnxruntime"
    more = f"dataset: rows\nconditions: {{frameworks: [{framework}], threads: 1, runs: 5}}\n"
    assert audited("no_caching", code, more).verdict.word in ("confirmed", "inconclusive")


def test_an_audit_needs_data(audited):
    result = audited("no_caching", more="conditions: {runs: 2}\n")
    assert result.verdict.word == "not_applicable"
    assert "name a dataset" in result.verdict.reason


# -- what is judged -------------------------------------------------------------------------------------


def judged(*ratios, most=1.1):
    return judge_audit(Audited(Seen(), ratios=ratios, most=most, what="times"))[0].word


def test_ratios_are_judged_by_their_interval():
    assert judged(1.0, 1.01, 0.99, 1.02, 1.0) == "confirmed"
    assert judged(2.0, 2.1, 1.9, 2.0, 2.05) == "refuted"
    assert judged(1.0, 1.3, 0.9, 1.2, 1.1) == "inconclusive"
    assert judged(5.0) == "inconclusive"
    assert judge_audit(Audited(Seen()))[0].word == "inconclusive"


def test_what_is_at_the_edge_is_refuted_as_seldom_as_it_says():
    draw = np.random.default_rng(1)
    runs = np.exp(draw.normal(np.log(1.1), 0.05, (2000, 5)))
    refuted = np.mean([judged(*ratios) == "refuted" for ratios in runs])
    assert refuted <= 0.025 + 3 * (0.025 * 0.975 / 2000) ** 0.5
    confirmed = np.mean([judged(*ratios) == "confirmed" for ratios in runs])
    assert confirmed <= 0.025 + 3 * (0.025 * 0.975 / 2000) ** 0.5
