"""From a claim about GPUs to a record, on a GPU that is not there: the processor does its work.

What these stand-ins answer for is tested for real where there is a GPU: tests/conformance/test_pytorch.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import gpus
import pytest

CLAIMS = """\
schema: claim/1
model: fashion-cnn
dataset: {name: fashion-mnist, split: test}
source: {title: Notes, where: line 1, figure: "90 %, 900 ms", read: "2026-11-26"}
claims:
  - id: half
    metric: accuracy
    value: 90
    unit: "%"
    direction: higher
    conditions: {precision: fp16, frameworks: [pytorch], batch: 100, hardware: {device: gpu, name: H100}}
  - id: quick
    metric: latency
    value: 900
    unit: ms
    direction: lower
    conditions: {precision: tf32, frameworks: [pytorch], runs: 2, seconds: 0.01, hardware: {device: gpu, name: H100}}
  - id: elsewhere
    metric: latency
    value: 900
    unit: ms
    direction: lower
    conditions: {frameworks: [pytorch], hardware: {device: gpu, name: V100}}
"""
#: The driver's library has one GPU, which its power cap slows down; PyTorch in the worker takes the processor for it.
STAND_INS = """\
import sys

import pytest

sys.path.append({folder!r})
import gpus

from pytest_mlmodelscope.agent import archive, environment

gpus.install(pytest.MonkeyPatch(), gpus.Gpu("NVIDIA H100", throttled=4))
obtain, pack = environment.Environments.obtain, archive._zip
WORKER = b'''
from types import SimpleNamespace
_PLACES["gpu"] = "cpu"
torch.cuda.is_available = lambda: True
torch.cuda.synchronize = lambda: None
torch.cuda.memory_allocated = lambda: 80
torch.cuda.get_device_properties = lambda number: SimpleNamespace(name="H100", major=9, minor=0, total_memory=2**36)
'''
PLACE = "pytest_mlmodelscope/frameworks/pytorch/device.py"


def on_the_processor(self, use, requirement="", place=environment.HERE):
    assert place.device == "gpu"
    return obtain(self, use, requirement, environment.HERE)


def with_stand_in(texts):
    return pack({{**texts, PLACE: texts[PLACE] + WORKER}})


environment.Environments.obtain = on_the_processor
archive._zip = with_stand_in
"""


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """What the record says of each claim, and what was printed."""
    folder = tmp_path_factory.mktemp("gpu")
    (folder / "claims").mkdir()
    (folder / "claims" / "gpu.yml").write_text(CLAIMS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(STAND_INS.format(folder=str(Path(gpus.__file__).parent)))
    command = [
        "--mlms",
        "-m",
        "gpu",
        "--mlms-evidence",
        "sample:300",
        "--mlms-disturbed",
        "mark",
        "--mlms-json",
        "record.json",
        "--mlms-record",
    ]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CUDA_VISIBLE")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((folder / "record.json").read_text())["mlms"]["cases"]
    kept = [path.name for path in folder.rglob("baselines/x86_64-gpu-nvidia-h100/*.json")]
    return {case["claim"]: case for case in record}, done.stdout, kept


def test_the_gpu_is_the_target_and_its_precision_is_read_back(cases):
    case = cases[0]["half"]
    assert (case["target"], case["machine"]["name"], case["n"]) == ("gpu", "NVIDIA H100", 300)
    assert (case["software"]["device"], case["software"]["precision"]) == ("gpu", "fp16")
    assert case["software"]["gpu"]["compute_capability"] == "9.0"
    assert case["measured"] > 80


def test_a_timed_case_is_watched_alone_and_marked_where_it_was_slowed_down(cases):
    case = cases[0]["quick"]
    assert (case["kind"], case["software"]["precision"]) == ("timed", "tf32")
    assert len(case["runs"]) == 2
    assert case["turn"]["held"][0].startswith("gpu ")
    assert case["watched"]["power_w"]["max"] == 350
    assert case["watched"]["throttled"] == ["power cap"]
    for run in case["watched"]["runs"]:
        assert run["use"] == "marked"
        assert "the device was slowed down: power cap" in run["why"]
    assert "THROTTLED" in cases[1]
    assert "2 of 2 timed process runs were disturbed: 2 marked" in cases[1]
    # What was measured while it was slowed down is compared with nothing later.
    assert cases[2] == ["half-pytorch-gpu.json"]


def test_a_claim_about_another_gpu_is_not_applicable(cases):
    case = cases[0]["elsewhere"]
    assert case["verdict"] == "not_applicable"
    assert "NVIDIA H100" in case["reason"]
