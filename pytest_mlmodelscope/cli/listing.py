"""``mlms claims``, ``models``, ``datasets``, ``schema`` and one command for each extension point: what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json, table
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import UsageError, near
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.schema import CURRENT
from pytest_mlmodelscope.core.schema import schema as json_schema
from pytest_mlmodelscope.library.cards import ClaimCard
from pytest_mlmodelscope.library.shelf import Kind, Shelf, claim_files_below

manifests_option = click.option(
    "--manifests",
    multiple=True,
    type=click.Path(path_type=Path),
    help="More folders with models/ and datasets/; these come first. May be given several times.",
)


_words = click.argument("words", nargs=-1, metavar="[WORD]...")
_task = click.option("--task", metavar="TASK", help="Only of this task, such as image_classification.")
_framework = click.option(
    "--framework", metavar="NAME", shell_complete=completing.frameworks, help="Only what this framework runs."
)
_model = click.option("--model", metavar="NAME", shell_complete=completing.models, help="Only about this model.")
_metric = click.option("--metric", metavar="NAME", shell_complete=completing.metrics, help="Only with this metric.")


@click.command(epilog=examples("mlms claims", "mlms claims --metric accuracy --model eld-m", "mlms claims mine.yml"))
@click.argument("words", nargs=-1, metavar="[WORD|PATH]...")
@_model
@_metric
@_framework
@_task
@json_option
def claims(
    words: Sequence[str], model: str | None, metric: str | None, framework: str | None, task: str | None, as_json: bool
) -> None:
    """List published claims: those that have every WORD in their id, model, metric or source.

    A WORD that is a file or a folder is where to look instead (default: claims/ here, else the bundled ones).
    Exit code 1 when nothing was found.
    """
    paths = [Path(word) for word in words if Path(word).exists() or _path_like(word)]
    text = " ".join(word for word in words if Path(word) not in paths)
    shelf = Shelf(claims=claim_files(paths))
    found = shelf.claims(text, model, metric)
    rows = [_claim_row(card) for card in found if framework is None or framework in card.frameworks]
    if task is not None:
        rows = [row for row in rows if shelf.model(row["model"]).task == task]
    _print(rows, ("id", "model", "metric", "published", "source"), as_json, "claim", text)


@click.command(epilog=examples("mlms models", "mlms models picture squeeze", "mlms models --framework caffe2"))
@_words
@_task
@_framework
@manifests_option
@json_option
def models(
    words: Sequence[str], task: str | None, framework: str | None, manifests: Sequence[Path], as_json: bool
) -> None:
    """List the models that have a manifest here or in the package: those with every WORD in their name, task or
    description.

    Exit code 1 when nothing was found.
    """
    text = " ".join(words)
    rows = [asdict(card) for card in Shelf(manifests).models(text, task, framework)]
    _print(rows, ("name", "version", "task", "frameworks", "license"), as_json, "model", text)


@click.command(epilog=examples("mlms datasets", "mlms datasets language"))
@_words
@manifests_option
@json_option
def datasets(words: Sequence[str], manifests: Sequence[Path], as_json: bool) -> None:
    """List the datasets that have a manifest here or in the package: those with every WORD in their name or
    description.

    Exit code 1 when nothing was found.
    """
    text = " ".join(words)
    rows = [asdict(card) for card in Shelf(manifests).datasets(text)]
    _print(rows, ("name", "version", "splits", "license"), as_json, "dataset", text)


@click.command(epilog=examples("mlms frameworks", "mlms frameworks onnx"))
@_words
@json_option
def frameworks(words: Sequence[str], as_json: bool) -> None:
    """List the frameworks that are built in or were installed as extensions: those with every WORD in their name or
    title.

    Exit code 1 when nothing was found.
    """
    text = " ".join(words)
    rows = [asdict(card) for card in Shelf().frameworks(text)]
    _print(rows, ("name", "title", "versions", "devices"), as_json, "framework", text)


def _path_like(word: str) -> bool:
    return "/" in word or word.endswith((".yml", ".yaml"))


@click.command(epilog=examples("mlms metrics"))
@json_option
def metrics(as_json: bool) -> None:
    """List the metrics that a claim may name, their units and options."""
    from pytest_mlmodelscope.core.units import UNITS

    rows = []
    for name in names("metrics"):
        metric = member("metrics", name)
        units = [unit for unit, (base, _) in UNITS.items() if base == metric.BASE_UNIT]
        about = {"kind": metric.KIND, "units": units, "direction": metric.DIRECTION}
        rows.append({**_member_row("metrics", name), **about})
    _print(rows, ("name", "about", "units", "direction", "options"), as_json)


@click.command(epilog=examples("mlms checks"))
@json_option
def checks(as_json: bool) -> None:
    """List the checks that a claim may name instead of a metric, and their options."""
    from pytest_mlmodelscope.interfaces.check import COMMON_OPTIONS

    shared = {option: about["description"] for option, about in COMMON_OPTIONS.items()}
    rows = [_member_row("checks", name) for name in names("checks")]
    rows = [{**row, "options": {**row["options"], **shared}} for row in rows]
    _print(rows, ("name", "about", "options"), as_json)


@click.command(epilog=examples("mlms steps", "mlms steps --json"))
@json_option
def steps(as_json: bool) -> None:
    """List the steps that make a tensor of an item, and a prediction of a tensor."""
    _print([_member_row("steps", name) for name in names("steps")], ("name", "about", "options"), as_json)


@click.command(epilog=examples("mlms mismatches"))
@json_option
def mismatches(as_json: bool) -> None:
    """List the usual mistakes that may explain a refuted figure over items."""
    rows = [
        {"name": name, "about": _first_line(member("mismatches", name)), "usual": member("mismatches", name).USUAL}
        for name in names("mismatches")
    ]
    _print(rows, ("name", "about", "usual"), as_json)


@click.command(epilog=examples("mlms readers"))
@json_option
def readers(as_json: bool) -> None:
    """List the formats of data that a dataset's manifest may name as its reader."""
    _print([_member_row("datasets", name) for name in names("datasets")], ("name", "about", "options"), as_json)


@click.command(epilog=examples("mlms scenarios"))
@json_option
def scenarios(as_json: bool) -> None:
    """List the load patterns that a timed claim may name."""
    rows = [{"name": name, "about": _first_line(member("scenarios", name))} for name in names("scenarios")]
    _print(rows, ("name", "about"), as_json)


@click.command(epilog=examples("mlms schema claim > claim.schema.json"))
@click.argument("kind", type=click.Choice(sorted(CURRENT)))
@json_option
def schema(kind: str, as_json: bool) -> None:  # noqa: ARG001  # it is JSON either way
    """Print the JSON Schema of a KIND of file, for editors and other tools."""
    print_json(json_schema(kind))


def claim_files(paths: Sequence[Path]) -> list[Path]:
    """The YAML files that hold claims.

    Raises:
        UsageError: a path does not exist, or no file holds claims.
    """
    here = Path("claims")
    roots = list(paths) or [here if here.is_dir() else bundled_root() / "claims"]
    for root in roots:
        if not root.exists():
            raise UsageError("there is no such file or folder", where=root)
    found = list(dict.fromkeys(claim_files_below(roots)))
    if not found:
        raise UsageError("no file holds claims", where=", ".join(map(shown_path, roots)), hint="mlms schema claim")
    return found


def _claim_row(card: ClaimCard) -> dict[str, Any]:
    from pytest_mlmodelscope.reports._text import published

    return {
        **asdict(card),
        "published": published({"published": card.value, "unit": card.unit}),
        "source": f"{card.source['title']}, {card.source['where']}",
    }


def _member_row(group: str, name: str) -> dict[str, Any]:
    found = member(group, name)
    options = {option: about.get("description", "") for option, about in found.OPTIONS.get("properties", {}).items()}
    return {"name": name, "about": _first_line(found), "options": options}


def _first_line(found: Any) -> str:
    return (found.__doc__ or "").strip().partition("\n")[0]


def _print(
    rows: Sequence[dict[str, Any]], shown: Sequence[str], as_json: bool, kind: Kind = "model", text: str = ""
) -> None:
    if as_json:
        print_json(rows)
    elif rows:
        table(shown, [[_cell(row[key]) for key in shown] for row in rows])
    else:
        words = f' with the words "{text}"' if text else ""
        hint = near(text, Shelf().names(kind)) or f"`mlms {kind}s` lists all"
        click.echo(f"there is no {kind}{words}; {hint}", err=True)
    if not rows:
        raise SystemExit(1)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping) and all(isinstance(one, int) for one in value.values()):
        return ", ".join(f"{name} ({count:,})" for name, count in value.items())
    return ", ".join(value) if isinstance(value, (Mapping, list, tuple)) else str(value)
