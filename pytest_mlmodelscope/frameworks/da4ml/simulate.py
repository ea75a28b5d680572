"""A circuit run cycle by cycle in Icarus Verilog, whose signals are unknown until something drives them."""

import glob
import os
import shutil
import subprocess

from pytest_mlmodelscope.frameworks.da4ml.circuit import TOP, Circuit

#: A word for each rising edge of the clock goes in before it, and what is at the outputs after it comes out.
_BENCH = """`timescale 1 ns / 1 ps
module mlms_bench;
    reg clk = 0;
    reg [%d:0] inp;
    wire [%d:0] out;
    integer source, target, got;
    %s dut (.clk(clk), .model_inp(inp), .model_out(out));
    initial begin
        source = $fopen("inputs.txt", "r");
        target = $fopen("outputs.txt", "w");
        got = $fscanf(source, "%%b", inp);
        while (got == 1) begin
            #5 clk = 1;
            #5 $fdisplay(target, "%%b", out);
            clk = 0;
            got = $fscanf(source, "%%b", inp);
        end
        $fclose(target);
        $finish(0);
    end
endmodule
"""
_FIRST_LOOK, _LONGEST = 64, 1 << 16
_WORDS_SHOWN = 400


class Simulation:
    """A compiled circuit; ``latency`` and the interval are observed, never read from what the generator says.

    ``latency`` counts the clock periods from the edge that takes an input into the circuit to the
    edge after which all outputs are known.
    """

    def __init__(self, circuit: Circuit, folder: str) -> None:
        self._folder = folder
        self._library = _library()
        self._circuit = circuit
        self._unknown = "x" * circuit.inputs.bits
        self._compile()
        self.latency = self._observed()
        self.version = _said([_program("vvp"), "-V"], folder).split("(")[0].strip()

    def _compile(self) -> None:
        bench = os.path.join(self._folder, "mlms_bench.v")
        with open(bench, "w") as file:
            file.write(_BENCH % (self._circuit.inputs.bits - 1, self._circuit.outputs.bits - 1, TOP))
        command = [_program("iverilog"), "-B", self._library, "-g2005", "-s", "mlms_bench", "-o", "simulation"]
        _said([*command, bench, *self._circuit.sources], self._folder)

    def cycles(self, words: "list[str]") -> "list[str]":
        """What is at the outputs after each edge, with one word at the inputs before it."""
        target = os.path.join(self._folder, "outputs.txt")
        with open(os.path.join(self._folder, "inputs.txt"), "w") as file:
            file.write("\n".join(words) + "\n")
        if os.path.exists(target):
            os.unlink(target)
        said = _said([_program("vvp"), "-M", self._library, "-n", "simulation"], self._folder)
        found = []  # type: list[str]
        if os.path.exists(target):
            with open(target) as file:
                found = file.read().split()
        if len(found) != len(words):
            raise RuntimeError("the simulation ended after %d of %d cycles: %s" % (len(found), len(words), said[-200:]))
        return found

    def _observed(self) -> int:
        """The first cycle in which all outputs are known: before the first input, all are unknown."""
        first, length = "0" * self._circuit.inputs.bits, _FIRST_LOOK
        while length <= _LONGEST:
            known = [_known(word) for word in self.cycles([first] + [self._unknown] * (length - 1))]
            if any(known):
                return known.index(True)
            length *= 4
        raise ValueError("the outputs of the circuit are not known within %d cycles of its first input" % _LONGEST)

    def answers(self, words: "list[str]", interval: int = 1) -> "list[str]":
        """The outputs for inputs that come every so many cycles; ValueError where they are not known by then."""
        gap = [self._unknown] * (interval - 1)
        fed = [word for sample in words for word in [sample, *gap]]
        found = self.cycles(fed + [self._unknown] * self.latency)
        first = next(cycle for cycle, word in enumerate([*found, "0"]) if _known(word))
        answers = found[self.latency :: interval][: len(words)]
        if first != self.latency or not all(map(_known, answers)):
            shown = (self.latency, first, found[first][:_WORDS_SHOWN] if first < len(found) else "")
            raise ValueError("outputs are to be known after %d cycles; they were after %d: %s" % shown)
        return answers

    def interval(self, words: "list[str]") -> int:
        """The fewest cycles between two inputs at which each gets the answer that it gets alone."""
        alone = [self.answers([word])[0] for word in words]
        most = 2 * (self.latency + 1)
        for interval in range(1, most + 1):
            if self._same(words, interval, alone):
                return interval
        raise ValueError("inputs up to %d cycles apart do not get the answers that each gets alone" % most)

    def _same(self, words: "list[str]", interval: int, alone: "list[str]") -> bool:
        try:
            return self.answers(words, interval) == alone
        except ValueError:
            return False


def _known(word: str) -> bool:
    return not word.strip("01")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError("the program %s is not in the environment" % name)
    return found


def _library() -> str:
    """Where Icarus has its parts: beside the program, which is not always where it was built for."""
    prefix = os.path.dirname(os.path.dirname(_program("iverilog")))
    for pattern in ("lib/*/ivl", "lib/ivl", "lib64/ivl"):
        for found in glob.glob(os.path.join(prefix, pattern)):
            return found
    raise RuntimeError("the parts of Icarus Verilog are not below %s" % prefix)


def _said(command: "list[str]", folder: str) -> str:
    """What a program prints; RuntimeError where it fails."""
    done = subprocess.run(  # noqa: PLW1510  # programs of the environment
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        name = os.path.basename(command[0])
        raise ValueError("%s does not take the circuit: %s" % (name, " | ".join(said.splitlines()[:4])[:1000]))
    return said
