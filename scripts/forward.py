"""A network of plain layers computed with numpy alone: the witness that the converted models are held against.

It shares no code with the converters, and computes in double precision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Reference:
    """The network of a file of layers and a file of weights."""

    def __init__(self, layers: Path, weights: Path) -> None:
        about = json.loads(layers.read_text())
        self.layers = about["layers"]
        (self.input,) = (entry["name"] for entry in about["inputs"])
        (self.output,) = about["outputs"]
        with np.load(weights) as arrays:
            self.arrays: Mapping[str, Array] = {name: arrays[name].astype(np.float64) for name in arrays.files}

    def __call__(self, items: NDArray[Any]) -> Array:
        """The output, (items, classes), of items (items, channels, height, width)."""
        values = {self.input: items.astype(np.float64)}
        for layer in self.layers:
            taken = [values[name] for name in layer["from"]]
            values[layer["name"]] = getattr(self, "_" + layer["op"])(layer, *taken)
        return values[self.output]

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(array.size for array in self.arrays.values())

    def _conv(self, layer: Mapping[str, Any], value: Array) -> Array:
        pad, size = layer["pad"], layer["kernel"]
        padded = np.pad(value, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
        windows = _windows(padded, size, layer["stride"])
        weight = self.arrays[layer["name"] + ".weight"]
        made = np.tensordot(windows, weight, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)
        return made + self.arrays[layer["name"] + ".bias"][:, None, None]

    def _max_pool(self, layer: Mapping[str, Any], value: Array) -> Array:
        largest: Array = _windows(value, layer["kernel"], layer["stride"]).max(axis=(4, 5))
        return largest

    def _dense(self, layer: Mapping[str, Any], value: Array) -> Array:
        flat = value.reshape(len(value), -1)
        return flat @ self.arrays[layer["name"] + ".weight"].T + self.arrays[layer["name"] + ".bias"]

    def _relu(self, _: Mapping[str, Any], value: Array) -> Array:
        return np.maximum(value, 0)

    def _concat(self, _: Mapping[str, Any], *values: Array) -> Array:
        return np.concatenate(values, axis=1)

    def _mean(self, _: Mapping[str, Any], value: Array) -> Array:
        mean: Array = value.mean(axis=(2, 3))
        return mean


def _windows(value: Array, size: int, stride: int) -> Array:
    """(items, channels, rows, columns, size, size)."""
    windows: Array = sliding_window_view(value, (size, size), axis=(2, 3))
    return windows[:, :, ::stride, ::stride]
