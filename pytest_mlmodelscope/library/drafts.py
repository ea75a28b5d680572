"""Drafts of manifests and claims: YAML that passes `mlms lint`, with comments that teach."""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.interfaces.importer import Described, Tensor
from pytest_mlmodelscope.manifest.digest import measure

#: How pixels from 0 to 255 become what a network of pictures takes.
PIXELS: Final[Mapping[str, Sequence[str]]] = {
    "0..1": ("scale: {divide: 255}",),
    "-1..1": ("normalize: {mean: 127.5, std: 127.5}",),
    "imagenet": ("normalize: {mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]}",),
    "0..255": ("cast: {dtype: float32}",),
}
#: How a plain YAML scalar may look; everything else is quoted.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_CHANNELS: Final = (1, 3, 4)


@dataclass(frozen=True)
class ModelDraft:
    """Answers to what has to be known of a model. ``pixels`` is a key of ``PIXELS``, or empty where the input is no
    picture; ``labels`` is a file with the name of a class in each line; ``file`` lies below the project.
    """

    name: str
    version: str
    task: str
    license: str
    description: str
    described: Described
    inputs: tuple[Tensor, ...]
    folder: Path
    pixels: str = ""
    labels: Path | None = None
    classifier: bool = False
    references: tuple[str, ...] = field(default=())


def scalar(value: object) -> str:
    """A value as YAML, quoted where it would be read as something else."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and len(value) < 100
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def layout(tensor: Tensor) -> str | None:
    """NCHW or NHWC for what looks like pictures: four axes, one of which is as long as there are channels."""
    shape = tensor.shape or ()
    if len(shape) != 4:
        return None
    if shape[1] in _CHANNELS and shape[3] not in _CHANNELS:
        return "NCHW"
    return "NHWC" if shape[3] in _CHANNELS else None


def task_of(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
    """What a model of such tensors is probably for."""
    if len(inputs) == 1 and layout(inputs[0]):
        return "image_classification" if _scores(outputs) or not _shapes(outputs) else "image"
    if any(one.dtype == "string" for one in inputs):
        return "text_classification"
    return "classification" if len(inputs) == 1 and _scores(outputs) else "regression"


def classifies(outputs: Sequence[Tensor]) -> bool:
    """Whether the first output looks like scores of classes, or may."""
    return _scores(outputs) or not _shapes(outputs)


def _scores(outputs: Sequence[Tensor]) -> bool:
    shape = outputs[0].shape or ()
    return len(shape) == 2 and isinstance(shape[1], int) and shape[1] > 1


def _shapes(outputs: Sequence[Tensor]) -> bool:
    return outputs[0].shape is not None


# -- the model's manifest -------------------------------------------------------------------------


def model(draft: ModelDraft) -> str:
    """The text of a model's manifest, for a file in ``draft.folder``."""
    parts = (_head(draft), _assets(draft), _inputs(draft), _outputs(draft), _frameworks(draft))
    return "\n".join([*itertools.chain.from_iterable(parts), ""])


def _head(draft: ModelDraft) -> Iterator[str]:
    yield "schema: model/1"
    yield f"name: {scalar(draft.name)}  # the same as the file's"
    yield f"version: {json.dumps(draft.version)}"
    yield f"task: {scalar(draft.task)}"
    yield f"license: {scalar(draft.license)}  # an SPDX expression; NOASSERTION while it is not known"
    yield f"description: {scalar(draft.description)}"
    if draft.references:
        yield f"references: {json.dumps(list(draft.references), ensure_ascii=False)}"


def _assets(draft: ModelDraft) -> Iterator[str]:
    if not (draft.described.files or draft.labels):
        return
    yield "# The files, each with the SHA-256 that is checked before every use (mlms hash FILE prints it)."
    yield "assets:"
    for role, path in draft.described.files.items():
        yield from asset(role, path, draft.folder, draft.license)
    if draft.labels is not None:
        yield from asset("labels", draft.labels, draft.folder, draft.license)


def asset(name: str, path: Path, folder: Path, licence: str) -> Iterator[str]:
    """An entry of ``assets``: a file, or a folder as a tree of files; ``folder`` is that of the manifest."""
    sha256, size = measure(path)
    yield f"  {name}:"
    yield f"    path: {scalar(os.path.relpath(path.resolve(), folder.resolve()))}"
    if path.is_dir():
        yield '    tree: "**"'
    yield f"    sha256: {sha256}"
    yield f"    size: {size}"
    yield f"    license: {scalar(licence)}"


def _inputs(draft: ModelDraft) -> Iterator[str]:
    yield "# What goes in. A first axis called batch means that items are stacked; the steps make the tensor of an item"
    yield "# (mlms steps lists them), and have to end in this dtype and shape."
    yield "inputs:" + ("" if draft.inputs else " []")
    for tensor in draft.inputs:
        yield f"  - name: {scalar(tensor.name)}"
        yield f"    dtype: {tensor.dtype or 'float32'}"
        if tensor.shape is not None:
            yield f"    shape: {_shape(tensor.shape)}"
        if layout(tensor):
            yield f"    layout: {layout(tensor)}"
        if len(draft.inputs) > 1:
            yield f"    field: {scalar(tensor.name)}  # which part of an item this is"
        steps = list(_steps(draft, tensor))
        if steps:
            yield "    steps:"
            yield from (f"      - {step}" for step in steps)


def _steps(draft: ModelDraft, tensor: Tensor) -> Iterator[str]:
    shape, dtype = tensor.shape or (), tensor.dtype or "float32"
    if draft.pixels and layout(tensor):
        yield from _picture(draft, tensor)
    elif dtype not in ("string", "bool"):
        yield f"cast: {{dtype: {dtype}}}"
    if shape[:1] == (1,) and all(isinstance(length, int) for length in shape):
        yield f"reshape: {{shape: {_shape(shape)}}}  # the file takes one item at a time"


def _picture(draft: ModelDraft, tensor: Tensor) -> Iterator[str]:
    first = layout(tensor) == "NCHW"
    shape = tensor.shape or ()
    channels, height, width = (shape[1], shape[2], shape[3]) if first else (shape[3], shape[1], shape[2])
    yield "decode: {colour: L}" if channels == 1 else "decode  # red, green, blue; {colour: BGR} for the other order"
    if isinstance(height, int) and isinstance(width, int):
        shorter = round(min(height, width) * 8 / 7) if min(height, width) >= 64 and height == width else None
        # A seventh more than what is cut out of it, as networks for ImageNet are usually tested.
        yield f"resize: {{size: {shorter}}}" if shorter else f"resize: {{size: [{height}, {width}]}}"
        if shorter:
            yield f"crop: {{size: [{height}, {width}]}}"
    if tensor.dtype == "uint8":
        yield from ["layout: {from: HWC, to: CHW}"] if first else []
        return
    one = channels == 1 and draft.pixels == "imagenet"
    yield from ["normalize: {mean: 127.5, std: 127.5}"] if one else PIXELS[draft.pixels]
    if first:
        yield "layout: {from: HWC, to: CHW}"


def _outputs(draft: ModelDraft) -> Iterator[str]:
    yield "# What comes out; the prediction is what the steps make of an item's part of the first that has steps."
    yield "outputs:"
    for place, tensor in enumerate(draft.described.outputs):
        yield f"  - name: {scalar(tensor.name)}"
        if tensor.dtype:
            yield f"    dtype: {tensor.dtype}"
        if tensor.shape is not None:
            yield f"    shape: {_shape(tensor.shape)}"
        if place == 0 and draft.classifier:
            yield "    steps:"
            yield "      - argmax  # the class with the largest score; top_k: {k: 5} for the best five"
            if draft.labels is not None:
                yield "      - labels: {asset: labels}"


def _frameworks(draft: ModelDraft) -> Iterator[str]:
    yield "# What runs it (mlms frameworks); mlms show framework NAME says which keys a section may have."
    yield "frameworks:"
    roles = ", ".join(f"{role}: {role}" for role in draft.described.files)
    for name, options in draft.described.frameworks.items():
        yield f"  {name}:"
        if roles:
            yield f"    assets: {{{roles}}}"
        yield from (f"    {key}: {scalar(value)}" for key, value in options.items())


def _shape(shape: Sequence[int | str]) -> str:
    return f"[{', '.join(str(length) for length in shape)}]"


# -- writing ----------------------------------------------------------------------------------------


def write(path: Path, text: str, check: Callable[[Path], object]) -> None:
    """Write a new file whole or not at all, when ``check`` finds nothing wrong with it.

    Raises:
        UsageError: there is a file already.
        MlmsError: what ``check`` raises.
    """
    if path.exists():
        raise UsageError("is there already, and nothing is overwritten", where=shown_path(path), hint="--name NAME")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mlms-", dir=path.parent) as scratch:
        made = Path(scratch) / path.name
        made.write_text(text, encoding="utf-8")
        check(made)
        try:
            os.link(made, path)  # unlike a rename, this never replaces a file that came meanwhile
        except FileExistsError:
            raise UsageError("is there already, and nothing is overwritten", where=shown_path(path)) from None
