"""Which versions of a framework can be asked for."""

import pytest
from packaging.specifiers import SpecifierSet

from pytest_mlmodelscope.agent.versions import admitted, listed
from pytest_mlmodelscope.core.framework import EnvironmentSpec

OPEN = EnvironmentSpec("1.20.1", ">=3.9", ("onnxruntime{version}",), admits=">=1.15,<1.21")
CLOSED = EnvironmentSpec("1.20.1", ">=3.9", ("onnxruntime==1.20.1",))


def test_the_listed_version_is_had_where_it_is_wanted():
    assert listed(CLOSED, SpecifierSet(""))
    assert listed(CLOSED, SpecifierSet(">=1"))
    assert not listed(CLOSED, SpecifierSet("==1.20"))
    assert admitted(CLOSED, SpecifierSet("==1.20")) is None


@pytest.mark.parametrize(
    "wanted", ["==1.17.3", "==1.15", ">=1.16", "<1.16", "~=1.17.0", "==1.18.*", ">1.15,<1.16", "!=1.15"]
)
def test_a_range_of_versions_is_admitted_where_some_version_is_in_both(wanted):
    assert admitted(OPEN, SpecifierSet(wanted))


@pytest.mark.parametrize(
    "wanted", ["==1.14.9", "<1.15", ">=1.21", "==1.21.*", "~=1.21.1", ">1.17,<1.17", "==1.17,!=1.17"]
)
def test_what_no_version_can_satisfy_is_not_admitted(wanted):
    assert admitted(OPEN, SpecifierSet(wanted)) is None


def test_an_exact_version_is_asked_for_as_such_and_a_range_together_with_what_is_admitted():
    assert admitted(OPEN, SpecifierSet("==1.17.3,>=1")) == "==1.17.3"
    asked = admitted(OPEN, SpecifierSet(">=1.16"))
    assert SpecifierSet(asked) == SpecifierSet(">=1.16,>=1.15,<1.21")
