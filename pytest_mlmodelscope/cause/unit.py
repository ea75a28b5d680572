"""Figures in the unit of a claim, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """The claim's unit: ``scale`` of it make one of the metric's base unit; ``value`` is the published figure."""

    name: str
    scale: float
    value: float

    def text(self, figure: float) -> str:
        """A figure in base units, in words."""
        text = f"{figure * self.scale:.5g}"
        return text if self.name == "1" else f"{text} {self.name}"

    def distance(self, figure: float) -> str:
        """How far a figure in base units is from the published one, rounded up: "0.1 pp"."""
        far = abs(figure * self.scale - self.value)
        if self.name == "%":
            return f"{max(1, math.ceil(far * 10 - 1e-6)) / 10:.1f} pp"
        return f"{max(1, math.ceil(far * 1000 - 1e-6)) / 1000:g}" + ("" if self.name == "1" else f" {self.name}")
