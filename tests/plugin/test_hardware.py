"""What a user reads where a claim is about other hardware, and while another process times a case."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import gpus
import pytest

from pytest_mlmodelscope.targets import local_cpu

CPU = local_cpu()
FAMILY = "a64fx" if CPU.arch != "aarch64" else "power9"
#: A claim's hardware, and the line that tells why it is not this machine's.
WAYS = {
    "architecture": ("arch: s390x", f"(architecture): s390x, and this is {CPU.arch}"),
    "name": ("name: '^No Such'", f"(name): one that matches /^No Such/, and this is {CPU.name}"),
    "memory": ("memory: 900 TB", f"(memory): at least 900000 GB, and here are {CPU.memory / 1e9:.1f} GB"),
    "cores": ("cores: 9999", f"(cores): at least 9999, and here are {CPU.facts['cores']}"),
    "family": (
        f"microarchitecture: {FAMILY}",
        f"(microarchitecture): {FAMILY} or a successor, and this is {CPU.facts['microarchitecture']}",
    ),
    "features": ("features: [no_such, nor_this]", f"(features): no_such, nor_this, and {CPU.name} does not have that"),
    "gpu-name": ("device: gpu, name: V100", "(name): one that matches /V100/, and this is Some GPU (the nearest of 2)"),
    "gpu-memory": ("device: gpu, memory: 1 TB", "(memory): at least 1000 GB, and here are 150.8 GB (the nearest of 2)"),
    "driver": ("device: gpu, driver: '999.1'", "(driver): at least 999.1, and here is 570.86.15 (the nearest of 2)"),
    "cuda": ("device: gpu, cuda: '99'", "(cuda): at least 99, and here is 12.8 (the nearest of 2)"),
    "capability": (
        "device: gpu, compute_capability: '99.0'",
        "(compute capability): at least 99.0, and here is 9.0 (the nearest of 2)",
    ),
}


@pytest.fixture
def run(project):
    """Runs ``pytest --mlms`` in the project, in a process of its own."""
    return lambda *args: project.runpytest_subprocess("--mlms", "-p", "no:xdist", *args)


def test_each_way_in_which_hardware_is_another_is_told_in_one_line(project, run, write_claims, claim):
    project.makeconftest(
        f"import sys; sys.path.append({str(Path(gpus.__file__).parent)!r}); import gpus, pytest\n"
        "gpus.install(pytest.MonkeyPatch(), gpus.Gpu('Some GPU'), gpus.Gpu('Some GPU', uuid='GPU-2'))\n"
    )
    write_claims(*(claim(name, conditions=f"{{hardware: {{{asked}}}}}") for name, (asked, _) in WAYS.items()))
    result = run("-rs", "--mlms-json", "r.json")
    result.assert_outcomes(skipped=len(WAYS))
    lines = [line for line in result.outlines if line.startswith("SKIPPED")]
    for _, told in WAYS.values():
        wanted = f": not applicable here: the claim is about other hardware {told}"
        assert sum(line.endswith(wanted) for line in lines) == 1, (wanted, lines)
    assert len(lines) == len(WAYS)
    machine = json.loads((project.path / "r.json").read_text())["mlms"]["machine"]
    assert [gpu["unit"] for gpu in machine["gpus"]] == ["GPU-1", "GPU-2"]
    assert machine["facts"]["microarchitecture"] == CPU.facts["microarchitecture"]


TIMED = {"metric": "latency", "unit": "ms", "direction": "lower", "conditions": "{runs: 2, seconds: 0.01}"}
#: Writes down when each process run is timed and for whom, by a clock that all processes share.
DIARY = """\
import time
from pytest_mlmodelscope.engine import timing

run = timing.process_run


def noted(bench, sut, *arguments):
    begun = time.clock_gettime(time.CLOCK_MONOTONIC)
    found = run(bench, sut, *arguments)
    with open("diary", "a") as file:
        file.write("%r %r %s\\n" % (begun, time.clock_gettime(time.CLOCK_MONOTONIC), sut.case.id))
    return found


timing.process_run = noted
"""


def test_processes_of_one_run_time_one_case_after_another(project, write_claims, claim, monkeypatch):
    monkeypatch.setenv("MLMS_LOCKS", str(project.path / "locks"))
    project.makeconftest(DIARY)
    for name in ("first", "second"):  # a file each, for the processes to share out
        write_claims(claim(name, "5000 ms", **TIMED), name=name)
    result = project.runpytest_subprocess("--mlms", "-n2", "--mlms-json", "r.json")
    result.assert_outcomes(passed=2)
    runs = sorted(line.split() for line in (project.path / "diary").read_text().splitlines())
    assert len(runs) == 4
    assert all(float(end) <= float(begun) for (_, end, _), (begun, _, _) in pairwise(runs))
    assert runs[0][2] == runs[1][2] != runs[2][2] == runs[3][2]  # nobody comes between two runs of a case
    cases = json.loads((project.path / "r.json").read_text())["mlms"]["cases"]
    assert [case["turn"]["held"] for case in cases] == [["processor"]] * 2


HOLDER = """\
import sys
from pytest_mlmodelscope.agent.turns import turn
from pytest_mlmodelscope.targets import local_cpu
with turn(local_cpu(), "their-case", print):
    print("has it", flush=True)
    sys.stdin.readline()
"""


def test_who_waits_for_a_device_is_told_which_process_has_it(project, run, write_claims, claim, monkeypatch):
    monkeypatch.setenv("MLMS_LOCKS", str(project.path / "locks"))
    # Else the test would take as long as people wait before they wonder. The one who waits lets the other go on.
    project.makeconftest(
        "import pathlib\nfrom pytest_mlmodelscope.agent import turns\nfrom pytest_mlmodelscope.plugin import terminal\n"
        "turns.PATIENCE = terminal.PACE = 0.0\n"
        "told = turns._told\n"
        "def tell(*arguments):\n    pathlib.Path('told').touch()\n    return told(*arguments)\n"
        "turns._told = tell\n"
    )
    write_claims(claim("fast", "5000 ms", **TIMED))
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "has it\n"
        release = subprocess.Popen(
            ["sh", "-c", "until [ -e told ]; do sleep 0.05; done; echo"], cwd=project.path, stdout=holder.stdin
        )
        holder.stdin.close()
        result = run("--mlms-json", "r.json")
        release.wait()
    result.assert_outcomes(passed=1)
    line = f"  fast-onnxruntime-cpu: waits for the processor, which has process {holder.pid} (times their-case since "
    assert any(told.startswith(line) for told in result.outlines)
    (case,) = json.loads((project.path / "r.json").read_text())["mlms"]["cases"]
    assert case["turn"]["held"] == ["processor"]
    assert case["turn"]["waited_s"] > 0
