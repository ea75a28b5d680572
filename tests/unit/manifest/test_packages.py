"""Assets in packages, from the registries themselves."""

from __future__ import annotations

import subprocess

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT, DistributionPackage

from pytest_mlmodelscope.core.errors import AssetError, ChecksumError
from pytest_mlmodelscope.core.manifest import Asset
from pytest_mlmodelscope.manifest.sources import debian, download, key, npm, pypi

from .conftest import Page, files_below

SIX = "4ce39f422ee71467ccac8bed76beb05f8c321c7f0ceda9279ae2dfa3670106b3"
LEFT_PAD = "32641b6b3c2bd800bcc8283205ee27426aed2559f1e8eb7d9377530f62292686"


def six(**fields):
    fields = {"package": "six==1.16.0", "file": "six.py", "where": "m.yml:3", **fields}
    return Asset("six", SIX, 34549, "MIT", **fields)


def left_pad(**fields):
    fields = {"package": "left-pad==1.3.0", "file": "package/index.js", "registry": "npm", "where": "m.yml:3", **fields}
    return Asset("pad", LEFT_PAD, 1469, "WTFPL", **fields)


# -- pypi ---------------------------------------------------------------------------------


def test_a_file_comes_out_of_a_wheel(fetcher):
    assert "Python 2 and 3" in fetcher.fetch(six()).read_text()


def test_the_same_file_comes_out_of_a_source_distribution_and_nothing_of_it_is_run(fetcher, cache):
    asset = six(kind="sdist", file="six-1.16.0/six.py")
    assert fetcher.fetch(asset) == cache.find("objects", SIX)
    assert [path.name for path in (cache.root / "packages").glob("*/*")] == ["six-1.16.0.tar.gz"]


def test_a_tree_comes_out_of_a_wheel(fetcher):
    sha256, size = fetcher.measure(six(file=None, tree="six-1.16.0.dist-info/**"))
    tree = Asset("tree", sha256, size, "MIT", package="six==1.16.0", tree="six-1.16.0.dist-info/**")
    assert "METADATA" in files_below(fetcher.fetch(tree))


@pytest.mark.parametrize(
    ("fields", "what", "hint"),
    [
        ({"package": "six==1.16.99"}, "no wheel of six==1.16.99", "1.16.0"),
        ({"package": "six-no-such-package-of-anyone==1.0"}, "has no package", "package"),
        ({"package": "vaderSentiment==0.5"}, "no wheel of vaderSentiment==0.5", "kind: sdist"),
        ({"file": "sxi.py"}, '"sxi.py" is not in six==1.16.0', 'did you mean "six.py"?'),
    ],
)
def test_what_the_index_does_not_have_is_answered_with_what_it_has(fetcher, fields, what, hint):
    with pytest.raises(AssetError) as caught:
        fetcher.fetch(six(**fields))
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert caught.value.where == "m.yml:3"


def test_the_index_is_the_one_that_pip_would_use(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.example/simple/")
    assert pypi.index_address() == "https://mine.example/simple/"
    monkeypatch.delenv("PIP_INDEX_URL")
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://theirs.example/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert pypi.index_address() == "https://theirs.example/simple/"
    monkeypatch.setattr(pypi.sys, "executable", "/no/such/python")
    assert pypi.index_address() == PYPI_SIMPLE_ENDPOINT


def test_an_index_that_cannot_be_reached_is_an_error_without_its_password(fetcher, monkeypatch):
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9/simple/")
    with pytest.raises(AssetError, match="cannot be used") as caught:
        fetcher.fetch(six())
    assert "secret" not in str(caught.value)
    assert "PIP_INDEX_URL" in caught.value.hint


def test_a_file_that_the_index_describes_otherwise_is_refused(site, fetcher, monkeypatch):
    site.pages["simple/six/"] = Page(
        b'<a href="/files/six-1.16.0-py3-none-any.whl#sha256=' + b"0" * 64 + b'">six-1.16.0-py3-none-any.whl</a>'
    )
    site.pages["files/six-1.16.0-py3-none-any.whl"] = Page(b"PK\x05\x06 other bytes")
    monkeypatch.setenv("PIP_INDEX_URL", site.url("simple/"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ChecksumError, match="not what the package index publishes"):
        fetcher.fetch(six())


def _wheel(name):
    version = name.split("-")[1]
    return DistributionPackage(
        filename=name,
        url=name,
        project="p",
        version=version,
        package_type="wheel",
        digests={},
        requires_python=None,
        has_sig=None,
    )


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["p-1-cp311-cp311-win_amd64.whl", "p-1-py3-none-any.whl"], "p-1-py3-none-any.whl"),
        (
            ["p-1-cp311-cp311-macosx_11_0_arm64.whl", "p-1-cp312-cp312-manylinux_2_17_x86_64.whl"],
            "p-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        ),
        (
            ["p-1-cp312-cp312-manylinux_2_17_x86_64.whl", "p-1-cp311-cp311-manylinux_2_17_x86_64.whl"],
            "p-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        ),
        (["p-1.0-py3-none-any.whl"], "p-1.0-py3-none-any.whl"),
        (["p-2-py3-none-any.whl"], None),
    ],
)
def test_of_several_wheels_it_is_the_same_one_on_every_machine(names, chosen):
    for files in (names, names[::-1]):
        found = pypi.choose([_wheel(name) for name in files], "1", "wheel")
        assert (found and found.filename) == chosen


def test_assets_of_one_package_share_it_and_others_do_not():
    assert key(six()) == key(six(file="other"))
    others = [six(kind="sdist"), six(package="six==1.15.0"), left_pad(), left_pad(package="six==1.16.0")]
    assert len({key(asset) for asset in [six(), *others]}) == 5


# -- npm ----------------------------------------------------------------------------------


def test_a_file_comes_out_of_an_npm_package(fetcher):
    assert "leftPad" in fetcher.fetch(left_pad()).read_text()


def test_a_version_that_npm_does_not_have_is_an_error_in_its_words(fetcher):
    with pytest.raises(AssetError, match=r"npm cannot fetch left-pad==99\.0\.0") as caught:
        fetcher.fetch(left_pad(package="left-pad==99.0.0"))
    assert "ETARGET" in caught.value.got
    assert caught.value.where == "m.yml:3"


def test_without_npm_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="needs npm") as caught:
        npm.obtain(left_pad(), tmp_path, lambda text: None)
    assert "install" in caught.value.hint


# -- debian -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def hello():
    """The version of a small Debian package that is on offer here."""
    with_lists = subprocess.run(["apt-cache", "madison", "hello"], capture_output=True, text=True).stdout
    if "hello" not in with_lists:
        subprocess.run(["apt-get", "update"], capture_output=True)
        with_lists = subprocess.run(["apt-cache", "madison", "hello"], capture_output=True, text=True).stdout
    return with_lists.split("|")[1].strip()


def _hello(version, **fields):
    fields = {"tree": "usr/share/doc/hello/**", "registry": "debian", "where": "m.yml:3", **fields}
    return Asset("hello", "0" * 64, 1, "GPL-3.0-or-later", package=f"hello=={version}", **fields)


def test_files_come_out_of_a_debian_package_that_is_not_installed(fetcher, cache, hello):
    sha256, size = fetcher.measure(_hello(hello))
    kept = fetcher.fetch(Asset("hello", sha256, size, "GPL", package=f"hello=={hello}", registry="debian", tree=DOC))
    assert "copyright" in files_below(kept)
    assert not list((cache.root / "partial").iterdir())


DOC = "/usr/share/doc/hello/**"


def test_a_version_that_is_not_offered_is_answered_with_the_one_that_is(fetcher, hello):
    with pytest.raises(AssetError, match=r"do not offer hello==0\.0-1") as caught:
        fetcher.fetch(_hello("0.0-1"))
    assert hello in caught.value.got
    assert f"hello=={hello}" in caught.value.hint


def test_lists_of_its_own_do_where_the_systems_are_missing(tmp_path, hello):
    options = debian._own_lists(tmp_path / "apt")
    assert debian._run(["apt-get", *options, "update"], tmp_path).returncode == 0
    assert debian._download([f"hello={hello}"], tmp_path, options)
    assert [path.suffix for path in tmp_path.iterdir() if path.is_file()] == [".deb"]


def test_elsewhere_than_on_debian_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="apt-get is not here") as caught:
        debian.obtain(_hello("1"), tmp_path, lambda text: None)
    assert "Debian" in caught.value.hint


def test_a_debian_package_that_cannot_be_opened_is_an_error(tmp_path):
    (tmp_path / "x.deb").write_bytes(b"no package")
    with pytest.raises(AssetError, match="cannot be unpacked"):
        debian._unpacked(tmp_path / "x.deb", tmp_path / "x.tar", _hello("1"))
