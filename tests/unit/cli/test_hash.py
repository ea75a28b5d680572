"""``mlms hash``: what an author pastes into a manifest."""

from __future__ import annotations

import hashlib
import zipfile

import pytest
import yaml
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli


@pytest.fixture
def mlms(tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path / "cache"))
    return lambda *args: CliRunner().invoke(cli, ["hash", *map(str, args)])


def test_a_file(mlms, tmp_path):
    (tmp_path / "w.bin").write_bytes(b"weights")
    result = mlms(tmp_path / "w.bin")
    assert yaml.safe_load(result.output) == {"sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}


def test_a_folder_has_the_digest_of_what_sha256sum_prints(mlms, tmp_path):
    (tmp_path / "t/sub").mkdir(parents=True)
    (tmp_path / "t/b").write_bytes(b"2")
    (tmp_path / "t/sub/a").write_bytes(b"1")
    listing = "".join(f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in (("b", b"2"), ("sub/a", b"1")))
    stated = yaml.safe_load(mlms(tmp_path / "t").output)
    assert stated == {"tree": "**", "sha256": hashlib.sha256(listing.encode()).hexdigest(), "size": 2}


def test_a_file_inside_an_archive(mlms, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("in/w.bin", b"weights")
    stated = yaml.safe_load(mlms(tmp_path / "a.zip", "--file", "in/w.bin").output)
    assert stated == {"file": "in/w.bin", "sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}


def test_some_files_of_a_folder(mlms, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t/a.txt").write_bytes(b"1")
    (tmp_path / "t/b.bin").write_bytes(b"22")
    stated = yaml.safe_load(mlms(tmp_path / "t", "--tree", "*.txt").output)
    assert (stated["tree"], stated["size"]) == ("*.txt", 1)


def test_a_file_of_a_package_is_fetched_and_stated_whole(mlms):
    result = CliRunner().invoke(cli, ["hash", "--package", "six==1.16.0", "--file", "six.py"])
    assert yaml.safe_load(result.stdout) == {
        "package": "six==1.16.0",
        "file": "six.py",
        "sha256": "4ce39f422ee71467ccac8bed76beb05f8c321c7f0ceda9279ae2dfa3670106b3",
        "size": 34549,
    }
    assert "fetching six" in result.stderr


@pytest.mark.parametrize(
    ("args", "what"),
    [
        ((), "exactly one of PATH"),
        (("x", "--package", "a==1"), "exactly one of PATH"),
        (("no-such-file",), "no such file"),
        (("--package", "six", "--file", "x"), "does not pin"),
        (("--package", "six==1.16.0"), "which part"),
    ],
)
def test_a_mistake_ends_as_a_message(mlms, args, what):
    result = mlms(*args)
    assert result.exit_code == 2
    assert what in result.output
