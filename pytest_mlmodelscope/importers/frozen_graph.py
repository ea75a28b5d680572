"""Frozen graphs of TensorFlow: what is fed, and what nothing else takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import no_more_than
from pytest_mlmodelscope.importers._tensorflow import dtype, parsed, shape, text
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

#: Nodes that end a graph without being an answer.
_SILENT: Final = (b"Const", b"NoOp", b"Placeholder", b"Assert")


def fits(path: Path, start: bytes) -> bool:
    """A file ``.pb`` that begins with a node."""
    return path.suffix == ".pb" and path.name != "saved_model.pb" and start[:1] == b"\n"


def read(path: Path) -> Described:
    """Placeholders go in; nodes that nothing takes come out."""
    nodes = parsed(path, "Graph").node
    used = {name.lstrip(b"^").partition(b":")[0] for node in nodes for name in node.input}
    fed = [node for node in nodes if node.op.startswith(b"Placeholder")]
    given = [node for node in nodes if node.name not in used and node.op not in _SILENT]
    if not (fed and given):
        hint = "freeze the graph first: variables have to be constants"
        raise DocumentError("is no graph with placeholders and outputs", where=shown_path(path), hint=hint)
    no_more_than([*fed, *given], "inputs and outputs", path)
    return Described(
        inputs=tuple(_fed(node, path) for node in fed),
        outputs=tuple(Tensor(text(node.name, path)) for node in given),
        files={"model": path},
        frameworks={"tensorflow": {"format": "frozen_graph"}},
    )


def _fed(node: Any, path: Path) -> Tensor:
    about = {attribute.key: attribute.value for attribute in node.attributes}
    lengths = shape(about[b"shape"].shape, path) if b"shape" in about else None
    return Tensor(text(node.name, path), dtype(about[b"dtype"].type) if b"dtype" in about else None, lengths or None)
