"""TorchScript archives: the arguments and results of ``forward``, from its text. Nothing is unpickled."""

from __future__ import annotations

import pickletools
import re
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.importers._bounded import Archive, no_more_than
from pytest_mlmodelscope.interfaces.importer import Described, Tensor

#: Of the text of ``forward``: its arguments and what it returns.
_FORWARD: Final = re.compile(r"^  def forward\(self: [^,)]*,?([^)]*)\) -> ([^\n]*):$", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"(\w+): ([^=]+?)(?: ?= ?(.*))?")
#: The mark of a zip file.
_ZIP: Final = b"PK\x03\x04"


def fits(path: Path, start: bytes) -> bool:
    """An archive ``.pt``, ``.pth``, ``.ts``, ``.jit`` or ``.torchscript``."""
    return start.startswith(_ZIP) and path.suffix.lower() in (".pt", ".pth", ".pt2", ".ts", ".jit", ".torchscript")


def read(path: Path) -> Described:
    """Names and number of the tensors; the format does not hold their shapes and types."""
    archive = Archive(path)
    arguments, returned = _signature(_text(archive, path), path)
    no_more_than([*arguments, *returned], "inputs and outputs", path)
    note = "TorchScript does not say which shapes and types its tensors have: look at `inputs`"
    return Described(
        inputs=tuple(map(Tensor, arguments)),
        outputs=tuple(map(Tensor, returned)),
        files={"model": path},
        frameworks={"pytorch": {"format": "torchscript"}},
        notes=(note,),
    )


def _text(archive: Archive, path: Path) -> str:
    """The class of the archive's root object, as text."""
    pickled = next((name for name in archive.names if name.count("/") == 1 and name.endswith("/data.pkl")), None)
    if pickled is None or not any("/code/" in name for name in archive.names):
        what = "has weights and no code" if pickled else "is no TorchScript archive"
        hint = "torch.jit.script(model).save(...), or write the manifest with format: state_dict or exported"
        raise DocumentError(f"{what}: nothing says what goes in", where=shown_path(path), hint=hint)
    module, _, name = _root(archive.read(pickled), path).rpartition(".")
    place = f"{pickled.partition('/')[0]}/code/{module.replace('.', '/')}.py"
    if place not in archive.names:
        raise DocumentError("its root object has no code", where=shown_path(path), got=f"{module}.{name}"[:200])
    code = archive.read(place).decode("utf-8", "replace")
    _, found, rest = code.partition(f"class {name}(Module):")
    return rest.partition("\nclass ")[0] if found else ""


def _root(pickled: bytes, path: Path) -> str:
    """The name of the first class in a pickle: its operations are listed, and none is done."""
    try:
        for operation, argument, _ in pickletools.genops(pickled):
            if operation.name == "GLOBAL":
                return str(argument).replace(" ", ".")
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise DocumentError("is damaged", where=shown_path(path), got=str(error)) from None
    raise DocumentError("its root is no module", where=shown_path(path))


def _signature(text: str, path: Path) -> tuple[list[str], list[str]]:
    match = _FORWARD.search(text)
    if match is None:
        raise DocumentError("its root module has no forward", where=shown_path(path))
    arguments = []
    for part in filter(None, map(str.strip, match[1].split(",\n"))):
        found = _ARGUMENT.fullmatch(part)
        if found is None or (found[2] != "Tensor" and found[3] is None):
            hint = "script a module whose forward takes tensors"
            raise DocumentError("takes what is no tensor", where=shown_path(path), got=part[:200], hint=hint)
        arguments += [found[1]] if found[2] == "Tensor" else []
    return arguments, _returned(match[2], path)


def _returned(kind: str, path: Path) -> list[str]:
    inner = re.fullmatch(r"Tuple\[(.*)\]", kind)
    parts = inner[1].split(", ") if inner else [kind]
    if set(parts) != {"Tensor"}:
        hint = "script a module that returns a tensor, or a tuple of them"
        raise DocumentError("returns what is no tensor", where=shown_path(path), got=kind[:200], hint=hint)
    return ["output", *(f"output{number}" for number in range(1, len(parts)))]
