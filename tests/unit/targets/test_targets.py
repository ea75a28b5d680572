"""Targets: which claims are meant for them, and what they find on this machine."""

from __future__ import annotations

import functools
import io
import platform
import re
import subprocess
import sys
from dataclasses import fields

import pynvml
import pytest
from archspec.cpu import detect
from gpus import Gpu, fail, install

from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.framework import HERE, Place
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.target import Machine
from pytest_mlmodelscope.targets import _emulated as emulated
from pytest_mlmodelscope.targets import _local, chosen, gpu, machines, microarchitectures, require
from pytest_mlmodelscope.targets._features import microarchitecture
from pytest_mlmodelscope.targets._local import arch, local_cpu, slug

TARGETS = ("cpu", "gpu", "fpga", "arm", "ppc")
MACHINE = Machine(
    "x86_64-cpu-x",
    "cpu",
    "x86_64",
    "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
    16 * 10**9,
    {"microarchitecture": "icelake", "cores": 8, "features": ["avx2", "avx512f", "ssse3"]},
)


def test_these_are_the_targets():
    # What a machine with an address is for depends on that machine.
    assert set(names("targets")) == {*TARGETS, "ssh"}


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
        Hardware(microarchitecture="icelake"),
        Hardware(microarchitecture="haswell"),
        Hardware(microarchitecture="x86_64_v3"),
        Hardware(features=("avx2", "avx512f")),
        Hardware(features=("sse3",)),
        Hardware(cores=8),
        Hardware(cores=2),
    ],
    ids=str,
)
def test_a_machine_that_meets_every_condition_is_taken(hardware):
    require(MACHINE, hardware)


FALSE = {
    Hardware(device="gpu"): "(device): a gpu, and this is a cpu",
    Hardware(arch="aarch64"): "(architecture): aarch64, and this is x86_64",
    Hardware(arch="arm64"): "(architecture): aarch64, and this is x86_64",
    Hardware(name="EPYC"): f"(name): one that matches /EPYC/, and this is {MACHINE.name}",
    Hardware(name="xeon"): f"(name): one that matches /xeon/, and this is {MACHINE.name}",
    Hardware(memory=16 * 10**9 + 1): "(memory): at least 16 GB, and here are 16.0 GB",
    Hardware(memory=16 * 10**10): "(memory): at least 160 GB, and here are 16.0 GB",
    Hardware(memory=64 * 10**9): "(memory): at least 64 GB, and here are 16.0 GB",
    Hardware(microarchitecture="zen2"): "(microarchitecture): zen2 or a successor, and this is icelake",
    Hardware(
        microarchitecture="sapphirerapids"
    ): "(microarchitecture): sapphirerapids or a successor, and this is icelake",
    Hardware(features=("avx2", "amx_tile", "sve")): f"(features): amx_tile, sve, and {MACHINE.name} does not have that",
    Hardware(cores=9): "(cores): at least 9, and here are 8",
    Hardware(driver="535"): "(driver): at least 535, and here is unknown",
    Hardware(cuda="12"): "(cuda): at least 12, and here is unknown",
    Hardware(compute_capability="8.0"): "(compute capability): at least 8.0, and here is unknown",
}


@pytest.mark.parametrize("hardware", FALSE, ids=str)
def test_a_machine_that_fails_a_condition_is_refused_in_one_line(hardware):
    with pytest.raises(NotApplicable) as refused:
        require(MACHINE, hardware)
    assert str(refused.value) == f"the claim is about other hardware {FALSE[hardware]}"


def test_the_little_memory_of_a_device_is_told_as_such():
    with pytest.raises(NotApplicable, match=r"at least 1 GB, and here are 0\.5 MB"):
        require(Machine("c", "fpga", "x86_64", "A part", 468_000), Hardware(memory=10**9))


def test_every_way_in_which_a_predicate_can_be_false_is_among_these():
    told = {field.name for hardware in FALSE for field in fields(hardware) if getattr(hardware, field.name)}
    assert told == {field.name for field in fields(Hardware)}


def test_the_first_condition_that_fails_is_the_one_that_is_told():
    with pytest.raises(NotApplicable, match=r"\(device\)"):
        require(MACHINE, Hardware(device="gpu", arch="aarch64", name="Tesla", memory=10**12))


@pytest.mark.parametrize(
    ("driver", "cuda", "capability"),
    [("535.54", "12", "7.5"), ("470.1", "11.4", "8.0"), ("470.141", "11.4", "7.5")],
)
def test_a_version_that_is_not_reached_is_told_with_the_one_that_is_here(monkeypatch, driver, cuda, capability):
    install(monkeypatch, T4, driver="470.57.02", cuda=11040)
    claimed = Hardware(device="gpu", driver=driver, cuda=cuda, compute_capability=capability)
    with pytest.raises(
        NotApplicable, match=r"other hardware \((driver|cuda|compute capability)\): at least .*, and here is"
    ):
        chosen(gpu, claimed)
    assert (
        chosen(gpu, Hardware(device="gpu", driver="470.57", cuda="11.4", compute_capability="7.5")).name == "Tesla T4"
    )


def test_a_version_is_compared_by_its_numbers(monkeypatch):
    install(monkeypatch, T4, driver="1000.2", cuda=12100)
    assert chosen(gpu, Hardware(device="gpu", driver="570.86.15", cuda="12.9")).facts["cuda"] == "12.10"


@pytest.mark.parametrize(
    ("features", "arch", "told"),
    [
        (("neon",), "aarch64", ("fp", "asimd")),
        (("sve", "asimddp"), "aarch64", ("asimddp", "sve")),
        (("vsx", "altivec"), "ppc64le", ()),
        (("avx512",), "x86_64", ("avx2", "avx512f")),
        (("sse4.2", "sse3"), "x86_64", ("sse4_2", "ssse3")),
    ],
)
def test_a_feature_has_the_kernels_name_or_one_that_it_implies(features, arch, told):
    require(Machine("c", "cpu", arch, "n", 1, {"features": told}), Hardware(features=features))
    for feature in features:
        with pytest.raises(NotApplicable, match=rf"\(features\): {re.escape(feature)}, and n"):
            require(Machine("c", "cpu", "riscv64", "n", 1, {"features": ()}), Hardware(features=(feature,)))


# -- which of several machines ------------------------------------------------------------------------


def test_the_first_machine_that_will_do_is_taken(monkeypatch):
    install(monkeypatch, T4, Gpu(), Gpu(uuid="GPU-2"))
    assert chosen(gpu, Hardware(device="gpu")).unit == "GPU-4"
    assert chosen(gpu, Hardware(device="gpu", name="H200")).unit == "GPU-1"
    assert chosen(gpu, Hardware(device="gpu", memory=10**11)).unit == "GPU-1"
    assert chosen(gpu, Hardware(device="gpu", compute_capability="8.0")).unit == "GPU-1"


def test_what_a_gpus_claim_asks_of_a_processor_is_asked_of_the_one_that_drives_it(monkeypatch):
    install(monkeypatch, T4)
    facts = local_cpu().facts
    claimed = Hardware(device="gpu", cores=facts["cores"], microarchitecture=facts["microarchitecture"])
    assert chosen(gpu, claimed).unit == "GPU-4"
    with pytest.raises(NotApplicable, match=rf"\(cores\): at least 9999, and here are {facts['cores']}"):
        chosen(gpu, Hardware(device="gpu", cores=9999))


def test_where_none_will_do_the_one_that_lacks_least_is_told(monkeypatch):
    install(monkeypatch, T4, Gpu())
    with pytest.raises(NotApplicable) as refused:
        chosen(gpu, Hardware(device="gpu", name="H200", memory=10**12))
    assert str(refused.value) == (
        "the claim is about other hardware (memory): at least 1000 GB, and here are 150.8 GB (the nearest of 2)"
    )


def test_a_target_with_one_machine_gives_that():
    assert list(machines(member("targets", "cpu"))) == [local_cpu()]
    assert chosen(member("targets", "cpu"), Hardware(device="cpu")) == local_cpu()


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
    assert machine.facts["threads"] >= machine.facts["cores"] >= machine.facts["sockets"] >= 1
    assert set(machine.facts["features"]) >= {"fpu", "sse2"} if arch() == "x86_64" else machine.facts["features"]
    assert microarchitecture() in microarchitectures()


def test_caches_are_those_that_lscpu_finds():
    done = subprocess.run(["lscpu", "--bytes", "--caches=NAME,ONE-SIZE"], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert local_cpu().facts["caches"] == {name: int(size) for name, size in rows}


def test_importing_the_targets_and_asking_for_the_kinds_imports_no_library():
    code = (
        "import sys; from pytest_mlmodelscope.targets import arch; arch();"
        "from pytest_mlmodelscope.targets import gpu;"
        "print(sorted({'archspec', 'pynvml', 'psutil'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


#: The kernel's list of processors on machines that are not here.
NEOVERSE = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
"""
POWER = """\
processor\t: 0
cpu\t\t: POWER9, altivec supported
clock\t\t: 2250.000000MHz
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
platform\t: PowerNV
"""


@pytest.fixture
def stranger(monkeypatch):
    """Makes this machine another: ``stranger("aarch64", cpuinfo)``, as far as its kernel tells."""
    remembered = (local_cpu, detect.host, detect._machine)

    def become(machine, cpuinfo):
        for function in remembered:
            function.cache_clear()
        monkeypatch.setattr(platform, "machine", lambda: machine)
        monkeypatch.setattr(platform, "processor", lambda: machine)
        for module in (_local, detect):
            monkeypatch.setattr(module, "open", lambda *arguments, **options: io.StringIO(cpuinfo), raising=False)

    yield become
    for function in remembered:
        function.cache_clear()


@pytest.mark.parametrize(
    ("target", "machine", "cpuinfo", "name", "family", "features"),
    [
        ("arm", "aarch64", NEOVERSE, "neoverse_n1", "neoverse_n1", ("neon", "asimddp")),
        ("ppc", "ppc64le", POWER, "POWER9, altivec supported", "power9le", ("vsx", "altivec")),
    ],
)
def test_on_a_machine_of_another_kind_that_kind_is_native(stranger, target, machine, cpuinfo, name, family, features):
    stranger(machine, cpuinfo)
    found = member("targets", target).probe()
    assert (found.nature, found.device, found.arch, found.name) == ("hardware", "cpu", machine, name)
    assert found.machine_class == f"{machine}-cpu-{slug(name)}"
    assert found.facts["microarchitecture"] == family
    require(found, Hardware(arch=machine, features=features, microarchitecture=family))
    assert member("targets", "cpu").probe() == found


def test_cpu_is_this_machine_whatever_it_is():
    assert member("targets", "cpu").probe() == local_cpu()


OTHERS = pytest.mark.parametrize(("target", "wanted"), [("arm", "aarch64"), ("ppc", "ppc64le")])


@OTHERS
def test_on_a_machine_of_its_own_kind_a_target_is_that_machine(target, wanted, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: wanted)
    machine = member("targets", target).probe()
    assert (machine.nature, machine.place) == ("hardware", HERE)


@OTHERS
def test_elsewhere_another_architecture_is_emulated_without_anything_being_fetched(target, wanted, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(emulated, "lacking", lambda: None)
    machine = member("targets", target).probe()
    assert (machine.nature, machine.arch, machine.device) == ("emulated", wanted, "cpu")
    assert machine.machine_class == f"{wanted}-emulated-{machine.facts['model']}"
    assert machine.place == Place("cpu", f"linux-{wanted}", "emulated")


@OTHERS
def test_where_there_is_no_debian_another_architecture_is_not_here(target, wanted, monkeypatch, tmp_path):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotApplicable, match=f"this machine is x86_64, not {wanted}, .* apt-get is not here") as refused:
        member("targets", target).probe()
    assert "Debian" in refused.value.hint
    assert wanted in refused.value.hint


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
    assert _local._cpuinfo() == ""
    assert _local.cpu_name("", "x86_64", "", "zen4") == _local.cpu_name("", "aarch64", "aarch64", "zen4") == "zen4"


def test_an_fpga_is_a_device_that_is_simulated():
    machine = member("targets", "fpga").probe()
    assert (machine.machine_class, machine.name) == ("fpga-simulated-lfe5u-85f-6", "LFE5U-85F-6")
    assert (machine.nature, machine.device, machine.place.nature) == ("simulated", "fpga", "simulated")
    require(machine, Hardware(device="fpga", name="LFE5U-85F"))
    with pytest.raises(NotApplicable, match=r"other hardware \(name\).*XC7Z020.*LFE5U-85F-6"):
        require(machine, Hardware(device="fpga", name="XC7Z020"))


# -- GPUs: what their driver says, and what becomes of it ---------------------------------------------

T4 = Gpu("Tesla T4", 15360 * 2**20, "GPU-4", (7, 5))


def test_every_gpu_is_a_machine_of_the_target_and_the_first_is_the_usual_one(monkeypatch):
    calls = install(monkeypatch, Gpu(), T4)
    first, second = gpu.machines()
    assert gpu.probe() == first
    assert (first.device, first.name, first.arch, first.unit) == ("gpu", "NVIDIA H200", arch(), "GPU-1")
    assert (first.memory, first.machine_class) == (143771 * 2**20, f"{arch()}-gpu-nvidia-h200")
    assert first.variables == {"CUDA_VISIBLE_DEVICES": "GPU-1"}
    assert first.facts == {
        "processor": local_cpu().facts, "index": 0, "uuid": "GPU-1", "shared_memory": False, "driver": "570.86.15",
        "cuda": "12.8", "compute_capability": "9.0",
    }  # fmt: skip
    assert (second.name, second.unit, second.facts["index"]) == ("Tesla T4", "GPU-4", 1)
    assert calls == ["begun", "ended"] * 2


def test_the_driver_is_asked_once(monkeypatch):
    calls = install(monkeypatch, Gpu())
    monkeypatch.setattr(gpu, "_machines", functools.cache(gpu._machines))
    assert gpu.probe() is gpu.probe()
    assert calls == ["begun", "ended"]


def test_a_gpu_that_shares_the_machines_memory_has_all_of_it(monkeypatch):
    install(monkeypatch, Gpu("NVIDIA GB10", None))
    machine = gpu.probe()
    assert (machine.memory, machine.facts["shared_memory"]) == (local_cpu().memory, True)


def test_of_a_gpu_that_is_sliced_each_slice_is_a_machine_and_the_whole_is_locked(monkeypatch):
    slices = (Gpu("NVIDIA A100 MIG 3g.20gb", 20 * 2**30, "MIG-a"), Gpu("NVIDIA A100 MIG 4g.20gb", 20 * 2**30, "MIG-b"))
    install(monkeypatch, Gpu("NVIDIA A100", 40 * 2**30, "GPU-1", (8, 0), slices))
    first, second = gpu.machines()
    assert (first.name, second.name) == ("NVIDIA A100 MIG 3g.20gb", "NVIDIA A100 MIG 4g.20gb")
    assert first.variables == {"CUDA_VISIBLE_DEVICES": "MIG-a"}
    assert first.unit == second.unit == "GPU-1"
    assert first.facts["compute_capability"] == "8.0"


@pytest.mark.parametrize(
    ("visible", "left"),
    [
        ("0", ["GPU-1"]), ("1", ["GPU-4"]), ("1,0", ["GPU-1", "GPU-4"]), ("GPU-4", ["GPU-4"]), (" 1 ", ["GPU-4"]),
        ("GPU-", ["GPU-1", "GPU-4"]), ("7", []), ("-1", []), ("", []), ("NoDevFiles", []),
    ],
)  # fmt: skip
def test_what_the_user_hides_is_not_taken(monkeypatch, visible, left):
    install(monkeypatch, Gpu(), T4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    if left:
        assert [machine.unit for machine in gpu.machines()] == left
    else:
        with pytest.raises(NotApplicable, match="CUDA_VISIBLE_DEVICES hides them all"):
            gpu.probe()


@pytest.mark.parametrize(
    ("code", "at", "words"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "nvmlInit", "no NVIDIA driver is installed"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "nvmlInit", "the NVIDIA driver does not answer (Driver Not Loaded)"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "nvmlInit", "the NVIDIA driver does not answer (RM has detected"),
        (pynvml.NVML_ERROR_GPU_IS_LOST, "nvmlDeviceGetName", "the NVIDIA driver fails (GPU is lost)"),
    ],
)
def test_a_driver_that_does_not_work_is_no_gpu_and_says_so(monkeypatch, code, at, words):
    calls = install(monkeypatch, Gpu())
    fail(monkeypatch, code, at)
    with pytest.raises(NotApplicable, match="no GPU here: " + re.escape(words)) as refused:
        gpu.probe()
    assert refused.value.hint
    assert calls == [] if at == "nvmlInit" else ["begun", "ended"]


def test_a_driver_that_lists_no_device_is_no_gpu(monkeypatch):
    install(monkeypatch)
    with pytest.raises(NotApplicable, match="the NVIDIA driver lists none"):
        gpu.probe()


def test_what_this_machine_really_has_agrees_with_its_driver():
    gpu._machines.cache_clear()
    listed = _listed()
    if listed:
        assert [machine.unit for machine in gpu.machines()] == listed
    else:
        with pytest.raises(NotApplicable, match="no GPU here"):
            gpu.probe()


def _listed() -> list[str]:
    """The UUIDs of the GPUs of this machine; none where there is no driver."""
    try:
        done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True)
    except OSError:
        return []
    return re.findall(r"^GPU .*\(UUID: (GPU-[^)]+)\)", done.stdout, re.MULTILINE)
