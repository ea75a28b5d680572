"""From a model in da4ml's format to Verilog, and the fixed-point formats of what goes in and comes out."""

import glob
import os
from typing import Any

import numpy
from da4ml.codegen import rtl
from da4ml.codegen.rtl.rtl_model import get_io_kifs
from da4ml.codegen.rtl.verilog import pipeline_logic_gen
from da4ml.codegen.rtl.verilog.comb import table_mem_gen
from da4ml.trace import to_pipeline
from da4ml.types import CombLogic

#: The module with the ports ``clk``, ``model_inp`` and ``model_out``.
TOP = "model"
_MOST_BITS = 48


class Port:
    """The numbers of a port, side by side: the first one in the lowest bits.

    ``formats`` are three rows, an entry for each number: whether it has a sign, its bits before the
    point and those behind it.
    """

    def __init__(self, formats: "Any") -> None:
        self._signed, whole, self._fraction = (row.astype(int) for row in formats)
        self._widths = self._signed + whole + self._fraction
        if self._widths.max() > _MOST_BITS:
            raise ValueError("a number of %d bits is more than %d" % (self._widths.max(), _MOST_BITS))
        self._ends = numpy.cumsum(self._widths)
        self.size = len(self._widths)
        self.bits = int(self._ends[-1])

    def words(self, values: "Any") -> "list[str]":
        """Each row of numbers as the bits of the port; ValueError for a number that its format cannot hold."""
        scaled = values * 2.0**self._fraction
        used = self._widths > 0
        lowest = -self._signed * 2.0 ** (self._widths - 1)
        highest = 2.0 ** (self._widths - self._signed) - 1
        wrong = used & ~((scaled >= lowest) & (scaled <= highest) & (scaled == numpy.floor(scaled)))
        if wrong.any():
            row, place = numpy.argwhere(wrong)[0]
            raise ValueError(self._complaint(values[row, place], place, lowest[place], highest[place]))
        # What the circuit has no bits for, it does not read.
        whole = numpy.where(used, scaled, 0).astype(numpy.int64)
        parts = [whole[:, [place]] >> numpy.arange(width) & 1 for place, width in enumerate(self._widths)]
        # A word is written from its highest bit to its lowest.
        bits = numpy.concatenate(parts, axis=1)[:, ::-1]
        return ["".join("01"[bit] for bit in row) for row in bits.tolist()]

    def _complaint(self, value: float, place: int, lowest: float, highest: float) -> str:
        step = 2.0 ** -self._fraction[place]
        limits = (value, place, lowest * step, highest * step, step)
        return "the value %g at place %d does not fit: the model takes %g to %g in steps of %g there" % limits

    def values(self, words: "list[str]") -> "Any":
        """The rows of numbers of these bits, float64."""
        bits = numpy.array([[digit == "1" for digit in reversed(word)] for word in words], dtype=numpy.int64)
        found = numpy.zeros((len(words), self.size))
        for place, (end, width) in enumerate(zip(self._ends, self._widths)):
            weights = 2 ** numpy.arange(width)
            if width and self._signed[place]:
                weights[-1] = -weights[-1]
            found[:, place] = (bits[:, end - width : end] * weights).sum(1) * 2.0 ** -self._fraction[place]
        return found


class Circuit:
    """Verilog files, and the ports of their module ``TOP``."""

    def __init__(self, sources: "list[str]", inputs: Port, outputs: Port) -> None:
        self.sources = sources
        self.inputs = inputs
        self.outputs = outputs

    def texts(self) -> "list[str]":
        """What the files hold."""
        texts = []
        for path in self.sources:
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        return texts


def generated(files: "dict[str, str]", cutoff: float, folder: str) -> Circuit:
    """The circuit of a model, written into a folder: da4ml's, or with its ports the Verilog that came along.

    Raises ValueError where the file is no such model.
    """
    try:
        logic = CombLogic.load(files["model"])
        texts = _texts(to_pipeline(logic, cutoff, verbose=False))
        inputs, outputs = (Port(formats) for formats in get_io_kifs(logic))
    except (MemoryError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  # whatever a stranger's numbers make of the generator
        raise ValueError("the model is no combinational logic of da4ml: %r" % error) from None
    if "rtl" in files:
        with open(files["rtl"], encoding="utf-8", errors="replace") as file:
            texts = {"given.v": file.read()}
    for name, text in texts.items():
        # Not by copying files: a worker may not be allowed to change their modes.
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return Circuit([os.path.join(folder, name) for name in sorted(texts) if name.endswith(".v")], inputs, outputs)


def _texts(pipeline: "Any") -> "dict[str, str]":
    """The files of a circuit: its stages, da4ml's modules that they are made of, and the tables that they read."""
    found = {"src/%s.v" % name: text for name, text in pipeline_logic_gen(pipeline, TOP).items()}
    for path in glob.glob(os.path.join(os.path.dirname(rtl.__file__), "verilog", "source", "*.v")):
        with open(path, encoding="utf-8") as file:
            found["src/static/" + os.path.basename(path)] = file.read()
    for part in pipeline.solutions:
        found.update(table_mem_gen(part))
    return found
