"""``mlms targets``: what each kind of machine is here, or why not and what would get it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from gpus import Gpu, install

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.targets import arch, local_cpu


def invoke(*arguments):
    result = CliRunner().invoke(cli, ["targets", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def rows():
    return lambda: {row["name"]: row for row in json.loads(invoke("--json"))}


def test_every_target_is_here_or_says_why_not_and_what_would_get_it(rows):
    found = rows()
    assert list(found) == list(names("targets"))
    for name, row in found.items():
        if row["here"]:
            machine = member("targets", name).probe()
            assert (row["nature"], row["machine_class"]) == (machine.nature, machine.machine_class)
            assert (row["reason"], row["hint"]) == (None, None)
        else:
            with pytest.raises(NotApplicable, match=re.escape(row["reason"])) as refused:
                member("targets", name).probe()
            assert row["hint"] == refused.value.hint != ""


def test_the_processor_is_listed_with_all_that_is_measured(rows):
    row = rows()["cpu"]
    assert row["machine_class"] == local_cpu().machine_class
    (machine,) = row["machines"]
    assert machine == json.loads(json.dumps({**local_cpu().identity, "facts": dict(local_cpu().facts)}))
    table = invoke()
    assert f"hardware: {local_cpu().machine_class}" in table
    assert f"{local_cpu().facts['cores']} cores" in table
    assert local_cpu().facts["microarchitecture"] in table


def test_every_gpu_is_listed(monkeypatch, rows):
    install(monkeypatch, Gpu(), Gpu("Tesla T4", 15360 * 2**20, "GPU-4", (7, 5)))
    row = rows()["gpu"]
    assert [machine["unit"] for machine in row["machines"]] == ["GPU-1", "GPU-4"]
    assert (row["machine_class"], row["memory"]) == (f"{arch()}-gpu-nvidia-h200", 143771 * 2**20)
    table = invoke()
    assert f"hardware: {arch()}-gpu-nvidia-h200" in table
    assert "NVIDIA H200, 150.8 GB, compute capability 9.0, driver 570.86.15, CUDA 12.8" in table
    assert "Tesla T4, 16.1 GB, compute capability 7.5, driver 570.86.15, CUDA 12.8" in table


def test_what_is_not_here_is_told_with_what_would_get_it(monkeypatch):
    install(monkeypatch)
    table = invoke()
    assert "no: no GPU here: the NVIDIA driver lists none" in table
    assert "try: look at nvidia-smi" in table
