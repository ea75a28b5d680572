"""SavedModels of TensorFlow: the inputs and outputs of one signature."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import no_more_than
from pytest_mlmodelscope.importers._tensorflow import dtype, parsed, shape, text
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

_FILE: Final = "saved_model.pb"
_USUAL: Final = "serving_default"
#: The signatures that TensorFlow itself puts in begin so.
_INNER: Final = "__"


def fits(path: Path, start: bytes) -> bool:
    """A folder with ``saved_model.pb``, or that file."""
    return path.name == _FILE or (path / _FILE).is_file()


def read(path: Path) -> Described:
    """The signature ``serving_default``, or the first."""
    folder = path if path.is_dir() else path.parent
    found = _signatures(folder / _FILE)
    name = _USUAL if _USUAL in found else next(iter(found))
    signature = found[name]
    if not (signature.inputs and signature.outputs):
        raise DocumentError(f'the signature "{name}" has no inputs or no outputs', where=shown_path(folder))
    others = [other for other in found if other != name]
    notes = (f"it has other signatures too: {', '.join(others[:20])}",) if others else ()
    return Described(
        inputs=_tensors(signature.inputs, folder),
        outputs=_tensors(signature.outputs, folder),
        files={"model": folder},
        frameworks={"tensorflow": {"format": "saved_model"} | ({} if name == _USUAL else {"signature": name})},
        notes=notes,
    )


def _signatures(file: Path) -> dict[str, Any]:
    found = {
        text(entry.key, file): entry.value
        for graph in parsed(file, "SavedModel").meta_graphs
        for entry in graph.signatures
    }
    chosen = {name: one for name, one in found.items() if not name.startswith(_INNER)}
    if not chosen:
        hint = "save it with a signature: tf.saved_model.save(module, folder, signatures=...)"
        raise DocumentError("has no signature, so nothing says what goes in", where=shown_path(file), hint=hint)
    return chosen


def _tensors(entries: Iterable[Any], path: Path) -> tuple[Tensor, ...]:
    entries = list(entries)
    no_more_than(entries, "tensors", path)
    found = ((text(one.key, path), one.value) for one in entries)
    return tuple(
        Tensor(name, dtype(one.dtype), shape(one.shape, path)) for name, one in sorted(found, key=lambda x: x[0])
    )
