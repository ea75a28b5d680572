"""Taking files out of archives, hostile ones included."""

from __future__ import annotations

import io
import lzma
import random
import stat
import tarfile
import zipfile
from contextlib import suppress

import pytest

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.manifest import archive
from pytest_mlmodelscope.manifest.archive import DamagedArchive, glob_pattern, unpack

from .conftest import asset_of, files_below, tree_asset

FILES = {"pkg/model/net.bin": b"net", "pkg/model/vars/a": b"a", "pkg/readme": b"read me", "other/net.bin": b"other"}


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def tarred(path, files, mode="w:gz", links=()):
    with tarfile.open(path, mode) as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
        for name, target, kind in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            out.addfile(info)
    return path


@pytest.fixture(params=["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def packed(request, tmp_path):
    path = tmp_path / f"a.{request.param}"
    if request.param == "zip":
        return zipped(path, FILES)
    return tarred(path, FILES, f"w:{request.param.partition('.')[2]}")


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_one_file_comes_out_of_every_kind_of_archive(packed, scratch):
    assert unpack(packed, asset_of(b"net", file="pkg/model/net.bin"), scratch).read_bytes() == b"net"


@pytest.mark.parametrize("name", ["./pkg/model/net.bin", "/pkg/model/net.bin"])
def test_a_place_may_be_written_as_debian_lists_it(tmp_path, scratch, name):
    packed = tarred(tmp_path / "a.tar", {f"./{key}": value for key, value in FILES.items()})
    assert unpack(packed, asset_of(b"net", file=name), scratch).read_bytes() == b"net"


@pytest.mark.parametrize("glob", ["pkg/model/**", "pkg/model", "pkg/model/", "/pkg/model/**"])
def test_a_tree_holds_what_is_below_its_fixed_prefix(packed, scratch, glob):
    files = {"net.bin": b"net", "vars/a": b"a"}
    assert files_below(unpack(packed, tree_asset(files, tree=glob), scratch)) == files


@pytest.mark.parametrize(
    ("glob", "fits", "prefix"),
    [
        ("a/**", {"a/x", "a/b/x", "a/b/c.ts"}, "a/"),
        ("a/*", {"a/x"}, "a/"),
        ("**/x", {"x", "a/x", "a/b/x"}, ""),
        ("a/**/x", {"a/x", "a/b/x"}, "a/"),
        ("a/b/c.[jt]s", {"a/b/c.ts"}, "a/b/"),
        ("a/b/c.[!j]s", {"a/b/c.ts"}, "a/b/"),
        ("a/?", {"a/x"}, "a/"),
        ("**", {"x", "a/x", "a/b/x", "a/b/c.ts"}, ""),
        ("a+b/**", set(), "a+b/"),
    ],
)
def test_globs_stay_in_their_folder_unless_they_have_two_stars(glob, fits, prefix):
    pattern, found = glob_pattern(glob)
    names = {"x", "a/x", "a/b/x", "a/b/c.ts"}
    assert {name for name in names if pattern.fullmatch(name)} == fits
    assert found == prefix


def test_an_archive_inside_an_archive_is_opened_too(tmp_path, scratch):
    inner = tarred(tmp_path / "inner.tar.gz", FILES)
    outer = zipped(tmp_path / "outer.zip", {"data/inner.tar.gz": inner.read_bytes()})
    one = asset_of(b"net", file="data/inner.tar.gz", member="pkg/model/net.bin")
    assert unpack(outer, one, scratch).read_bytes() == b"net"


def test_a_tree_may_lie_in_an_archive_inside_an_archive(tmp_path, scratch):
    inner = tarred(tmp_path / "inner.tar.gz", FILES)
    outer = zipped(tmp_path / "outer.zip", {"data/inner.tar.gz": inner.read_bytes()})
    some = tree_asset({"net.bin": b"net"}, file="data/inner.tar.gz", tree="pkg/model/*")
    assert files_below(unpack(outer, some, scratch)) == {"net.bin": b"net"}


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("pkg/net.bin", '"pkg/model/net.bin" or "other/net.bin"'),
        ("pkg/model/nett.bin", '"pkg/model/net.bin"'),
        ("zzz", "it holds other/net.bin"),
    ],
)
def test_a_file_that_is_not_there_is_answered_with_the_nearest(packed, scratch, wanted, hint):
    with pytest.raises(AssetError) as caught:
        unpack(packed, asset_of(b"net", file=wanted), scratch)
    assert f'"{wanted}" is not in' in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.where == "manifests/models/m.yml:9"


def test_a_tree_without_files_is_an_error(packed, scratch):
    with pytest.raises(AssetError, match='fits "pkg/modle/'):
        unpack(packed, tree_asset({}, tree="pkg/modle/**"), scratch)


# -- hostile ------------------------------------------------------------------------------

ESCAPES = ["pkg/a/../../../evil", "pkg/../../evil", "pkg//../../evil", "pkg//etc/evil"]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_leave_the_tree_write_nothing(tmp_path, scratch, pack, name):
    packed = pack(tmp_path / "evil", {name: b"evil"})
    before = files_below(tmp_path)
    with pytest.raises(AssetError, match="would leave its folder"):
        unpack(packed, tree_asset({"evil": b"evil"}, tree="pkg/**"), scratch)
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "nowhere"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_that_leave_the_archive_are_refused(tmp_path, scratch, target, kind):
    packed = tarred(tmp_path / "a.tar", FILES, "w", links=[("pkg/model/link", target, kind)])
    for asset in (asset_of(b"net", file="pkg/model/link"), tree_asset({"link": b"x" * 99}, tree="pkg/model/**")):
        with pytest.raises(AssetError, match="link that leaves the archive"):
            unpack(packed, asset, scratch)


def test_a_link_within_the_archive_is_the_file_that_it_points_to(tmp_path, scratch):
    packed = tarred(tmp_path / "a.tar", FILES, "w", links=[("pkg/model/link", "net.bin", tarfile.SYMTYPE)])
    found = unpack(packed, asset_of(b"net", file="pkg/model/link"), scratch)
    assert found.read_bytes() == b"net"
    assert not found.is_symlink()


def test_writing_through_a_planted_link_is_not_possible(tmp_path, scratch):
    outside = tmp_path / "outside"
    outside.mkdir()
    packed = tmp_path / "a.tar"
    with tarfile.open(packed, "w") as out:
        link = tarfile.TarInfo("pkg/dir")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        out.addfile(link)
        info = tarfile.TarInfo("pkg/dir/evil")
        info.size = 4
        out.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(AssetError):
        unpack(packed, tree_asset({"dir/evil": b"evil"}, tree="pkg/**"), scratch)
    assert not list(outside.iterdir())


def test_a_link_in_a_zip_is_refused(tmp_path, scratch):
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as out:
        info = zipfile.ZipInfo("pkg/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(info, "/etc/passwd")
    with pytest.raises(AssetError, match="link"):
        unpack(packed, asset_of(b"/etc/passwd", file="pkg/link"), scratch)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path, scratch, kind):
    packed = tarred(tmp_path / "a.tar", {}, "w", links=[("pkg/zero", "", kind)])
    with pytest.raises(AssetError, match="not a file"):
        unpack(packed, asset_of(b"x", file="pkg/zero"), scratch)


def test_a_folder_is_not_a_file(tmp_path, scratch):
    packed = tarred(tmp_path / "a.tar", {}, "w", links=[("pkg", "", tarfile.DIRTYPE)])
    with pytest.raises(AssetError, match="a folder") as caught:
        unpack(packed, asset_of(b"x", file="pkg"), scratch)
    assert "tree" in caught.value.hint


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_stops_at_the_declared_size(tmp_path, scratch, pack):
    packed = pack(tmp_path / "bomb", {"pkg/zeros": bytes(50_000_000)})
    with pytest.raises(ChecksumError, match="longer than its manifest says"):
        unpack(packed, asset_of(b"x" * 1000, file="pkg/zeros"), scratch)
    assert sum(map(len, files_below(scratch).values())) < 2_000_000


def test_a_bomb_of_many_files_stops_at_the_declared_size(tmp_path, scratch):
    packed = zipped(tmp_path / "bomb.zip", {f"pkg/{index}": bytes(100_000) for index in range(100)})
    with pytest.raises(ChecksumError):
        unpack(packed, tree_asset({"0": bytes(250_000)}, tree="pkg/**"), scratch)
    assert sum(map(len, files_below(scratch).values())) <= 350_000


def test_an_inner_archive_may_only_grow_so_much(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(archive, "FREE_GROWTH", 0)
    packed = zipped(tmp_path / "bomb.zip", {"inner.tar": bytes(20_000_000)})
    with pytest.raises(ChecksumError):
        unpack(packed, asset_of(b"x", file="inner.tar", member="m"), scratch)


def test_an_archive_of_too_many_files_is_refused(tmp_path, scratch, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(AssetError, match="more than 3 files"):
        unpack(tarred(tmp_path / "a.tar", FILES, "w"), asset_of(b"x", file="none"), scratch)


def test_a_password_is_asked_of_nobody(tmp_path, scratch):
    packed = zipped(tmp_path / "a.zip", {"x": b"x" * 100})
    raw = bytearray(packed.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(signature) + offset] |= 1
    packed.write_bytes(raw)
    with pytest.raises(AssetError, match="cannot be read"):
        unpack(packed, asset_of(b"x" * 100, file="x"), scratch)


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path, scratch):
    inner = zipped(tmp_path / "inner.zip", {"evil": b"evil"})
    packed = tarred(tmp_path / "a.tar", {"net": b"net", "inner.zip": inner.read_bytes()}, "w")
    assert unpack(packed, asset_of(b"net", file="net"), scratch).read_bytes() == b"net"


@pytest.mark.parametrize("content", [b"", b"no archive", b"<html>sign in first</html>"])
def test_what_is_no_archive_is_refused(tmp_path, scratch, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(AssetError, match="not an archive"):
        unpack(tmp_path / "x.zip", asset_of(b"x", file="x"), scratch)


NOISE = random.Random(0).randbytes(200_000)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_truncated_archive_is_an_error_and_never_half_a_file(tmp_path, scratch, packed_noise, share):
    raw = packed_noise.read_bytes()
    packed_noise.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(AssetError):
        unpack(packed_noise, asset_of(NOISE, file="b"), scratch)


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_never_end_in_a_traceback(tmp_path, scratch, packed_noise, seed):
    dice = random.Random(seed)
    raw = bytearray(packed_noise.read_bytes())
    for _ in range(200):
        raw[dice.randrange(4, len(raw))] = dice.randrange(256)
    packed_noise.write_bytes(raw)
    # Flipped bytes may spare this file; what it must not be is anything but ours.
    with suppress(AssetError):
        unpack(packed_noise, asset_of(NOISE, file="b"), scratch)


@pytest.fixture(params=["zip", "tar.gz", "tar.bz2", "tar.xz"])
def packed_noise(request, tmp_path):
    path = tmp_path / f"noise.{request.param}"
    if request.param == "zip":
        return zipped(path, {"a": NOISE, "b": NOISE})
    return tarred(path, {"a": NOISE, "b": NOISE}, f"w:{request.param.partition('.')[2]}")


def test_a_compressed_file_that_is_no_tar_is_refused(tmp_path, scratch):
    (tmp_path / "x.xz").write_bytes(lzma.compress(NOISE))
    with pytest.raises(AssetError):
        unpack(tmp_path / "x.xz", asset_of(b"x", file="x"), scratch)


def test_a_damaged_archive_is_told_apart_so_that_it_can_be_fetched_again(tmp_path, scratch):
    packed = tarred(tmp_path / "a.tar.gz", {"b": NOISE})
    packed.write_bytes(packed.read_bytes()[:-1000])
    with pytest.raises(DamagedArchive, match="is damaged"):
        unpack(packed, asset_of(NOISE, file="b"), scratch)
