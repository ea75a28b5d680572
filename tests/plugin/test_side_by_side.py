"""``--mlms-against`` and ``--mlms-aa`` in a session: what is selected, refused, failed and shown."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_mlmodelscope.core.claim import Claim, Source, Tolerance
from pytest_mlmodelscope.core.manifest import FrameworkUse, ModelManifest
from pytest_mlmodelscope.core.result import Case, Result, Verdict
from pytest_mlmodelscope.plugin.outcomes import Policy, decide
from pytest_mlmodelscope.reports._text import side_by_side
from pytest_mlmodelscope.verdict import aa, gate

CLAIM = Claim(
    id="c", model="m", metric="latency", value=10.0, unit="ms", direction="lower",
    tolerance=Tolerance("absolute", 0.0), source=Source("t", "10 ms", "w", "2026-11-24"),
)  # fmt: skip


@pytest.fixture
def collected(project):
    """Collects with these options: the result."""
    return lambda *args: project.runpytest_subprocess("--mlms", "--collect-only", "-q", "-p", "no:xdist", *args)


def test_a_gate_is_tested_on_a_quick_case_unless_another_is_chosen(collected, write_claims, claim):
    write_claims(claim("holds"))
    result = collected("--mlms-aa")
    result.stdout.fnmatch_lines(["*fashion-cnn.yml::fashion-cnn-latency-onnxruntime-cpu"])


def test_a_gate_is_tested_on_the_timed_cases_that_are_chosen(collected, write_claims, claim):
    write_claims(claim("holds"), claim("quick", "1000 ms", metric="latency", unit="ms"))
    result = collected("--mlms-aa", "claims")
    result.stdout.fnmatch_lines(["*::quick-onnxruntime-cpu", "1/2 tests collected*"])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--mlms-aa", "--mlms-against", "pytorch"), "compares with nothing else"),
        (("--mlms-against", "pytroch"), "pytroch"),
        (("--mlms-margin", "none"), "expected a positive number"),
    ],
)
def test_what_makes_no_sense_is_refused(collected, write_claims, claim, args, words):
    write_claims(claim("holds"))
    result = collected(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{words}*"])


# -- outcomes and words -----------------------------------------------------------------------------


@pytest.fixture
def outcome(tmp_path):
    """How a test ends whose result has this under ``timing``: the exception, or None where it passes."""
    model = ModelManifest(
        name="m", version="1", task="t", license="MIT", description="d", path=tmp_path / "m.yml", digest="d",
        inputs=(), outputs=(), assets={}, frameworks={},
    )  # fmt: skip
    case = Case(CLAIM, model, FrameworkUse("onnxruntime", assets={}, options={}, inputs=(), outputs=()), "cpu")

    def ended(word, **timing):
        try:
            decide(Result(case, Verdict(word, "because"), timing=timing), None, Policy(), ["cpu"], "c.yml::c")
        except (pytest.fail.Exception, pytest.skip.Exception) as error:
            return error
        return None

    return ended


def comparison(log):
    decision = gate.decide([log] * 4)
    return {**dataclasses.asdict(decision), "text": decision.text, "against": "onnxruntime 1.16.3"}


def test_a_case_that_is_slower_fails_and_says_than_what(outcome):
    error = outcome("confirmed", comparison=comparison(0.1))
    assert isinstance(error, pytest.fail.Exception)
    assert "slower than onnxruntime 1.16.3: slower: +11 %" in str(error)


@pytest.mark.parametrize("log", [-0.1, 0.0])
def test_a_case_that_is_not_slower_ends_as_its_claim_does(outcome, log):
    assert outcome("confirmed", comparison=comparison(log)) is None
    assert isinstance(outcome("refuted", comparison=comparison(log)), pytest.fail.Exception)


def test_a_test_of_the_gate_never_fails_a_claim(outcome):
    assert outcome("refuted", aa={"blocks": 24}) is None
    assert isinstance(outcome("not_applicable", aa={}), pytest.skip.Exception)


def test_what_was_found_in_words():
    found = {**aa.as_record(aa.worth([0.001, -0.002, 0.001, 0.002] * 4)), "seconds": 40.0, "seconds_a_decision": [5, 6]}
    told = "\n".join(side_by_side({"aa": found, "comparison": comparison(0.1)}))
    assert "against onnxruntime 1.16.3: slower: +11 %" in told
    assert "false alarms 0 % (95 % interval 0 % to 0 %; wanted: 1 % at most)" in told
    assert "a slowdown of 5 % is seen in" in told
    assert "a decision takes 5 s without a difference and 6 s with that slowdown" in told


def test_a_machine_too_noisy_for_any_change_is_told():
    draw = [(-1) ** n * (1 + n / 10) for n in range(16)]
    found = {**aa.as_record(aa.worth(draw)), "seconds": 40.0, "seconds_a_decision": [5, 6], "smallest": None}
    assert "none up to a factor of 2" in "\n".join(side_by_side({"aa": found}))
