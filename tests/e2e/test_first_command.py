"""The first command of a new user, on a machine that has git, a bare Python and uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, copy_checkout):
    """A clone of the project with its files as they are now."""
    folder = tmp_path_factory.mktemp("new") / "checkout"
    copy_checkout(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def verify(checkout, bare_python, tmp_path_factory):
    """Runs ``./scripts/verify`` with a Python that has neither ensurepip nor pip."""
    path = tmp_path_factory.mktemp("path")
    (path / "python3").symlink_to(bare_python)
    (path / "uv").symlink_to(UV)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "VIRTUAL_ENV"))}

    def run(*arguments, **variables):
        command = [checkout / "scripts" / "verify", *arguments]
        environ["PATH"] = f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin"
        variables = {**environ, **variables}
        return subprocess.run(command, cwd=checkout.parent, env=variables, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def first(verify):
    """What the first run did."""
    return verify("--version")


def test_the_first_command_ends_well_and_says_what_it_does(first):
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("pytest ")
    assert "building the wheel" in first.stderr


def test_the_package_in_the_environment_is_a_wheel(first, checkout):
    code = "import pytest_mlmodelscope as package; print(package.__file__)"
    asked = [checkout / ".venv" / "bin" / "python", "-I", "-c", code]
    found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout

    assert "/.venv/lib/" in found
    assert "site-packages/pytest_mlmodelscope/" in found


def test_a_second_command_sets_nothing_up(first, verify):
    second = verify("--version")

    assert second.returncode == 0
    assert second.stderr == ""


def test_the_checkout_gets_nothing_but_what_git_ignores(first, checkout):
    subprocess.run(["git", "add", "-A"], cwd=checkout, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=checkout, check=True, capture_output=True, text=True).stdout

    assert not any(name.startswith((".venv", "build/", "dist/")) for name in listed.splitlines())


def test_claims_are_collected_from_anywhere_by_the_first_command(first, verify):
    done = verify("--collect-only", "-q")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "eld-m-big-test" in done.stdout


def test_what_the_first_command_verifies_is_kept(first, verify, tmp_path):
    done = verify("claims/vader.yml", "-k", "vader-tweets-r-", MLMS_STORE=str(tmp_path / "results.sqlite"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept as " in done.stdout
    assert (tmp_path / "results.sqlite").exists()
