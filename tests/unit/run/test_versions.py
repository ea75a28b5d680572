"""A claim that was made on one version of a framework is checked on that version: really, in its own environment."""

from __future__ import annotations

import re

import pytest

from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.cache import Cache


@pytest.fixture(scope="module")
def engine():
    """One whose environments are kept for the next run of the tests, as a user's are."""
    with Engine(Settings(cache=Cache().root)) as found:
        yield found


def test_an_old_version_is_the_one_that_answers(engine, case):
    result = engine.verify(case(frameworks=("onnxruntime==1.17.3",)))
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.software["version"] == "1.17.3"


def test_of_a_range_one_that_is_in_it_answers(engine, case):
    result = engine.verify(case(frameworks=("onnxruntime>=1.16,<1.18",)))
    assert result.verdict.word == "confirmed", result.verdict.reason
    assert result.software["version"].startswith("1.17.")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("==1.17.99", r"the environment of onnxruntime 1.17.99 cannot be built: .*onnxruntime==1.17.99"),
        ("==99", "no environment of onnxruntime fits"),
    ],
)
def test_a_version_that_cannot_be_had_is_not_applicable_and_says_so(engine, case, wanted, reason):
    verdict = engine.verify(case(frameworks=(f"onnxruntime{wanted}",))).verdict
    assert verdict.word == "not_applicable"
    assert re.match(reason, verdict.reason)
