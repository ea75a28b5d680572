"""``mlms new model``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_mlmodelscope.cli.asking import Questions
from pytest_mlmodelscope.cli.console import examples, json_option
from pytest_mlmodelscope.cli.new import writing
from pytest_mlmodelscope.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_mlmodelscope.interfaces.importer import Described, Tensor

_PIXELS: Final = ("0..1", "-1..1", "imagenet", "0..255", "none")


@click.command(
    epilog=examples(
        "mlms new model net.onnx",
        "mlms new model net.pt --input x=float32[batch,3,224,224] --pixels imagenet --yes",
        "mlms new model --entry py3langid:classify --package py3langid==0.4.0",
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@writing.name_option
@writing.version_option
@click.option("--task", metavar="TASK", help="Such as image_classification (default: a guess by its tensors).")
@writing.license_option
@writing.description_option
@click.option("--reference", "references", multiple=True, metavar="TEXT", help="A paper or page. Several times.")
@click.option("--input", "shapes", multiple=True, metavar="NAME=DTYPE[AXES]", help="Where the file does not say it.")
@click.option("--pixels", type=click.Choice(_PIXELS), help="What pixels of 0 to 255 become for a network of pictures.")
@click.option("--labels", type=click.Path(path_type=Path), help="A file with the name of a class in each line.")
@click.option("--entry", metavar="MODULE:NAME", help="Instead of FILE: what is called, of a Python package.")
@click.option("--package", "packages", multiple=True, metavar="NAME==VERSION", help="Packages for --entry.")
@click.option("--result", metavar="PLACE", help="Where the answer is in what --entry returns, such as [0].")
@writing.into_option
@writing.yes_option
@json_option
def model(file: Path | None, into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write the manifest of a model: of FILE, whose inputs and outputs are read off it, or of a Python function.

    FILE is a model of ONNX, TensorFlow (SavedModel, frozen graph, Keras), TorchScript, TFLite or OpenVINO. Nothing in
    it is run. What lies outside this folder is copied beside the manifest.
    """
    from pytest_mlmodelscope.library import drafts
    from pytest_mlmodelscope.manifest.load import load_model

    ask = Questions(given, yes)
    described = _of_python(ask, given) if file is None else _of_file(file)
    name = writing.named(ask, file.stem if file and file.name != "saved_model.pb" else given["entry"] or "model")
    path = into / "models" / f"{name}.yml"
    writing.refuse_existing(path)
    inputs = tuple(_asked(ask, tensor, yes) for tensor in _given_shapes(described.inputs, given["shapes"]))
    task = ask.text("task", "What is it for?", drafts.task_of(inputs, described.outputs))
    described, labels = _at_hand(described, given["labels"], path.parent, name)
    draft = drafts.ModelDraft(
        **writing.common(ask, name, f"A model for {task.replace('_', ' ')}."),
        task=task,
        described=described,
        inputs=inputs,
        folder=path.parent,
        pixels=_pixels(ask, inputs),
        labels=labels,
        classifier=task.endswith("classification") and file is not None and drafts.classifies(described.outputs),
        references=tuple(given["references"]),
    )
    drafts.write(path, drafts.model(draft), load_model)
    writing.told(path, described.notes, ["mlms new dataset PATH", f"mlms new claim --model {name}"], as_json)


# -- what is asked --------------------------------------------------------------------------------------


def _pixels(ask: Questions, inputs: Sequence[Tensor]) -> str:
    from pytest_mlmodelscope.library.drafts import layout

    if not (len(inputs) == 1 and layout(inputs[0])):
        return ""
    question = "It seems to take pictures. What do pixels of 0 to 255 become (none: it takes no pictures)?"
    chosen = ask.choice("pixels", question, _PIXELS, "0..255" if inputs[0].dtype == "uint8" else "0..1")
    return "" if chosen == "none" else chosen


def _asked(ask: Questions, tensor: Tensor, yes: bool) -> Tensor:
    """A tensor whose shape is known, or was asked for; an empty answer leaves it out."""
    if tensor.shape is not None or yes:
        return tensor
    question = f"The file does not say which shape {tensor.name} has: axes, such as batch,3,224,224 (none: not known)"
    answer = ask.text("input", question, "none")
    return tensor if answer == "none" else replace(tensor, shape=_axes(answer))


def _given_shapes(tensors: Sequence[Tensor], given: Sequence[str]) -> list[Tensor]:
    told: dict[str, Any] = {}
    for text in given:
        match = re.fullmatch(r"([^=]+)=([a-z0-9]+)\[([^\]]*)\]", text)
        if match is None:
            raise UsageError(
                "--input is not understood", expected="NAME=DTYPE[AXES]", got=text, hint="x=float32[batch,4]"
            )
        told[match[1]] = {"dtype": match[2], "shape": _axes(match[3])}
    known = [tensor.name for tensor in tensors]
    for name in told:
        writing.known(name, known, "input")
    return [replace(one, **told.get(one.name, {})) for one in tensors]


def _axes(text: str) -> tuple[int | str, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(int(part) if part.isdigit() else part for part in parts)


# -- files ------------------------------------------------------------------------------------------------


def _of_file(file: Path) -> Described:
    from pytest_mlmodelscope.library.described import described

    return described(file)


def _of_python(ask: Questions, given: Mapping[str, Any]) -> Described:
    from pytest_mlmodelscope.interfaces.importer import Described, Tensor

    entry = ask.text("entry", "Without a file: which function of a Python package is called (module:name)?")
    options: dict[str, Any] = {"packages": list(given["packages"])} if given["packages"] else {}
    options |= {"entry": entry} | ({"result": given["result"]} if given["result"] else {})
    text, label = (Tensor(name, "string", ("batch",)) for name in ("text", "label"))
    return Described((text,), (label,), {}, {"python": options})


def _at_hand(described: Described, labels: Path | None, folder: Path, name: str) -> tuple[Described, Path | None]:
    """The same, with every file below this folder."""
    if labels is not None and not labels.is_file():
        raise UsageError("there is no such file", where=labels)
    if described.beside:
        return _in_one_file(described, folder, name), labels and writing.inside(labels, folder, name)
    files = {role: writing.inside(path, folder, name) for role, path in described.files.items()}
    return replace(described, files=files), labels and writing.inside(labels, folder, name)


def _in_one_file(described: Described, folder: Path, name: str) -> Described:
    """A model whose weights lie beside it, written anew as one file: a worker sees the files that a manifest names."""
    from pytest_mlmodelscope.library.described import gathered

    ((role, path),) = described.files.items()
    target = folder / name / path.name
    writing.refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    gathered(path, target)
    beside = ", ".join(file.name for file in described.beside[:5])
    note = f"{target} holds the model and its weights from {beside}"
    return replace(described, files={role: target}, notes=(*described.notes, note))
