"""Facts on machine and software."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import numpy
import psutil

from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.record.machine import commit_info, machine_facts, software_facts


def test_what_a_target_found_is_kept():
    probe = Machine("x86_64-cpu-some", "cpu", "x86_64", "Some CPU", 2**34, {"cores": 4, "driver": None})
    facts = machine_facts(probe)
    assert (facts["machine_class"], facts["device"], facts["name"]) == ("x86_64-cpu-some", "cpu", "Some CPU")
    assert facts["memory"] == 2**34
    assert facts["facts"] == {"cores": 4, "driver": None}


def test_the_host_is_described_without_a_target():
    facts = machine_facts(None)
    assert facts["machine_class"] is None
    assert facts["memory"] == psutil.virtual_memory().total
    assert facts["threads"] == psutil.cpu_count()
    assert facts["kernel"] == platform.release()
    assert len(facts["load_average"]) == 3
    json.dumps(facts, allow_nan=False)


def test_versions_are_those_that_are_installed():
    facts = software_facts()
    assert facts["python"] == platform.python_version()
    assert facts["numpy"] == numpy.__version__
    assert {"pytest-mlmodelscope", "onnxruntime", "pytest-benchmark", "scipy"} <= facts.keys()


def test_a_folder_without_a_repository_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert commit_info()["id"] == "unversioned"


def test_a_repository_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert len(commit_info()["id"]) == 40
    assert commit_info()["dirty"] is False


def test_the_record_is_cheap_to_import():
    heavy = "['cpuinfo', 'psutil', 'scipy', 'pytest', 'pytest_benchmark', 'rich']"
    code = f"import sys, pytest_mlmodelscope.record.build; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
