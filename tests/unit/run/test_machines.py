"""Which machine a case is measured on, what its worker sees of it, and what the result says."""

from __future__ import annotations

import dataclasses

import pytest
from gpus import Gpu, install

from pytest_mlmodelscope.agent.turns import folder, holders
from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.engine import sut
from pytest_mlmodelscope.plugin.outcomes import explanation
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.targets import arch, local_cpu

H200, T4 = Gpu(uuid="GPU-1"), Gpu("Tesla T4", 15360 * 2**20, "GPU-4", (7, 5))


@pytest.fixture
def gpus(monkeypatch, words):
    """A machine with two GPUs, and a framework that is driven on them as on any device."""
    install(monkeypatch, H200, T4)
    spec, request = sut.framework_spec, sut.Sut.open_request
    every = ("cpu", "gpu")
    monkeypatch.setattr(sut, "framework_spec", lambda name: dataclasses.replace(spec(name), devices=every))
    monkeypatch.setattr(sut.Sut, "open_request", lambda self: {**request(self), "device": "cpu"})
    for uuid in ("GPU-1", "GPU-4"):
        words.add_data(f"on-{uuid.lower()}", test=[("device", uuid)])


def on_gpu(word_case, uuid, **hardware):
    return word_case(value=100.0, data=f"on-{uuid.lower()}", hardware=Hardware(device="gpu", **hardware))


def test_a_result_says_on_which_machine_it_was_measured(engine, word_case):
    result = engine.verify(word_case())
    assert result.machine == local_cpu().identity
    recorded = case_record(result)["machine"]
    assert (recorded["machine_class"], recorded["nature"], recorded["unit"]) == (
        local_cpu().machine_class, "hardware", ""
    )  # fmt: skip
    assert recorded["memory"] == local_cpu().memory


def test_what_was_not_measured_was_measured_on_no_machine(engine, word_case):
    result = engine.verify(word_case(hardware=Hardware(name="No Such")))
    assert case_record(result)["machine"] is None


def test_a_worker_sees_the_gpu_that_was_chosen_for_its_case_and_no_other(engine, gpus, words, word_case):
    for uuid, hardware in (("GPU-1", {}), ("GPU-4", {"name": "T4"}), ("GPU-1", {"memory": 10**11})):
        result = engine.verify(on_gpu(word_case, uuid, **hardware))
        assert result.verdict.word == "confirmed", result.verdict
        assert (result.machine["unit"], result.machine["arch"]) == (uuid, arch())
    assert explanation(result, "x").splitlines()[0].endswith(", gpu (NVIDIA H200)")
    assert len(set(words.processes)) == 2  # the first and the third are one case in all but the claim


def test_the_instructions_of_a_gpu_are_not_counted(engine, gpus, words, word_case):
    case = word_case("instructions", 1.0, data="on-gpu-1", unit="instructions", hardware=Hardware(device="gpu"))
    result = engine.verify(case)
    assert (result.verdict.word, words.log) == ("not_applicable", [])
    assert "the instructions of NVIDIA H200 are not counted, those of a processor are" in result.verdict.reason


def test_baselines_are_those_of_the_gpu_that_was_chosen(engine_of, gpus, word_case, tmp_path):
    engine = engine_of(baselines=tmp_path / "baselines", record=True)
    engine.verify(on_gpu(word_case, "GPU-4", name="T4"))
    (found,) = (tmp_path / "baselines").iterdir()
    assert found.name == f"{arch()}-gpu-tesla-t4"


def test_a_timed_case_holds_its_gpu_and_shares_the_processor(engine_of, gpus, timed_case, tmp_path, monkeypatch):
    monkeypatch.setenv("MLMS_LOCKS", str(tmp_path / "locks"))
    seen = []

    def look(text):
        seen.append({path.name: [one.what for one in holders(path)] for path in folder().glob("*.lock")})

    case = timed_case(runs=1, hardware=Hardware(device="gpu", name="T4"))
    result = engine_of(progress=look).verify(case)
    assert result.turn["held"] == ["gpu GPU-4", "processor"]
    assert case_record(result)["turn"]["waited_s"] >= 0
    assert seen == [{"gpu-GPU-4.lock": [case.id], "processor.lock": [case.id]}]
