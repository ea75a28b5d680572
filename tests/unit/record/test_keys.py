"""The user's own keys: kept so that nobody else can read them, and never written over."""

from __future__ import annotations

import stat

import pytest

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record import keys


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_a_key_is_kept_for_its_owner_alone():
    made = keys.new()
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    found = keys.own()
    assert found.fingerprint == made.fingerprint
    assert found.public.startswith("-----BEGIN PUBLIC KEY-----")


def test_a_key_is_never_written_over():
    before = keys.new("mine").path.read_bytes()
    with pytest.raises(UsageError, match='there is a key called "mine"'):
        keys.new("mine")
    assert keys.own("mine").path.read_bytes() == before


def test_all_keys_are_listed_by_name():
    for name in ("b", "a"):
        keys.new(name)
    assert [key.name for key in keys.all_own()] == ["a", "b"]


def test_a_key_that_others_may_read_is_not_used():
    path = keys.new().path
    path.chmod(0o640)
    with pytest.raises(UsageError, match="others may read") as caught:
        keys.own()
    assert f"chmod 600 {path}" in str(caught.value)


def test_what_is_no_key_is_said():
    path = keys.new().path
    path.write_text("no key")
    with pytest.raises(UsageError, match="no private key"):
        keys.own()
    with pytest.raises(UsageError, match="there is no key"):
        keys.own("another")
    with pytest.raises(UsageError, match="no name of a key"):
        keys.new("../elsewhere")
