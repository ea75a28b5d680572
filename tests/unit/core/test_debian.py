"""Where Debian's archive is, as apt knows it: real apt, with package sources made here."""

import subprocess

import pytest

from pytest_mlmodelscope.core import debian
from pytest_mlmodelscope.core.emulated import lacking


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Makes apt read these package sources, and no others."""

    def write(*lines):
        (tmp_path / "sources.list").write_text("".join(f"deb {line}\n" for line in lines))
        (tmp_path / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "{tmp_path}/none";\n'
        )
        debian.mirror.cache_clear()

    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    yield write
    debian.mirror.cache_clear()


@pytest.mark.parametrize("release", ["bookworm", "trixie", "stable", "oldoldstable", "sid"])
def test_the_archive_is_found_whatever_the_release_of_the_machine(sources, release):
    sources("https://example.org/else stable main", f"https://example.org/debian {release} main contrib")
    assert debian.mirror() == "https://example.org/debian/"
    assert lacking() is None


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/debian-security bookworm-security main",
        "https://example.org/ubuntu noble main",
        "https://example.org/linux/debian bookworm stable",
        "https://example.org/apt bookworm main",
    ],
)
def test_what_only_looks_like_it_is_not_taken(sources, line):
    sources(line)
    assert debian.mirror() is None
    assert "no package source" in lacking().what


def test_without_apt_there_is_none(monkeypatch, tmp_path):
    debian.mirror.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.mirror() is None
    assert lacking().what == "apt-get is not here"
    debian.mirror.cache_clear()


def test_the_architecture_is_what_dpkg_says():
    said = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout
    assert debian.architecture() == said.strip()
