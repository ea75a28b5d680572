"""Fetching: once, verified, from where the manifest says."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
import zipfile

import pytest

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError, OfflineError
from pytest_mlmodelscope.manifest.fetch import Fetcher

from .conftest import Page, asset_of, files_below, tree_asset

CONTENT = b"weights" * 5000


@pytest.fixture
def project(tmp_path):
    """A project with ``manifests/models``, weights beside it, and an archive of them."""
    base = tmp_path / "project/manifests/models"
    base.mkdir(parents=True)
    (base / "w.bin").write_bytes(CONTENT)
    (tmp_path / "project/data/sub").mkdir(parents=True)
    (tmp_path / "project/data/a.txt").write_bytes(b"a")
    (tmp_path / "project/data/sub/b.txt").write_bytes(b"b")
    (tmp_path / "project/data/c.bin").write_bytes(b"c")
    with zipfile.ZipFile(base / "w.zip", "w") as out:
        out.writestr("in/w.bin", CONTENT)
    return base


# -- from addresses -----------------------------------------------------------------------


def test_what_is_fetched_is_kept_and_not_asked_for_again(site, fetcher):
    site.pages["w"] = Page(CONTENT)
    asset = asset_of(CONTENT, url=site.url("w"))
    first = fetcher.fetch(asset)
    assert first.read_bytes() == CONTENT
    assert fetcher.fetch(asset) == first
    assert len(site.asked) == 1


def test_several_assets_of_one_archive_download_it_once(site, fetcher, project):
    site.pages["w.zip"] = Page((project / "w.zip").read_bytes())
    one = asset_of(CONTENT, url=site.url("w.zip"), file="in/w.bin")
    tree = tree_asset({"w.bin": CONTENT}, url=site.url("w.zip"), tree="in/**")
    assert fetcher.fetch(one).read_bytes() == CONTENT
    assert files_below(fetcher.fetch(tree)) == {"w.bin": CONTENT}
    assert len(site.asked) == 1


def test_wrong_bytes_are_refused_and_not_kept(site, fetcher, cache):
    site.pages["w"] = Page(CONTENT[:-1] + b"X")
    with pytest.raises(ChecksumError) as caught:
        fetcher.fetch(asset_of(CONTENT, url=site.url("w")))
    error = caught.value
    assert error.where == "manifests/models/m.yml:9"
    assert error.expected != error.got
    assert "sha256" in str(error.expected)
    assert "manifest" in error.hint
    assert not (cache.root / "objects").exists()


def test_wrong_bytes_inside_an_archive_are_refused_and_not_kept(site, fetcher, cache, project):
    site.pages["w.zip"] = Page((project / "w.zip").read_bytes())
    other = asset_of(CONTENT[::-1], url=site.url("w.zip"), file="in/w.bin")
    with pytest.raises(ChecksumError, match="content of the asset weights"):
        fetcher.fetch(other)
    assert not (cache.root / "objects").exists()


def test_a_wrong_size_alone_is_an_error_too(site, fetcher):
    site.pages["w"] = Page(CONTENT)
    asset = dataclasses.replace(asset_of(CONTENT, url=site.url("w")), size=len(CONTENT) + 1)
    with pytest.raises(ChecksumError, match="the size of the asset weights") as caught:
        fetcher.fetch(asset)
    assert caught.value.got == f"{len(CONTENT)} bytes"


def test_a_damaged_file_in_the_cache_is_fetched_again(site, fetcher):
    site.pages["w"] = Page(CONTENT)
    asset = asset_of(CONTENT, url=site.url("w"))
    kept = fetcher.fetch(asset)
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")
    assert fetcher.fetch(asset).read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_an_archive_that_came_cut_short_is_not_kept(site, fetcher, project):
    whole = (project / "w.zip").read_bytes()
    asset = asset_of(CONTENT, url=site.url("w.zip"), file="in/w.bin")
    site.pages["w.zip"] = Page(whole[: len(whole) // 2], length=False)
    with pytest.raises(AssetError, match="damaged"):
        fetcher.fetch(asset)
    site.pages["w.zip"] = Page(whole)
    assert fetcher.fetch(asset).read_bytes() == CONTENT


def test_offline_says_what_is_missing_and_what_would_fetch_it(site, cache):
    with pytest.raises(OfflineError) as caught:
        Fetcher(cache, offline=True).fetch(asset_of(CONTENT, package="eld==1.0.6", file="x"))
    assert "weights" in caught.value.what
    assert "eld==1.0.6" in caught.value.what
    assert "pytest --mlms" in caught.value.hint
    assert caught.value.where == "manifests/models/m.yml:9"


def test_offline_uses_what_is_kept(site, cache, fetcher, project):
    site.pages["w.zip"] = Page((project / "w.zip").read_bytes())
    one = asset_of(CONTENT, url=site.url("w.zip"), file="in/w.bin")
    kept = fetcher.fetch(one)
    offline = Fetcher(cache, offline=True)
    assert offline.fetch(one) == kept
    tree = tree_asset({"w.bin": CONTENT}, url=site.url("w.zip"), tree="in/**")
    assert files_below(offline.fetch(tree)) == {"w.bin": CONTENT}


def test_an_address_on_this_machine_needs_no_network(cache, project):
    asset = asset_of(CONTENT, url=(project / "w.bin").as_uri())
    assert Fetcher(cache, offline=True).fetch(asset).read_bytes() == CONTENT


def test_a_person_who_waits_is_told(site, cache):
    site.pages["w"] = Page(CONTENT)
    lines = []
    Fetcher(cache, progress=lines.append).fetch(asset_of(CONTENT, url=site.url("w")))
    assert lines == [f"fetching {site.url('w')}"]


def test_measuring_tells_what_an_author_has_to_write(site, fetcher, project):
    site.pages["w.zip"] = Page((project / "w.zip").read_bytes())
    right = asset_of(CONTENT)
    unknown = dataclasses.replace(right, sha256="", size=0, url=site.url("w.zip"), file="in/w.bin")
    assert fetcher.measure(unknown) == (right.sha256, right.size)


# -- beside the manifest ------------------------------------------------------------------


def test_a_file_beside_the_manifest_is_used_where_it_is(fetcher, project):
    assert fetcher.fetch(asset_of(CONTENT, path="w.bin", base=project)) == project / "w.bin"


def test_a_file_beside_the_manifest_is_hashed_only_when_it_was_touched(fetcher, project, monkeypatch):
    asset = asset_of(CONTENT, path="w.bin", base=project)
    fetcher.fetch(asset)
    with monkeypatch.context() as patch:
        patch.setattr("pytest_mlmodelscope.manifest.fetch.measure", lambda path: pytest.fail("hashed"))
        fetcher.fetch(asset)
    (project / "w.bin").write_bytes(b"retrained")
    with pytest.raises(ChecksumError):
        fetcher.fetch(asset)


@pytest.mark.parametrize("where", ["archive", "folder"])
def test_an_author_who_changes_the_source_hears_of_it_though_the_old_one_is_kept(fetcher, project, where):
    data = project.parent.parent / "data"
    assets = {
        "archive": asset_of(CONTENT, path="w.zip", file="in/w.bin", base=project),
        "folder": tree_asset({"a.txt": b"a", "sub/b.txt": b"b"}, path="../../data", tree="**/*.txt", base=project),
    }
    fetcher.fetch(assets[where])
    fetcher.fetch(assets[where])
    (data / "a.txt").write_bytes(b"changed")
    with zipfile.ZipFile(project / "w.zip", "w") as out:
        out.writestr("in/w.bin", CONTENT[::-1])
    with pytest.raises(ChecksumError):
        fetcher.fetch(assets[where])


def test_a_tree_of_a_folder_holds_what_fits_the_glob(fetcher, project):
    files = {"a.txt": b"a", "sub/b.txt": b"b"}
    asset = tree_asset(files, path="../../data", tree="**/*.txt", base=project)
    assert files_below(fetcher.fetch(asset)) == files


@pytest.mark.parametrize("path", ["../../../outside.bin", "/etc/passwd", "link.bin"])
def test_a_path_that_leads_out_of_the_project_is_refused(fetcher, project, tmp_path, path):
    (tmp_path / "outside.bin").write_bytes(CONTENT)
    (project / "link.bin").symlink_to(tmp_path / "outside.bin")
    with pytest.raises(AssetError, match="leads out of the project"):
        fetcher.fetch(asset_of(CONTENT, path=path, base=project))


def test_a_folder_with_a_link_out_of_the_project_is_refused(fetcher, project, tmp_path):
    (tmp_path / "outside.txt").write_bytes(b"secret")
    (project.parent.parent / "data/link.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(AssetError, match="leads out of the project"):
        fetcher.fetch(tree_asset({}, path="../../data", tree="**", base=project))


@pytest.mark.parametrize(
    ("fields", "what", "hint"),
    [
        ({"path": "w.bni"}, "there is no w.bni", 'did you mean "w.bin"?'),
        ({"path": "no/such/w.bin"}, "there is no no/such", ""),
        ({"path": "../../data"}, "is a folder", "tree"),
        ({"path": "../../data", "tree": "*.xyz"}, 'fits "*.xyz"', ""),
        ({"path": "w.bin", "file": "x"}, "not an archive", ""),
        ({"path": "w.zip", "file": "in/w.bni"}, "is not in w.zip", 'did you mean "in/w.bin"?'),
    ],
)
def test_a_path_that_is_wrong_is_answered_with_what_is_there(fetcher, project, fields, what, hint):
    with pytest.raises(AssetError) as caught:
        fetcher.fetch(asset_of(CONTENT, base=project, **fields))
    assert what in caught.value.what
    assert hint in (caught.value.hint or "")
    assert caught.value.where == "manifests/models/m.yml:9"


# -- several processes --------------------------------------------------------------------

FETCH = textwrap.dedent("""
    import sys
    from pathlib import Path
    from pytest_mlmodelscope.core.manifest import Asset
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.manifest.fetch import Fetcher

    root, url, sha256, size, file = sys.argv[1:]
    asset = Asset("w", sha256, int(size), "MIT", url=url, file=file or None)
    print(Fetcher(Cache(Path(root))).fetch(asset).read_bytes()[:7].decode())
""")


def _started(cache, asset):
    command = [sys.executable, "-c", FETCH, cache.root, asset.url, asset.sha256, str(asset.size), asset.file or ""]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("inside", [False, True])
def test_processes_that_fetch_the_same_thing_at_once_download_it_once(site, cache, project, inside):
    site.pages["w"] = Page((project / "w.zip").read_bytes() if inside else CONTENT)
    asset = asset_of(CONTENT, url=site.url("w"), file="in/w.bin" if inside else None)
    processes = [_started(cache, asset) for _ in range(6)]
    assert [process.communicate() for process in processes] == [("weights\n", "")] * 6
    assert len(site.asked) == 1


def test_a_process_that_is_killed_leaves_nothing_half_written_and_the_next_goes_on(site, cache):
    site.pages["w"] = Page(endless=True)
    large = asset_of(bytes(50_000_000), url=site.url("w"))
    process = _started(cache, dataclasses.replace(large, size=1 << 60))
    while site.sent < 1_000_000:
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert not (cache.root / "objects").exists()
    site.pages["w"] = Page(CONTENT)
    right = asset_of(CONTENT, url=site.url("w"))
    assert Fetcher(cache).fetch(right).read_bytes() == CONTENT


def test_a_process_that_was_killed_after_moving_did_no_harm(site, cache, fetcher):
    site.pages["w"] = Page(CONTENT)
    asset = asset_of(CONTENT, url=site.url("w"))
    kept = fetcher.fetch(asset)
    next((cache.root / "notes/objects").iterdir()).unlink()
    assert fetcher.fetch(asset) == kept
    assert len(site.asked) == 1
