"""A small project of somebody's: real pictures of digits, a real ONNX model, two YAML manifests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml  # noqa: F401 - before any run in this process: the loader keeps its classes


def _claim(identity: str, figure: str = "90.2 %", **extra: object) -> str:
    """One entry of a claim file."""
    value = figure.split()[0]
    rest = "".join(f", {key}: {text}" for key, text in extra.items())
    source = f'{{title: Notes, where: line 1, figure: "{figure}", read: "2026-11-24"}}'
    return f"- {{id: {identity}, value: {value}, source: {source}{rest}}}\n"


def _header() -> str:
    """What the claims of a file share."""
    return 'schema: claim/1\nmodel: digits-means\ndataset: digits\nmetric: accuracy\nunit: "%"\nclaims:\n'


@pytest.fixture(scope="session")
def claim():
    """Makes one entry of a claim file: ``claim("id", "90.2 %", metric="latency")``."""
    return _claim


@pytest.fixture(scope="session")
def addopts(_runs_inside_stand_alone):
    """The options of every run inside the tests, which ``pytester`` takes away."""
    return os.environ["PYTEST_ADDOPTS"]


@pytest.fixture
def project(addopts, pytester: pytest.Pytester, write_digits, monkeypatch) -> pytest.Pytester:
    """The project, still without claims."""
    monkeypatch.setenv("PYTEST_ADDOPTS", addopts)
    # Under continuous integration pytest prints whole messages where it else prints their first line.
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    write_digits(pytester.path)
    (pytester.path / "claims").mkdir()
    # What else this machine does is no part of what is tested, and to look why a figure is refuted takes seconds.
    quick = "mlms_disturbed = ignore\nmlms_why = off\n"
    pytester.makeini(f"[pytest]\naddopts = --strict-markers -p no:cacheprovider\n{quick}")
    return pytester


@pytest.fixture
def write_claims(project: pytest.Pytester):
    """Write claims/NAME.yml from entries that ``claim`` made."""

    def write(*entries: str, name: str = "digits") -> Path:
        path = project.path / "claims" / f"{name}.yml"
        path.write_text(_header() + "".join(entries))
        return path

    return write
