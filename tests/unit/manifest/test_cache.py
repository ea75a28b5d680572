"""The cache: what is kept is whole, right and read-only."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from pytest_mlmodelscope.core.errors import AssetError
from pytest_mlmodelscope.manifest import inventory
from pytest_mlmodelscope.manifest.cache import Cache, folder_name

from .conftest import asset_of, files_below, tree_asset

WEIGHTS = b"weights" * 1000


def keep(cache, content=WEIGHTS, origin="eld==1.0.6 weights.bin"):
    digest = hashlib.sha256(content).hexdigest()
    with cache.scratch() as scratch, cache.lock(digest):
        (scratch / "made").write_bytes(content)
        return cache.keep("objects", digest, scratch / "made", digest, origin), digest


def keep_tree(cache, files):
    asset = tree_asset(files)
    with cache.scratch() as scratch, cache.lock(asset.sha256):
        for name, content in files.items():
            (scratch / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / "tree" / name).write_bytes(content)
        return cache.keep("trees", asset.sha256, scratch / "tree", asset.sha256, "a tree"), asset.sha256


@pytest.fixture
def touched_later(monkeypatch):
    """Give a file another time, as an edit would."""

    def touch(path):
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 5))

    return touch


def test_the_folder_is_given_or_from_the_environment_or_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path / "mine"))
    assert Cache().root == tmp_path / "mine"
    assert Cache(tmp_path / "given").root == tmp_path / "given"
    monkeypatch.delenv("MLMS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache().root == tmp_path / "xdg" / "mlmodelscope"


def test_a_new_cache_writes_nothing(cache):
    assert cache.find("objects", "a" * 64) is None
    assert inventory.entries(cache) == []
    assert not cache.root.exists()


def test_a_file_is_kept_by_its_content_and_read_only(cache):
    kept, digest = keep(cache)
    assert kept == cache.root / "objects" / digest[:2] / digest == cache.find("objects", digest)
    assert kept.read_bytes() == WEIGHTS
    assert stat.S_IMODE(kept.stat().st_mode) == 0o444
    assert not list((cache.root / "partial").iterdir())


def test_a_tree_is_kept_whole(cache):
    files = {"a": b"1", "sub/b": b"2"}
    kept, digest = keep_tree(cache, files)
    assert cache.find("trees", digest) == kept
    assert files_below(kept) == files


def test_a_file_that_was_not_touched_is_not_hashed_again(cache, monkeypatch):
    kept, digest = keep(cache)
    monkeypatch.setattr("pytest_mlmodelscope.manifest.cache.file_digest", lambda path: pytest.fail("hashed"))
    assert cache.find("objects", digest) == kept


def test_a_file_that_was_touched_is_hashed_and_found_right(cache, touched_later):
    kept, digest = keep(cache)
    touched_later(kept)
    assert cache.find("objects", digest) is None
    assert cache.recover("objects", digest) == kept
    assert cache.find("objects", digest) == kept


def test_a_file_that_was_changed_is_dropped(cache):
    kept, digest = keep(cache)
    kept.chmod(0o644)
    kept.write_bytes(b"other")
    assert cache.find("objects", digest) is None
    assert cache.recover("objects", digest) is None
    assert not kept.exists()


def test_a_tree_that_lost_a_file_is_dropped(cache):
    kept, digest = keep_tree(cache, {"a": b"1", "b": b"2"})
    (kept / "a").unlink()
    assert cache.find("trees", digest) is None
    assert cache.recover("trees", digest) is None
    assert not kept.exists()


def test_what_a_framework_wrote_beside_a_tree_does_no_harm(cache):
    kept, digest = keep_tree(cache, {"a": b"1"})
    (kept / "__pycache__").mkdir()
    (kept / "__pycache__/x.pyc").write_bytes(b"x")
    assert cache.find("trees", digest) == kept
    assert cache.verify("trees", digest)


def test_a_file_whose_note_is_lost_is_hashed_and_kept(cache):
    kept, digest = keep(cache)
    next((cache.root / "notes/objects").iterdir()).unlink()
    assert cache.find("objects", digest) is None
    assert cache.recover("objects", digest) == kept
    assert cache.find("objects", digest) == kept


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"sha256": 1}', b"\xff\xfe"])
def test_a_note_that_cannot_be_read_is_none(cache, note):
    kept, digest = keep(cache)
    next((cache.root / "notes/objects").iterdir()).write_bytes(note)
    assert cache.find("objects", digest) is None
    assert cache.recover("objects", digest) == kept


def test_names_of_packages_stay_apart_and_can_be_read():
    names = {folder_name(key) for key in ("pypi a==1 wheel", "pypi a==1 sdist", "npm @a/b==1", "npm @a_b==1")}
    assert len(names) == 4
    assert folder_name("pypi a==1 wheel").startswith("pypi_a==1_wheel")
    assert all("/" not in folder_name(key) for key in ("../../x", "npm @a/b==1", "https://e.org/a?b=c"))
    assert not folder_name("../..").startswith(".")


# -- inventory ----------------------------------------------------------------------------


@pytest.fixture
def filled(cache):
    """Three things of 1,000 bytes each, used 30, 20 and 10 days ago; and a whole package."""
    for days, letter in ((30, b"a"), (20, b"b"), (10, b"c")):
        _, digest = keep(cache, letter * 1000, f"pack=={days} file")
        cache.used("objects", digest, time.time() - days * 86_400)
    made = cache.partial("pack") / "pack.whl"
    made.write_bytes(b"p" * 1000)
    cache.keep_package("pack", made, "pypi pack==1 wheel")
    made.parent.rmdir()
    return cache


def _origins(entries):
    return [entry.origin.split()[0] for entry in entries]


def test_entries_say_what_is_kept_the_least_recently_used_first(filled):
    entries = inventory.entries(filled)
    assert _origins(entries) == ["pack==30", "pack==20", "pack==10", "pypi"]
    assert [entry.size for entry in entries] == [1000] * 4
    assert [entry.kind for entry in entries] == ["objects"] * 3 + ["packages"]
    assert entries[0].sha256 == hashlib.sha256(b"a" * 1000).hexdigest()


def test_using_something_is_noted(filled):
    filled.find("objects", hashlib.sha256(b"a" * 1000).hexdigest())
    assert _origins(inventory.entries(filled))[0] == "pack==20"


@pytest.mark.parametrize(
    ("options", "removed"),
    [
        ({}, ["pypi"]),
        ({"older_than": 15}, ["pack==30", "pack==20"]),
        ({"older_than": 40}, []),
        ({"max_size": 2500}, ["pack==30", "pack==20"]),
        ({"max_size": 10**9}, []),
        ({"max_size": 0}, ["pack==30", "pack==20", "pack==10", "pypi"]),
        ({"older_than": 25, "max_size": 3000}, ["pack==30"]),
        ({"everything": True}, ["pack==30", "pack==20", "pack==10", "pypi"]),
    ],
)
def test_pruning_removes_what_was_asked_for_and_no_more(filled, options, removed):
    before = _origins(inventory.entries(filled))
    assert _origins(inventory.prune(filled, dry_run=True, **options)) == removed
    assert _origins(inventory.entries(filled)) == before
    assert _origins(inventory.prune(filled, **options)) == removed
    assert _origins(inventory.entries(filled)) == [origin for origin in before if origin not in removed]


def test_pruning_clears_old_leftovers_and_spares_what_is_being_fetched(filled):
    old, young = filled.partial("old"), filled.partial("young")
    os.utime(old, (0, 0))
    inventory.prune(filled)
    assert (old.exists(), young.exists()) == (False, True)
    inventory.prune(filled, everything=True)
    assert not young.exists()


def test_verifying_finds_what_the_disk_lost_even_behind_the_same_size_and_time(filled):
    digest = hashlib.sha256(b"b" * 1000).hexdigest()
    place = filled.place("objects", digest)
    state = place.stat()
    place.chmod(0o644)
    place.write_bytes(b"x" * 1000)
    os.utime(place, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert filled.find("objects", digest) == place
    assert _origins(inventory.verify(filled)) == ["pack==20"]
    assert filled.find("objects", digest) is None
    assert inventory.verify(filled) == []


def test_verifying_does_not_count_as_using(filled):
    before = inventory.entries(filled)
    assert inventory.verify(filled) == []
    assert inventory.entries(filled) == before


# -- a disk that refuses ------------------------------------------------------------------


def test_a_cache_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path, fetcher, cache):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(AssetError, match="the cache cannot be used") as caught:
        fetcher.fetch(asset_of(b"x", url=(tmp_path / "x").as_uri()))
    assert "MLMS_CACHE" in caught.value.hint


def test_a_full_disk_is_an_error_that_says_so(tmp_path, fetcher, cache, monkeypatch):
    (tmp_path / "x").write_bytes(b"x")

    def full(source, target):
        # What writing to /dev/full really raises.
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr("pytest_mlmodelscope.manifest.sources.url.shutil.copyfile", full)
    with pytest.raises(AssetError, match="the disk is full") as caught:
        fetcher.fetch(asset_of(b"x", url=(tmp_path / "x").as_uri()))
    assert "mlms cache prune" in caught.value.hint
    assert not (cache.root / "objects").exists()
