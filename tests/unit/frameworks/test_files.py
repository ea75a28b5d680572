"""What the files of all frameworks promise: environments that can be had for years."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pytest_mlmodelscope.agent.versions import PLACE, admitted
from pytest_mlmodelscope.agent.wish import Wish
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.registry import names

ENTRIES = [(name, entry) for name in names("frameworks") for entry in framework_spec(name).environments]
LOCKED = [(name, entry) for name, entry in ENTRIES if entry.lock is not None]
#: No more releases are made of these, so nothing but pins keeps what they need together.
ARCHIVED = ("caffe", "caffe2", "cntk", "mxnet")


def ids(value):
    return value if isinstance(value, str) else value.version


def pins(text):
    """Name, version and the hashes of each entry of a lock."""
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        if entry.strip() and not entry.startswith("#"):
            requirement = Requirement(entry.partition(" --hash")[0].strip())
            yield requirement, re.findall(r"--hash=sha256:([0-9a-f]{64})(?!\S)", entry)


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=ids)
def test_an_entry_says_what_it_is_and_is_installed_from_what_exists_on_paper(name, entry):
    assert SpecifierSet(entry.python)
    for attempt in entry.attempts:
        assert all(Requirement(text) for text in Wish(name, entry).requirements(attempt))


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=ids)
def test_what_is_admitted_can_be_asked_for(name, entry):
    if entry.admits is None:
        assert not [text for text in entry.requirements if PLACE in text]
        return
    assert admitted(entry, SpecifierSet(entry.admits))
    for attempt in entry.attempts:
        assert [text for text in attempt.requirements or entry.requirements if PLACE in text]


@pytest.mark.parametrize("name", ARCHIVED)
def test_what_is_archived_is_pinned(name):
    assert all(entry.lock is not None for entry in framework_spec(name).environments)


@pytest.mark.parametrize(("name", "entry"), LOCKED, ids=ids)
def test_a_lock_has_pins_with_hashes_for_all_that_is_required_and_names_no_host(name, entry):
    text = entry.lock.read_text(encoding="utf-8")
    found = {}
    for pin, hashes in pins(text):
        assert [part.operator for part in pin.specifier] == ["=="]
        assert hashes
        found[canonicalize_name(pin.name)] = next(iter(pin.specifier)).version
    for wanted in map(Requirement, Wish(name, entry).requirements(entry.attempts[0])):
        assert wanted.specifier.contains(found[canonicalize_name(wanted.name)], prereleases=True)
    assert "://" not in text
    assert "--index" not in text


def test_no_lock_is_left_that_no_entry_has():
    folders = {framework_spec(name).folder for name in names("frameworks")}
    there = {file for folder in folders for file in folder.glob("*.txt")}
    assert there == {entry.lock for _, entry in LOCKED}
