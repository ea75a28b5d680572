"""OpenVINO's format: parameters and results of the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree  # documents with definitions of their own are refused before

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import TEXT, axes, no_more_than, whole
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

_DTYPES: Final = {
    **{f"f{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"i{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"u{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    "boolean": "bool",
    "string": "string",
}


def fits(path: Path, start: bytes) -> bool:
    """A file ``.xml`` with a ``net``."""
    return path.suffix.lower() == ".xml" and b"<net " in start


def read(path: Path) -> Described:
    """The tensors of parameters, and those that results take; the weights lie beside it, as ``.bin``."""
    root = _root(path)
    fed = tuple(_parameter(one, path) for one in root.iterfind("layers/layer") if one.get("type") == "Parameter")
    given = tuple(_results(root))
    if not (fed and given):
        raise DocumentError("has no parameters or no results", where=shown_path(path))
    no_more_than([*fed, *given], "inputs and outputs", path)
    weights = path.with_suffix(".bin")
    files = {"model": path} | ({"weights": weights} if weights.is_file() else {})
    return Described(fed, given, files, {"openvino": {}})


def _root(path: Path) -> ElementTree.Element:
    content = whole(path, TEXT)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DocumentError("has definitions of its own, which no network has", where=shown_path(path))
    try:
        return ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError as error:
        raise DocumentError("is no network of OpenVINO", where=shown_path(path), got=str(error)) from None


def _parameter(layer: ElementTree.Element, path: Path) -> Tensor:
    data, port = layer.find("data"), layer.find("output/port")
    if data is None or port is None:
        raise DocumentError("has a parameter without a shape", where=shown_path(path))
    lengths = [part.strip() for part in data.get("shape", "").split(",") if part.strip()]
    known = [int(part) if part.isdigit() and len(part) < 19 else None for part in lengths]
    name = port.get("names", "").partition(",")[0] or layer.get("name", "")
    return Tensor(name, _DTYPES.get(data.get("element_type", "")), axes(known, path))


def _results(root: ElementTree.Element) -> Iterator[Tensor]:
    """A result's tensor has the name that the port before it gives; where it gives none, the result's own."""
    ports = {
        (layer.get("id"), port.get("id")): port.get("names", "")
        for layer in root.iterfind("layers/layer")
        for port in layer.iterfind("output/port")
    }
    before = {
        edge.get("to-layer"): (edge.get("from-layer"), edge.get("from-port")) for edge in root.iterfind("edges/edge")
    }
    for layer in root.iterfind("layers/layer"):
        if layer.get("type") == "Result":
            names = ports.get(before.get(layer.get("id"), (None, None)), "")
            yield Tensor(names.partition(",")[0] or layer.get("name", ""))
