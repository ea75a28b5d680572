"""ONNX files: the inputs and outputs of the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import LARGEST, axes, no_more_than, whole
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

#: Types by their numbers in ``onnx.proto3``.
_DTYPES: Final = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}


def fits(path: Path, start: bytes) -> bool:
    """A file ``.onnx``: the format has no mark of its own."""
    return path.suffix.lower() == ".onnx" and path.is_file()


def read(path: Path) -> Described:
    """Inputs that are no weights, and outputs; weights in files beside the model are looked at by name only."""
    graph = _graph(path)
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    no_more_than([*inputs, *graph.output], "inputs and outputs", path)
    _refuse_outside(_external(graph), path)
    if not graph.output:
        raise DocumentError("has no outputs: it is no ONNX model", where=shown_path(path))
    return Described(
        inputs=tuple(_tensor(value, path) for value in inputs),
        outputs=tuple(_tensor(value, path) for value in graph.output),
        files={"model": path},
        frameworks={"onnxruntime": {}},
        beside=tuple(path.parent / place for place in _external(graph)),
    )


def gather(path: Path, target: Path) -> None:
    """The same model with its weights inside."""
    import onnx

    read(path)  # refuses weights from elsewhere before they are opened
    size = sum(file.stat().st_size for file in {path, *(path.parent / one for one in _external(_graph(path)))})
    if size > LARGEST:
        raise DocumentError(
            "is too large for one file", where=shown_path(path), expected=f"at most {LARGEST:,} bytes", got=f"{size:,}"
        )
    onnx.save_model(onnx.load_model(path), target)


def _graph(path: Path) -> Any:
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(whole(path, LARGEST))
    except DecodeError as error:
        raise DocumentError("is no whole ONNX model", where=shown_path(path), got=str(error)) from None
    return model.graph


def _tensor(value: Any, path: Path) -> Tensor:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise DocumentError(
            f'"{value.name}" is no tensor', where=shown_path(path), got=str(kind), hint="export it without sequences"
        )
    about = value.type.tensor_type
    if not about.HasField("shape"):
        return Tensor(value.name, _DTYPES.get(about.elem_type))
    lengths = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None for dim in about.shape.dim]
    return Tensor(value.name, _DTYPES.get(about.elem_type), axes(lengths, path))


def _external(graph: Any) -> list[str]:
    entries = (entry for tensor in graph.initializer for entry in tensor.external_data if entry.key == "location")
    return sorted({entry.value for entry in entries})


def _refuse_outside(places: list[str], path: Path) -> None:
    folder = path.resolve().parent
    for place in places:
        found = (folder / place).resolve()
        if not found.is_relative_to(folder):
            raise DocumentError("wants weights from outside its own folder", where=shown_path(path), got=place)
        if not found.is_file():
            raise DocumentError(f"its weights are missing: there is no {place} beside it", where=shown_path(path))
