"""What names another machine, and what does not."""

import pytest

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.remote.address import normal
from pytest_mlmodelscope.targets import named


@pytest.mark.parametrize(
    "text", ["ssh://lab", "ssh://Lab-7.example.org", "ssh://me@lab", "ssh://me@lab:2222", "ssh://me@[fe80::1]:22"]
)
def test_an_address_stays_as_it_is_written(text):
    assert normal(text) == text


def test_a_slash_at_the_end_names_the_same_machine():
    assert normal("ssh://me@lab/") == normal("ssh://me@lab:") == "ssh://me@lab"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("ssh://", "ssh://"),
        ("ssh://me@", "ssh://me@"),
        ("ssh://me:secret@lab", "a password"),
        ("ssh://lab/folder", "more than a machine: folder"),
        ("ssh://lab?x=1", "more than a machine: x=1"),
        ("ssh://lab:port", "Port could not be cast"),
        ("ssh://lab:99999", "Port out of range"),
        # ssh would take it for an option, one of which starts programs.
        ("ssh://-oProxyCommand=x", "-oProxyCommand=x"),
        ("ssh://-x@lab", "a user called '-x'"),
        ("ssh://la b", "la b"),
        ("ssh://lab;true", "lab;true"),
    ],
)
def test_what_is_no_address_is_refused_with_what_one_looks_like(text, got):
    with pytest.raises(UsageError) as refused:
        named(text)
    assert got in str(refused.value.got)
    assert "ssh://USER@HOST:PORT" in str(refused.value)


def test_only_other_machines_have_addresses():
    with pytest.raises(UsageError, match="the target cpu has no addresses"):
        named("cpu://lab")
    with pytest.raises(UsageError, match="no target is called"):
        named("shh://lab")


def test_another_machine_is_for_claims_about_processors_of_any_kind():
    other = named("ssh://lab")
    assert all(other.admits(Hardware(arch=arch)) for arch in (None, "x86_64", "aarch64", "ppc64le"))
    assert other.admits(Hardware(device="cpu"))
    assert not other.admits(Hardware(device="gpu"))
