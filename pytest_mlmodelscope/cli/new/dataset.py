"""``mlms new dataset``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cli.asking import Questions
from pytest_mlmodelscope.cli.console import examples, json_option
from pytest_mlmodelscope.cli.new import writing
from pytest_mlmodelscope.core.errors import UsageError


@click.command(epilog=examples("mlms new dataset words.tsv", "mlms new dataset pictures/ --license CC0-1.0 --yes"))
@click.argument("path", type=click.Path(path_type=Path))
@writing.name_option
@writing.version_option
@writing.license_option
@writing.description_option
@click.option("--split", metavar="NAME", help="What this part is called (default: test).")
@click.option("--separator", metavar="TEXT", help="Of a table: what stands between columns.")
@click.option("--header/--no-header", default=None, help="Of a table: whether the first line names the columns.")
@click.option("--input", "inputs", multiple=True, metavar="COLUMN", help="Of a table: what goes in. Several times.")
@click.option("--label", metavar="COLUMN", help="Of a table: the answer.")
@writing.into_option
@writing.yes_option
@json_option
def dataset(path: Path, into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write the manifest of a dataset: PATH is a table (delimited text), or a folder of files whose subfolders are
    labels. Its items are read and counted.
    """
    from pytest_mlmodelscope.library import collecting, drafts
    from pytest_mlmodelscope.manifest.load import load_dataset

    if not path.exists():
        raise UsageError("there is no such file or folder", where=path)
    ask = Questions(given, yes)
    name = writing.named(ask, path.resolve().stem)
    file = into / "datasets" / f"{name}.yml"
    writing.refuse_existing(file)
    reader, options = collecting.of_folder(path) if path.is_dir() else _of_table(path, ask, given)
    items = collecting.counted(path, reader, options)
    draft = collecting.DatasetDraft(
        **writing.common(ask, name, f"{items:,} items."),
        split=ask.text("split", "What is this part called?", "test"),
        path=writing.inside(path, file.parent, name),
        folder=file.parent,
        items=items,
        reader=reader,
        options=options,
    )
    drafts.write(file, collecting.dataset(draft), load_dataset)
    following = [f"mlms show dataset {name}", f"mlms new claim --dataset {name}"]
    writing.told(file, [f"{items:,} items were read"], following, as_json)


def _of_table(path: Path, ask: Questions, given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The reader of tables and its options: which columns go in, and which is the answer."""
    from pytest_mlmodelscope.library import collecting

    seen = collecting.seen(path, given["separator"], given["header"])
    columns = [str(column) for column in seen.columns]
    shown = ", ".join(columns)
    label = ask.text("label", f"Which column is the answer: {shown}, or none?", str(seen.label))
    usual = ",".join(map(str, seen.inputs_without(label)))
    question = f"Which column goes in (several with commas): {shown}?"
    inputs = given["inputs"] or [part.strip() for part in ask.text("input", question, usual).split(",")]
    for column in [*inputs, *([label] if label != "none" else [])]:
        writing.known(column, columns, "column")
    return "table", seen.options(inputs, None if label == "none" else label)
