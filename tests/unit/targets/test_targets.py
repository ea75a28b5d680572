"""Targets: which claims are meant for them, and what they find on this machine."""

from __future__ import annotations

import platform
import stat
import subprocess
import sys

import pytest

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets import _local, gpu, require
from pytest_mlmodelscope.targets._local import arch, local_cpu, slug

TARGETS = ("cpu", "gpu", "fpga", "arm", "ppc")
MACHINE = Machine("x86_64-cpu-x", "cpu", "x86_64", "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", 16 * 10**9)


def test_these_are_the_targets():
    assert set(names("targets")) == set(TARGETS)


# -- which claims are meant for which target --------------------------------------------------------

ADMITTED = {
    Hardware(): {"cpu", "gpu", "fpga", "arm", "ppc"},
    Hardware(device="cpu"): {"cpu", "arm", "ppc"},
    Hardware(device="gpu"): {"gpu"},
    Hardware(device="fpga"): {"fpga"},
    Hardware(arch="x86_64"): {"cpu", "gpu", "fpga"},
    Hardware(arch="aarch64"): {"arm", "gpu", "fpga"},
    Hardware(arch="arm64"): {"arm", "gpu", "fpga"},
    Hardware(arch="ppc64le"): {"ppc", "gpu", "fpga"},
    Hardware(device="cpu", arch="x86_64"): {"cpu"},
    Hardware(device="cpu", arch="aarch64"): {"arm"},
    Hardware(device="cpu", arch="arm64"): {"arm"},
    Hardware(device="cpu", arch="ppc64le"): {"ppc"},
    Hardware(device="gpu", arch="aarch64"): {"gpu"},
    Hardware(name="Xeon", memory=10**9): {"cpu", "gpu", "fpga", "arm", "ppc"},
    Hardware(device="tpu"): set(),
}


@pytest.mark.parametrize("hardware", ADMITTED, ids=str)
def test_a_claim_is_meant_for_the_targets_of_its_kind(hardware):
    assert {name for name in TARGETS if member("targets", name).admits(hardware)} == ADMITTED[hardware]


# -- a claim's hardware against a machine -----------------------------------------------------------


@pytest.mark.parametrize(
    "hardware",
    [
        Hardware(),
        Hardware(device="cpu"),
        Hardware(arch="x86_64"),
        Hardware(arch="amd64"),
        Hardware(name="Xeon"),
        Hardware(name=r"Platinum 8\d{3}C"),
        Hardware(memory=16 * 10**9),
        Hardware(device="cpu", arch="x86_64", name="^Intel", memory=1),
    ],
    ids=str,
)
def test_a_machine_that_meets_every_condition_is_taken(hardware):
    require(MACHINE, hardware)


@pytest.mark.parametrize(
    ("hardware", "what", "expected", "got"),
    [
        (Hardware(device="gpu"), "device", "gpu", "cpu"),
        (Hardware(arch="aarch64"), "architecture", "aarch64", "x86_64"),
        (Hardware(arch="arm64"), "architecture", "aarch64", "x86_64"),
        (Hardware(name="EPYC"), "name", "/EPYC/", MACHINE.name),
        (Hardware(name="xeon"), "name", "/xeon/", MACHINE.name),
        (Hardware(memory=16 * 10**9 + 1), "memory", "16 GB", "16.0 GB"),
        (Hardware(memory=64 * 10**9), "memory", "64 GB", "16.0 GB"),
    ],
    ids=lambda value: str(value) if isinstance(value, Hardware) else None,
)
def test_a_machine_that_fails_a_condition_is_refused_with_both_sides(hardware, what, expected, got):
    with pytest.raises(NotApplicable, match=rf"other hardware \({what}\)") as refused:
        require(MACHINE, hardware)
    assert (refused.value.expected, refused.value.got) == (expected, got)


def test_the_first_condition_that_fails_is_the_one_that_is_told():
    with pytest.raises(NotApplicable, match=r"\(device\)"):
        require(MACHINE, Hardware(device="gpu", arch="aarch64", name="Tesla", memory=10**12))


# -- this machine -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "intel-xeon-platinum-8375c-cpu-2-90ghz"),
        ("AMD EPYC 7B13 64-Core Processor", "amd-epyc-7b13-64-core-processor"),
        ("NVIDIA H200", "nvidia-h200"),
        ("POWER9, altivec supported", "power9-altivec-supported"),
        ("Intel(TM)  Core(tm) i7", "intel-core-i7"),
        ("../../etc/passwd", "etc-passwd"),
        ("Prozessör №1", "prozess-r-1"),
        ("", "unknown"),
        ("---", "unknown"),
    ],
)
def test_a_name_becomes_part_of_a_folders_name(text, expected):
    assert slug(text) == expected


def test_a_very_long_name_is_cut():
    assert len(slug("processor " * 40)) <= 60


def test_the_processor_is_described_as_the_kernel_does():
    machine = local_cpu()
    assert (machine.device, machine.arch) == ("cpu", arch())
    assert machine.machine_class == f"{arch()}-cpu-{slug(machine.name)}"
    assert machine.memory > 10**8
    assert machine.facts["threads"] >= 1


def test_cpu_is_this_machine_whatever_it_is():
    assert member("targets", "cpu").probe() == local_cpu()


@pytest.mark.parametrize(("target", "wanted"), [("arm", "aarch64"), ("ppc", "ppc64le")])
def test_other_architectures_are_here_only_on_such_a_machine(target, wanted, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(NotApplicable, match=f"this machine is x86_64, not {wanted}") as refused:
        member("targets", target).probe()
    assert wanted in refused.value.hint
    monkeypatch.setattr(platform, "machine", lambda: wanted)
    assert member("targets", target).probe().device == "cpu"


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "aarch64"), ("aarch64", "aarch64"), ("ppc64le", "ppc64le")],
)
def test_architectures_have_one_name_each(kernel, expected, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: kernel)
    assert arch() == expected


def test_a_machine_without_a_list_of_processors_still_has_a_name(monkeypatch):
    def nothing(*args, **kwargs):
        raise FileNotFoundError("/proc/cpuinfo")

    monkeypatch.setattr(_local, "open", nothing, raising=False)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert _local._cpu_name() == "unknown"


def test_no_board_is_ever_here():
    with pytest.raises(NotApplicable, match="no FPGA") as refused:
        member("targets", "fpga").probe()
    assert "no framework" in refused.value.hint


# -- a GPU: what its driver's tool prints, and what becomes of it -------------------------------------


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts an ``nvidia-smi`` on the path that prints a text and ends with a status."""
    gpu.probe.cache_clear()

    def install(prints="", status=0):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!{sys.executable}\nprint({prints!r}, end='')\nraise SystemExit({status})\n")
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))
        return tool

    yield install
    gpu.probe.cache_clear()


def test_the_first_gpu_is_the_target(driver):
    driver("NVIDIA H200, 143771, 570.86.15\nNVIDIA T4, 15360, 570.86.15\n")
    machine = gpu.probe()
    assert (machine.device, machine.name, machine.arch) == ("gpu", "NVIDIA H200", arch())
    assert machine.memory == 143771 * 2**20
    assert machine.machine_class == f"{arch()}-gpu-nvidia-h200"
    assert machine.facts == {"driver": "570.86.15"}


def test_the_driver_is_asked_once(driver):
    tool = driver("NVIDIA H200, 143771, 570.86.15\n")
    first = gpu.probe()
    tool.unlink()
    assert gpu.probe() is first


def test_a_claim_about_a_gpu_is_held_against_what_the_driver_says(driver):
    driver("Tesla T4, 15360, 470.1\n")
    require(gpu.probe(), Hardware(device="gpu", name="T4", memory=15 * 10**9))
    with pytest.raises(NotApplicable, match=r"\(name\)"):
        require(gpu.probe(), Hardware(device="gpu", name="H200"))


@pytest.mark.parametrize("memory", ["[N/A]", "[Not Supported]"])
def test_a_gpu_that_shares_the_machines_memory_is_one_without_its_own(driver, memory):
    driver(f"NVIDIA GB10, {memory}, 580.95.05\n")
    machine = gpu.probe()
    assert (machine.name, machine.memory) == ("NVIDIA GB10", 0)


@pytest.mark.parametrize(
    ("prints", "status"),
    [("No devices were found\n", 6), ("No devices were found\n", 0), ("", 0), ("", 9), ("a, b\n", 0)],
)
def test_a_driver_that_lists_no_device_is_no_gpu(driver, prints, status):
    driver(prints, status)
    with pytest.raises(NotApplicable, match="the NVIDIA driver lists none"):
        gpu.probe()


def test_a_driver_that_cannot_be_run_is_no_gpu(driver):
    driver().write_text("#!/nowhere/at/all\n")
    with pytest.raises(NotApplicable, match="the NVIDIA driver lists none"):
        gpu.probe()


def test_a_driver_that_does_not_answer_is_no_gpu(driver, monkeypatch):
    driver()

    def late(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(NotApplicable, match="the NVIDIA driver lists none"):
        gpu.probe()


def test_without_a_driver_there_is_no_gpu(driver, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotApplicable, match="no NVIDIA driver is installed"):
        gpu.probe()


def test_what_this_machine_really_has_agrees_with_its_driver():
    gpu.probe.cache_clear()
    listed = _listed()
    if listed:
        assert gpu.probe().name == listed[0]
    else:
        with pytest.raises(NotApplicable, match="no GPU here"):
            gpu.probe()


def _listed() -> list[str]:
    """The names of the GPUs of this machine; none where there is no driver."""
    try:
        done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    except OSError:
        return []
    return [line.partition(": ")[2].rpartition(" (UUID")[0] for line in done.stdout.splitlines() if "UUID" in line]
