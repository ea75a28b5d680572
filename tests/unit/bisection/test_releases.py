"""Which release is the first that behaves otherwise."""

from __future__ import annotations

import pytest

from pytest_mlmodelscope.bisection.chosen import releases_of
from pytest_mlmodelscope.bisection.releases import between, first_bad, steps
from pytest_mlmodelscope.core.errors import UsageError

KNOWN = ["1.9", "1.10", "1.10.1", "1.11rc1", "1.11", "1.12.dev1", "1.12", "2.0", "not a version"]


def test_releases_between_are_in_the_order_of_versions():
    assert between(KNOWN, "1.9", "1.12") == ["1.9", "1.10", "1.10.1", "1.11", "1.12"]
    assert between(KNOWN, "1.12", "1.9.5") == ["1.12", "1.11", "1.10.1", "1.10", "1.9.5"]


@pytest.mark.parametrize(("good", "bad"), [("1.9", "1.9"), ("1.9", "1.9.0"), ("new", "1.9"), ("1.9", "")])
def test_ends_that_are_no_ends(good, bad):
    with pytest.raises(UsageError):
        between(KNOWN, good, bad)


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_the_first_bad_is_found_wherever_it_is_in_as_many_steps_as_foretold(count):
    versions = [f"1.{n}" for n in range(count)]
    for first in range(1, count):
        asked = []

        def ask(version, first=first, asked=asked):
            asked.append(version)
            return "bad" if int(version[2:]) >= first else "good"

        found = first_bad(versions, ask)
        assert (found.last_good, found.first_bad, found.between) == (versions[first - 1], versions[first], ())
        assert len(asked) <= steps(count)


def test_what_cannot_be_had_is_passed_by_and_named_where_it_matters():
    versions = [f"1.{n}" for n in range(9)]
    absent = {"1.4", "1.5", "1.7"}
    found = first_bad(versions, lambda version: "skip" if version in absent else "bad" if version > "1.4" else "good")
    assert (found.last_good, found.first_bad, found.between) == ("1.3", "1.6", ("1.4", "1.5"))


def test_where_none_can_be_judged_all_are_named():
    versions = ["1", "2", "3", "4"]
    assert first_bad(versions, lambda version: "unclear").between == ("2", "3")


def test_the_index_knows_the_releases_of_a_framework():
    found = releases_of("onnxruntime", offline=False)
    assert {"1.16.3", "1.17.3", "1.20.0"} <= set(found)
    assert not [version for version in found if version.startswith("0.")]  # the framework's file admits none


def test_a_framework_without_other_versions_says_so():
    with pytest.raises(UsageError, match="admits no other versions"):
        releases_of("cntk", offline=False)
    with pytest.raises(UsageError, match="only known to the package index"):
        releases_of("onnxruntime", offline=True)
