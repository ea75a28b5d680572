"""What a GPU machine without a network gets, and what is run there."""

from __future__ import annotations

import sys
import zipfile

import packing
import pytest


def test_what_the_project_needs_goes_along_and_what_the_machine_has_does_not():
    names = packing.needed()
    assert {"click", "filelock", "scipy", "nvidia-ml-py", "rpds-py"} <= names  # of its own, and of others
    assert not names & packing.LEFT_OUT
    assert not names & {"iniconfig", "pluggy", "flatbuffers"}  # they come with pytest and ONNX Runtime


def test_tests_of_packages_and_compiled_code_stay_behind(tmp_path):
    for name in ("a/code.py", "a/tests/test_code.py", "a/__pycache__/code.pyc", "a-1.dist-info/METADATA", "tests.py"):
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text("")
    packing._compress(tmp_path / "site", tmp_path / "packages.zip")
    with zipfile.ZipFile(tmp_path / "packages.zip") as packed:
        assert packed.namelist() == ["a/code.py", "a-1.dist-info/METADATA", "tests.py"]


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A folder as it arrives over there, with one module in it."""
    monkeypatch.setattr(packing, "PACK", tmp_path / ".gpu")
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    (tmp_path / ".gpu").mkdir()
    with zipfile.ZipFile(tmp_path / ".gpu" / "packages.zip", "w") as packed:
        packed.writestr("came_along.py", "HERE = True")
    return tmp_path


def test_everything_is_run_and_the_worst_status_is_the_answer(there, monkeypatch):
    script = (
        "import came_along, os, sys; open(sys.argv[1], 'w').write(os.environ['MLMS_CACHE']); sys.exit(int(sys.argv[2]))"
    )

    def commands(out, arguments):
        assert arguments == ["-k", "fp16"]
        return [[sys.executable, "-c", script, str(out / name), status] for name, status in (("a", "1"), ("b", "0"))]

    monkeypatch.setattr(packing, "_commands", commands)
    assert packing.run(["-k", "fp16"]) == 1
    assert (there / "out" / "a").read_text() == (there / "out" / "b").read_text() == str(there / ".gpu" / "cache")


def test_the_claims_come_last_with_the_users_arguments(there):
    *_, rules, claims = packing._commands(there / "out", ["-m", "gpu and pytorch"])
    assert "OnGpu" in rules
    assert claims[claims.index("-m", 3) :][:2] == ["-m", "gpu"]
    assert claims[-2:] == ["-m", "gpu and pytorch"]
    assert {"--mlms", "--mlms-offline", "--mlms-record", str(there / "out" / "gpu.json")} <= set(claims)
