"""Keras files: the input and output layers of their configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import Archive, axes, no_more_than
from pytest_mlmodelscope.interfaces.importer import Described, Tensor


def fits(path: Path, start: bytes) -> bool:
    """An archive ``.keras``."""
    return path.suffix.lower() == ".keras" and start.startswith(b"PK\x03\x04")


def read(path: Path) -> Described:
    """Shapes and types of the inputs; of the outputs the names."""
    try:
        config = json.loads(Archive(path).read("config.json"))["config"]
        layers, first, last = config["layers"], config.get("input_layers"), config.get("output_layers")
        inputs = [layer for layer in layers if layer["class_name"] == "InputLayer"]
        outputs = _names(last) if first else [layers[-1]["config"]["name"]]
        no_more_than([*inputs, *outputs], "inputs and outputs", path)
        fed = tuple(_input(layer["config"], path) for layer in inputs)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise DocumentError("is no whole Keras model", where=shown_path(path), got=repr(error)[:200]) from None
    if not fed:
        raise DocumentError("says nothing of its inputs", where=shown_path(path), hint="give the model an Input layer")
    return Described(
        inputs=fed,
        outputs=tuple(map(Tensor, outputs)),
        files={"model": path},
        frameworks={"tensorflow": {"format": "keras"}},
    )


def _names(layers: Any) -> list[str]:
    """``["name", 0, 0]``, or a list of such."""
    return [layers[0]] if isinstance(layers[0], str) else [one[0] for one in layers]


def _input(config: Any, path: Path) -> Tensor:
    dtype = config.get("dtype")
    name = dtype if isinstance(dtype, str) else (dtype or {}).get("config", {}).get("name")
    return Tensor(config["name"], name, axes(config["batch_shape"], path))
