"""What is read of a machine's processor and of what goes on around it, on machines that tell everything or little."""

import os

import pytest

from pytest_mlmodelscope.remote.there import look
from pytest_mlmodelscope.targets import _processor, arm, cpu, local_cpu, ppc

CPUS = "sys/devices/system/cpu"
#: A process of this number, as the kernel tells of it: 1.5 s in programs, 0.5 s in the kernel, on core 1.
STAT = "{pid} (a (b) c) S {parent} 1 1 0 -1 0 9 0 7 0 150 50 0 0 20 0 2 0 1000" + " 0" * 16 + " 1 0 0\n"


@pytest.fixture
def machine(tmp_path):
    """A folder to be a machine's root; ``machine(path=text)`` adds files."""

    def add(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return f"{tmp_path}/"

    return add


FULL = {
    "proc/stat": "cpu  9 9 9\ncpu0 100 0 100 700 0 0 0 100 0 0\ncpu1 50 50 0 900 0 0 0 0 0 0\nintr 1\n",
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu hypervisor sse\n",
    "proc/vmstat": "pswpin 12\npswpout 3\n",
    "proc/meminfo": "MemTotal: 100 kB\nMemAvailable:  50 kB\nSwapTotal: 30 kB\nSwapFree: 10 kB\n",
    "proc/loadavg": "0.50 0.25 0.10 1/99 4711\n",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull total=1\n",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=500000\nfull total=1\n",
    "proc/sys/kernel/perf_event_paranoid": "3\n",
    "proc/self/cgroup": "0::/a/b\n",
    "sys/fs/cgroup/a/cpu.stat": "usage_usec 5\nnr_throttled 3\nthrottled_usec 2000000\n",
    "sys/fs/cgroup/a/b/cpu.stat": "usage_usec 5\nnr_throttled 0\nthrottled_usec 0\n",
    "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
    "proc/11/stat": STAT.format(pid=11, parent=1),
    "proc/11/environ": "HOME=/x\0MLMS_HOST=7\0",
    "proc/11/status": "Name:\tx\nCpus_allowed_list:\t1\nnonvoluntary_ctxt_switches:\t5\n",
    "proc/12/stat": STAT.format(pid=12, parent=11),
    "proc/12/status": "Cpus_allowed_list:\t0-1,4\n",
    "proc/12/task/12/schedstat": "3000000000 500000000 77\n",
    "proc/12/task/12/status": "nonvoluntary_ctxt_switches:\t5\n",
    f"{CPUS}/intel_pstate/no_turbo": "0\n",
    **{
        f"{CPUS}/cpu{core}/{name}": text
        for core in (0, 1)
        for name, text in {
            "topology/physical_package_id": "0\n",
            "topology/core_id": "0\n",
            "cpufreq/scaling_governor": "powersave\n",
            "cpufreq/cpuinfo_max_freq": "4800000\n",
            "cpufreq/scaling_cur_freq": f"{1200000 + core * 300000}\n",
            "thermal_throttle/core_throttle_count": "2\n",
            "thermal_throttle/package_throttle_count": "5\n",
        }.items()
    },
}


def test_a_machine_that_tells_everything(machine):
    found = look.look(11, machine(FULL))
    assert found["cores"] == {"0": [2.0, 1.0], "1": [1.0, 0.0]}
    assert found["processes"]["12"] == [1000, "11", "a (b) c", 2.0, 7, 1]
    assert found["worker"] == {"pids": ["11", "12"], "threads": {"12": [3.0, 0.5, 5]}, "cores": [0, 1, 4]}
    assert (found["stalled"]["cpu"], found["stalled"]["memory"], found["stalled"]["io"]) == (2.5, 0.5, None)
    assert (found["swapped_in"], found["available"], found["load"]) == (12, 51200, [0.5, 0.25, 0.1])
    # The group above is the one that is held back.
    assert (found["capped_s"], found["hot"]) == (2.0, 14)


def test_a_worker_is_known_by_its_variables(machine):
    assert look.look(None, machine(FULL))["worker"]["pids"] == ["11"]


def test_a_machine_that_tells_nothing(machine):
    found = look.look(11, machine({"proc/x": ""}))
    assert (found["cores"], found["processes"], found["worker"]) == ({}, {}, {"pids": [], "threads": {}, "cores": []})
    assert {found[name] for name in ("swapped_in", "available", "load", "capped_s", "hot")} == {None}
    assert set(found["stalled"].values()) == {None}
    settings = look.settings(machine({}))
    assert settings.pop("topology") == {}
    assert {name for name, value in settings.items() if value} == set()


def test_a_hypervisor_that_never_took_anything_does_not_tell(machine):
    quiet = {"proc/stat": "cpu0 100 0 100 700 0 0 0 0 0 0\n"}
    assert look.cores(machine({**FULL, **quiet})) == {"0": [2.0, None]}
    assert look.cores(machine({"proc/cpuinfo": "flags\t: fpu sse\n"})) == {"0": [2.0, 0.0]}


def test_how_it_is_set_up(machine):
    found = look.settings(machine(FULL))
    assert found["topology"] == {"0": ["0", "0:0", 4800000], "1": ["0", "0:0", 4800000]}
    assert (found["governors"], found["turbo"]) == (["powersave"], {f"/{CPUS}/intel_pstate/no_turbo": True})
    assert (found["siblings"], found["virtual"], found["quota"], found["swap"]) == (True, True, 1.5, 20480)
    assert (found["pressure"], found["paranoid"], found["hot"]) == (True, 3, True)


def test_groups_of_the_first_version(machine):
    files = {
        "proc/self/cgroup": "4:memory:/m\n1:cpu,cpuacct:/c\n0::/\n",
        "sys/fs/cgroup/cpu,cpuacct/c/cpu.stat": "nr_periods 9\nthrottled_time 3000000000\n",
        "sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us": "50000\n",
        "sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    }
    root = machine(files)
    assert look.look(None, root)["capped_s"] == 3.0
    assert look.settings(root)["quota"] == 0.5


@pytest.mark.parametrize(("text", "found"), [("0", [0]), ("0-3,8\n", [0, 1, 2, 3, 8]), ("", []), ("5,7-8", [5, 7, 8])])
def test_the_kernels_way_of_writing_many_numbers(text, found):
    assert look.numbers(text) == found


# -- meanwhile ----------------------------------------------------------------------------------------


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


def test_a_reading_has_the_quickest_clock_and_the_warmest_sensor(machine, tmp_path, two_cores):
    machine({
        **FULL,
        "sys/class/hwmon/hwmon0/name": "nvme\n", "sys/class/hwmon/hwmon0/temp1_input": "90000\n",
        "sys/class/hwmon/hwmon1/name": "coretemp\n", "sys/class/hwmon/hwmon1/temp1_input": "51000\n",
        "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n", "sys/class/thermal/thermal_zone0/temp": "52500\n",
    })  # fmt: skip
    with _processor.watching(local_cpu(), tmp_path) as read:
        found = read()
    assert (found["clock_mhz"], found["temperature_c"]) == (1500.0, 52.5)
    assert found["load"] == os.getloadavg()[0]
    assert found["available_bytes"] > 2**20


def test_what_a_machine_does_not_tell_is_left_out(tmp_path):
    with _processor.watching(local_cpu(), tmp_path) as read:
        assert read().keys() == {"load", "available_bytes"}


def test_every_target_with_a_processor_of_this_machine_is_watched():
    assert {target.watching for target in (cpu, arm, ppc)} == {_processor.watching}
