"""``mlms claims``, ``models``, ``datasets``, ``schema`` and one command for each extension point: what there is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.schema import CURRENT
from pytest_mlmodelscope.core.schema import schema as json_schema
from pytest_mlmodelscope.manifest.load import Catalogue

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
manifests_option = click.option(
    "--manifests",
    multiple=True,
    type=click.Path(path_type=Path),
    help="More folders with models/ and datasets/; these come first. May be given several times.",
)


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@json_option
def claims(paths: Sequence[Path], as_json: bool) -> None:
    """List the claims in PATHS (files or folders; default: claims/ here, else the bundled ones)."""
    rows = [_claim_row(claim) for path in claim_files(paths) for claim in _load(path)]
    _print(rows, ("id", "model", "metric", "published", "source"), as_json)


@click.command()
@manifests_option
@json_option
def models(manifests: Sequence[Path], as_json: bool) -> None:
    """List the models that have a manifest here or in the package."""
    kept = catalogue(manifests)
    rows = []
    for name in kept.model_names():
        model = kept.model(name, "mlms models")
        rows.append(
            {
                "name": name,
                "version": model.version,
                "task": model.task,
                "frameworks": ", ".join(model.frameworks),
                "license": model.license,
                "file": shown_path(model.path),
            }
        )
    _print(rows, ("name", "version", "task", "frameworks", "license"), as_json)


@click.command()
@manifests_option
@json_option
def datasets(manifests: Sequence[Path], as_json: bool) -> None:
    """List the datasets that have a manifest here or in the package."""
    kept = catalogue(manifests)
    rows = []
    for name in kept.dataset_names():
        dataset = kept.dataset(name, "mlms datasets")
        splits = ", ".join(f"{split.name} ({split.items:,})" for split in dataset.splits.values())
        rows.append(
            {
                "name": name,
                "version": dataset.version,
                "splits": splits,
                "license": dataset.license,
                "file": shown_path(dataset.path),
            }
        )
    _print(rows, ("name", "version", "splits", "license"), as_json)


@click.command()
@json_option
def frameworks(as_json: bool) -> None:
    """List the frameworks that are built in or were installed as extensions."""
    from pytest_mlmodelscope.core.framework import framework_spec

    rows = []
    for name in names("frameworks"):
        spec = framework_spec(name)
        versions = ", ".join(entry.version for entry in spec.environments)
        rows.append({"name": name, "title": spec.title, "versions": versions, "devices": ", ".join(spec.devices)})
    _print(rows, ("name", "title", "versions", "devices"), as_json)


@click.command()
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


@click.command()
@json_option
def checks(as_json: bool) -> None:
    """List the checks that a claim may name instead of a metric, and their options."""
    from pytest_mlmodelscope.interfaces.check import COMMON_OPTIONS

    shared = {option: about["description"] for option, about in COMMON_OPTIONS.items()}
    rows = [_member_row("checks", name) for name in names("checks")]
    rows = [{**row, "options": {**row["options"], **shared}} for row in rows]
    _print(rows, ("name", "about", "options"), as_json)


@click.command()
@json_option
def steps(as_json: bool) -> None:
    """List the steps that make a tensor of an item, and a prediction of a tensor."""
    _print([_member_row("steps", name) for name in names("steps")], ("name", "about", "options"), as_json)


@click.command()
@json_option
def mismatches(as_json: bool) -> None:
    """List the usual mistakes that may explain a refuted figure over items."""
    rows = [
        {"name": name, "about": _first_line(member("mismatches", name)), "usual": member("mismatches", name).USUAL}
        for name in names("mismatches")
    ]
    _print(rows, ("name", "about", "usual"), as_json)


@click.command()
@json_option
def readers(as_json: bool) -> None:
    """List the formats of data that a dataset's manifest may name as its reader."""
    _print([_member_row("datasets", name) for name in names("datasets")], ("name", "about", "options"), as_json)


@click.command()
@json_option
def scenarios(as_json: bool) -> None:
    """List the load patterns that a timed claim may name."""
    rows = [{"name": name, "about": _first_line(member("scenarios", name))} for name in names("scenarios")]
    _print(rows, ("name", "about"), as_json)


@click.command()
@click.argument("kind", type=click.Choice(sorted(CURRENT)))
def schema(kind: str) -> None:
    """Print the JSON Schema of a KIND of file, for editors and other tools."""
    click.echo(json.dumps(json_schema(kind), indent=2))


def claim_files(paths: Sequence[Path]) -> list[Path]:
    """The YAML files that hold claims.

    Raises:
        UsageError: a path does not exist, or no file holds claims.
    """
    from pytest_mlmodelscope.claim.load import is_claim_file

    here = Path("claims")
    roots = list(paths) or [here if here.is_dir() else bundled_root() / "claims"]
    found: list[Path] = []
    for root in roots:
        if not root.exists():
            raise UsageError("there is no such file or folder", where=root)
        files = sorted(p for p in root.rglob("*.y*ml") if is_claim_file(p)) if root.is_dir() else [root]
        found += [path for path in files if path not in found]
    if not found:
        raise UsageError("no file holds claims", where=", ".join(map(shown_path, roots)), hint="mlms schema claim")
    return found


def _load(path: Path) -> list[Claim]:
    from pytest_mlmodelscope.claim.load import load_claims

    return load_claims(path)


def _claim_row(claim: Claim) -> dict[str, Any]:
    from pytest_mlmodelscope.record.case import dataset_name
    from pytest_mlmodelscope.reports._text import published

    return {
        "id": claim.id,
        "model": claim.model,
        "dataset": dataset_name(claim),
        "metric": claim.metric,
        "value": claim.value,
        "unit": claim.unit,
        "published": published({"published": claim.value, "unit": claim.unit}),
        "source": f"{claim.source.title}, {claim.source.where}",
        "file": f"{shown_path(claim.path)}:{claim.line}",
    }


def _member_row(group: str, name: str) -> dict[str, Any]:
    found = member(group, name)
    options = {option: about.get("description", "") for option, about in found.OPTIONS.get("properties", {}).items()}
    return {"name": name, "about": _first_line(found), "options": options}


def _first_line(found: Any) -> str:
    return (found.__doc__ or "").strip().partition("\n")[0]


def catalogue(more: Sequence[Path]) -> Catalogue:
    """The manifests in these folders, here and in the package.

    Raises:
        UsageError: one of the folders does not exist.
    """
    for path in more:
        if not path.is_dir():
            raise UsageError("there is no such folder", where=path)
    roots = [*more, Path("manifests"), bundled_root() / "manifests"]
    return Catalogue([root for root in roots if root.is_dir()])


def _print(rows: Sequence[dict[str, Any]], shown: Sequence[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from pytest_mlmodelscope.cli.show import columns
    from pytest_mlmodelscope.reports.terminal import listing

    click.echo(listing(shown, [[_cell(row[key]) for key in shown] for row in rows], columns()))


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, (Mapping, list)) else str(value)
