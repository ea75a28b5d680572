"""``mlms new``: a first version of a manifest or a claim, from questions and from what a file says of itself."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.asking import Questions
from pytest_mlmodelscope.cli.console import examples
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pytest_mlmodelscope.interfaces.importer import Described, Tensor

_PIXELS: Final = ("0..1", "-1..1", "imagenet", "0..255", "none")
_UNKNOWN: Final = "NOASSERTION"
_yes = click.option("--yes", is_flag=True, help="Ask nothing: take the default where no option gives an answer.")
_json = click.option("--json", "as_json", is_flag=True, help="Say as JSON what was written.")
_name = click.option("--name", metavar="NAME", help="What it is called, and its file (default: as the file it is of).")
_license = click.option("--license", metavar="SPDX", help="The license, as an SPDX expression.")
_description = click.option("--description", metavar="TEXT", help="One or two sentences.")
_version = click.option("--version", metavar="VERSION", help="Its version (default: 1).")
_into = click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("manifests"),
    show_default=True,
    help="The folder of manifests.",
)


@click.group(epilog=examples("mlms new model net.onnx", "mlms new dataset pictures/", "mlms new claim"))
def new() -> None:
    """Write a first manifest of a model or a dataset, or a claim: questions with defaults, and what the file says.

    What is written passes `mlms lint`, and nothing is overwritten.
    """


@new.command(
    epilog=examples(
        "mlms new model net.onnx",
        "mlms new model net.pt --input x=float32[batch,3,224,224] --pixels imagenet --yes",
        "mlms new model --entry py3langid:classify --package py3langid==0.4.0",
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@_name
@_version
@click.option("--task", metavar="TASK", help="Such as image_classification (default: a guess by its tensors).")
@_license
@_description
@click.option("--reference", "references", multiple=True, metavar="TEXT", help="A paper or page. Several times.")
@click.option("--input", "shapes", multiple=True, metavar="NAME=DTYPE[AXES]", help="Where the file does not say it.")
@click.option("--pixels", type=click.Choice(_PIXELS), help="What pixels of 0 to 255 become for a network of pictures.")
@click.option("--labels", type=click.Path(path_type=Path), help="A file with the name of a class in each line.")
@click.option("--entry", metavar="MODULE:NAME", help="Instead of FILE: what is called, of a Python package.")
@click.option("--package", "packages", multiple=True, metavar="NAME==VERSION", help="Packages for --entry.")
@click.option("--result", metavar="PLACE", help="Where the answer is in what --entry returns, such as [0].")
@_into
@_yes
@_json
def model(file: Path | None, into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write the manifest of a model: of FILE, whose inputs and outputs are read off it, or of a Python function.

    FILE is a model of ONNX, TensorFlow (SavedModel, frozen graph, Keras), TorchScript, TFLite or OpenVINO. Nothing in
    it is run. What lies outside this folder is copied beside the manifest.
    """
    from pytest_mlmodelscope.library import drafts
    from pytest_mlmodelscope.manifest.load import load_model

    ask = Questions(given, yes)
    described = _of_python(ask, given) if file is None else _of_file(file)
    name = _named(ask, file.stem if file and file.name != "saved_model.pb" else given["entry"] or "model")
    path = into / "models" / f"{name}.yml"
    _refuse_existing(path)
    inputs = tuple(_asked(ask, tensor, yes) for tensor in _given_shapes(described.inputs, given["shapes"]))
    task = ask.text("task", "What is it for?", drafts.task_of(inputs, described.outputs))
    described, labels = _at_hand(described, given["labels"], path.parent, name)
    draft = drafts.ModelDraft(
        **_common(ask, name, f"A model for {task.replace('_', ' ')}."),
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
    _told(path, described.notes, ["mlms new dataset PATH", f"mlms new claim --model {name}"], as_json)


@new.command(epilog=examples("mlms new dataset words.tsv", "mlms new dataset pictures/ --license CC0-1.0 --yes"))
@click.argument("path", type=click.Path(path_type=Path))
@_name
@_version
@_license
@_description
@click.option("--split", metavar="NAME", help="What this part is called (default: test).")
@click.option("--separator", metavar="TEXT", help="Of a table: what stands between columns.")
@click.option("--header/--no-header", default=None, help="Of a table: whether the first line names the columns.")
@click.option("--input", "inputs", multiple=True, metavar="COLUMN", help="Of a table: what goes in. Several times.")
@click.option("--label", metavar="COLUMN", help="Of a table: the answer.")
@_into
@_yes
@_json
def dataset(path: Path, into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write the manifest of a dataset: PATH is a table (delimited text), or a folder of files whose subfolders are
    labels. Its items are read and counted.
    """
    from pytest_mlmodelscope.library import collecting, drafts
    from pytest_mlmodelscope.manifest.load import load_dataset

    if not path.exists():
        raise UsageError("there is no such file or folder", where=path)
    ask = Questions(given, yes)
    name = _named(ask, path.resolve().stem)
    file = into / "datasets" / f"{name}.yml"
    _refuse_existing(file)
    reader, options = collecting.of_folder(path) if path.is_dir() else _of_table(path, ask, given)
    items = collecting.counted(path, reader, options)
    common = _common(ask, name, f"{items:,} items.")
    split = ask.text("split", "What is this part called?", "test")
    here = _inside(path, file.parent, name)
    text = collecting.dataset(
        collecting.DatasetDraft(
            **common, path=here, folder=file.parent, split=split, items=items, reader=reader, options=options
        )
    )
    drafts.write(file, text, load_dataset)
    _told(
        file,
        (f"{items:,} items were read",),
        [f"mlms show dataset {name}", f"mlms new claim --dataset {name}"],
        as_json,
    )


@new.command(
    epilog=examples(
        "mlms new claim --model net --dataset pictures",
        'mlms new claim --model net --dataset pictures --metric accuracy --value 91.5 --title "A paper" '
        '--where "Table 1" --yes',
    )
)
@click.option("--model", metavar="NAME", shell_complete=completing.models, help="About which model.")
@click.option("--dataset", metavar="NAME", shell_complete=completing.datasets, help="On which data.")
@click.option("--split", metavar="NAME", help="Which part of it (default: test, or its only one).")
@click.option("--metric", metavar="NAME", shell_complete=completing.metrics, help="Which metric (default: accuracy).")
@click.option("--value", type=float, help="The published figure.")
@click.option("--unit", metavar="UNIT", help="Its unit (default: the metric's).")
@click.option("--figure", metavar="TEXT", help="The figure as printed, such as 91.50 %: its digits count.")
@click.option("--title", metavar="TEXT", help="The paper or page that it was published in.")
@click.option("--where", metavar="TEXT", help="The table, line or file in it.")
@click.option("--url", metavar="ADDRESS", help="The address of the source.")
@click.option("--read", metavar="DAY", help="The day that it was looked up (default: today).")
@click.option("--id", "identity", metavar="ID", help="What the claim is called, and its file.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("claims"),
    show_default=True,
    help="The folder of claims.",
)
@_yes
@_json
def claim(into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write a claim: which figure was published of which model, on which data, and where."""
    from pytest_mlmodelscope.core.registry import member, names
    from pytest_mlmodelscope.library import collecting, drafts
    from pytest_mlmodelscope.library.shelf import Shelf

    ask, kept = Questions(given, yes), Shelf().catalogue
    about = _known(
        ask.text("model", "About which model?", _only(kept.model_names(), "models")), kept.model_names(), "model"
    )
    metric = _known(ask.text("metric", "Which metric?", "accuracy"), names("metrics"), "metric")
    kind = member("metrics", metric).KIND
    data = None
    if kind in ("items", "timed", "counted"):
        chosen = ask.text("dataset", "On which data?", _only(kept.dataset_names(), "datasets"))
        data = kept.dataset(_known(chosen, kept.dataset_names(), "dataset"), "mlms new claim")
    identity = _named(Questions({**given, "name": given["identity"]}, yes), f"{about}-{metric}")
    path = into / f"{identity}.yml"
    _refuse_existing(path)
    draft = _claim(ask, given, identity, kept, about, metric, data)
    drafts.write(path, collecting.claim(draft), lambda made: _lint(made, kept))
    _told(path, (), [f"mlms lint {into}", f"pytest --mlms {path}"], as_json)


def _claim(
    ask: Questions, given: Mapping[str, Any], identity: str, kept: Any, about: str, metric: str, data: Any
) -> Any:
    from pytest_mlmodelscope.core.registry import member
    from pytest_mlmodelscope.library import collecting

    splits = list(data.splits) if data else []
    split = (
        (ask.text("split", "Which part of it?", "test" if "test" in splits else splits[0])) if len(splits) > 1 else None
    )
    base = member("metrics", metric).BASE_UNIT
    unit = ask.text(
        "unit", "In which unit?", "%" if base == "1" and member("metrics", metric).KIND == "items" else base
    )
    value = ask.number("value", "Which figure was published?")
    return collecting.ClaimDraft(
        id=identity,
        model=about,
        metric=metric,
        value=int(value) if value.is_integer() else value,
        unit=unit,
        dataset=data.name if data else None,
        split=None if split == "test" else split,
        figure=ask.text("figure", "The figure as printed", f"{value:g} {unit}" if unit != "1" else f"{value:g}"),
        title=ask.text("title", "Where was it published? The title"),
        where=ask.text("where", "The table, line or file in it"),
        read=ask.text("read", "The day that it was looked up", datetime.now(UTC).date().isoformat()),
        url=given["url"],
        measures=_measures(kept.model(about, "mlms new claim"), metric),
    )


def _measures(model: Any, metric: str) -> str | None:
    """What is timed, where that has to be said: of a pipeline, under most loads."""
    from pytest_mlmodelscope.claim.expand import measures_of_pipeline
    from pytest_mlmodelscope.core.registry import member

    if not model.stages or member("metrics", metric).KIND != "timed":
        return None
    scenario = getattr(member("metrics", metric), "SCENARIO", "single_stream")
    wanted = measures_of_pipeline(scenario)
    return None if wanted == "model" else wanted  # as it is where a claim says nothing


def _lint(made: Path, kept: Any) -> None:
    from pytest_mlmodelscope.claim.expand import expand
    from pytest_mlmodelscope.claim.load import load_claims

    for one in load_claims(made):
        expand(one, kept)


# -- what is asked --------------------------------------------------------------------------------------


def _named(ask: Questions, guess: str) -> str:
    """A name that manifests admit; a guess is made to be one."""
    tidy = re.sub(r"[^A-Za-z0-9._-]+", "-", guess).strip("-._") or "model"
    name = ask.text("name", "What is it called?", tidy[:100])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", name):
        raise UsageError(f'"{name}" is no name', expected="letters, digits, dots, dashes and underscores")
    return name


def _common(ask: Questions, name: str, about: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": ask.text("version", "Which version is it?", "1"),
        "license": ask.text("license", "Under which license (an SPDX expression)?", _UNKNOWN),
        "description": ask.text("description", "What is it, in one sentence?", about),
    }


def _known(name: str, names: Sequence[str], kind: str) -> str:
    if name not in names:
        raise UsageError(f'no {kind} is called "{name}"', hint=did_you_mean(name, names))
    return name


def _only(names: Sequence[str], group: str) -> str | None:
    """The one that this folder's own manifests have; None where there are more, or none."""
    own = [name for name in names if Path("manifests", group, f"{name}.yml").is_file()]
    return own[0] if len(own) == 1 else None


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
    answer = ask.text("", question, "none")
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
        _known(name, known, "input")
    return [replace(one, **told.get(one.name, {})) for one in tensors]


def _axes(text: str) -> tuple[int | str, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _of_table(path: Path, ask: Questions, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    from pytest_mlmodelscope.library import collecting

    seen = collecting.seen(path, given["separator"], given["header"])
    columns = [str(column) for column in seen.columns]
    shown = ", ".join(columns)
    label = ask.text("label", f"Which column is the answer: {shown}, or none?", str(seen.label))
    chosen = given["inputs"] or [
        part.strip()
        for part in ask.text(
            "", f"Which column goes in (several with commas): {shown}?", ",".join(map(str, seen.inputs_without(label)))
        ).split(",")
    ]
    for column in [*chosen, *([label] if label != "none" else [])]:
        _known(column, columns, "column")
    return "table", seen.options(chosen, None if label == "none" else label)


# -- files ------------------------------------------------------------------------------------------------


def _of_file(file: Path) -> Described:
    from pytest_mlmodelscope.library.described import described

    return described(file)


def _of_python(ask: Questions, given: Mapping[str, Any]) -> Described:
    from pytest_mlmodelscope.interfaces.importer import Described, Tensor

    entry = ask.text("entry", "Without a file: which function of a Python package is called (module:name)?")
    options: dict[str, Any] = {"packages": list(given["packages"])} if given["packages"] else {}
    options |= {"entry": entry} | ({"result": given["result"]} if given["result"] else {})
    tensor: Callable[[str], Tensor] = lambda name: Tensor(name, "string", ("batch",))  # noqa: E731
    return Described((tensor("text"),), (tensor("label"),), {}, {"python": options})


def _at_hand(described: Described, labels: Path | None, folder: Path, name: str) -> tuple[Described, Path | None]:
    """The same, with every file below this folder."""
    if labels is not None and not labels.is_file():
        raise UsageError("there is no such file", where=labels)
    if described.beside:
        return _in_one_file(described, folder, name), labels and _inside(labels, folder, name)
    files = {role: _inside(path, folder, name) for role, path in described.files.items()}
    return replace(described, files=files), labels and _inside(labels, folder, name)


def _in_one_file(described: Described, folder: Path, name: str) -> Described:
    """A model whose weights lie beside it, written anew as one file: a worker sees the files that a manifest names."""
    from pytest_mlmodelscope.library.described import gathered

    ((role, path),) = described.files.items()
    target = folder / name / path.name
    _refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    gathered(path, target)
    beside = ", ".join(file.name for file in described.beside[:5])
    note = f"{target} holds the model and its weights from {beside}"
    return replace(described, files={role: target}, notes=(*described.notes, note))


def _inside(path: Path, folder: Path, name: str) -> Path:
    """The file or folder itself where a manifest may name it, else a copy beside the manifest."""
    project = folder.resolve().parent.parent
    if path.resolve().is_relative_to(project) and path.resolve() != project:
        return path
    target = folder / name / path.resolve().name
    _refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, target)
    return target


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise UsageError("is there already, and nothing is overwritten", where=path, hint="another --name or --id")


def _told(path: Path, notes: Sequence[str], following: Sequence[str], as_json: bool) -> None:
    if as_json:
        told = {"file": str(path), "notes": list(notes), "next": list(following)}
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    click.echo(f"wrote {path}")
    for note in notes:
        click.echo(f"note: {note}")
    click.echo("next: " + "\n      ".join(following))
