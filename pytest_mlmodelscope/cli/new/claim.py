"""``mlms new claim``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.asking import Questions
from pytest_mlmodelscope.cli.console import examples, json_option
from pytest_mlmodelscope.cli.new import writing

if TYPE_CHECKING:
    from pytest_mlmodelscope.core.manifest import DatasetManifest, ModelManifest
    from pytest_mlmodelscope.manifest.load import Catalogue


@click.command(
    epilog=examples(
        "mlms new claim --model net --dataset pictures",
        'mlms new claim --model net --dataset pictures --value 91.5 --title "A paper" --where "Table 1" --yes',
    )
)
@click.option("--model", metavar="NAME", shell_complete=completing.models, help="About which model.")
@click.option("--dataset", metavar="NAME", shell_complete=completing.datasets, help="On which data.")
@click.option("--split", metavar="NAME", help="Which part of it (default: test, or its only one).")
@click.option("--metric", metavar="NAME", shell_complete=completing.metrics, help="Which metric (default: accuracy).")
@click.option("--value", type=float, metavar="FIGURE", help="The published figure.")
@click.option("--unit", metavar="UNIT", help="Its unit (default: the metric's).")
@click.option("--figure", metavar="TEXT", help="The figure as printed, such as 91.50 %: its digits count.")
@click.option("--title", metavar="TEXT", help="The paper or page that it was published in.")
@click.option("--where", metavar="TEXT", help="The table, line or file in it.")
@click.option("--url", metavar="ADDRESS", help="The address of the source.")
@click.option("--read", metavar="DAY", help="The day that it was looked up (default: today).")
@click.option("--id", metavar="ID", help="What the claim is called, and its file.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("claims"),
    show_default=True,
    help="The folder of claims.",
)
@writing.yes_option
@json_option
def claim(into: Path, yes: bool, as_json: bool, **given: Any) -> None:
    """Write a claim: which figure was published of which model, on which data, and where."""
    from pytest_mlmodelscope.core.registry import names
    from pytest_mlmodelscope.library import collecting, drafts
    from pytest_mlmodelscope.library.shelf import Shelf

    ask, kept = Questions(given, yes), Shelf().catalogue
    about = ask.text("model", "About which model?", _only(kept.model_names(), "models"))
    writing.known(about, kept.model_names(), "model")
    metric = writing.known(ask.text("metric", "Which metric?", "accuracy"), names("metrics"), "metric")
    data = _data(ask, kept, metric)
    identity = writing.named(ask, f"{about}-{metric}", "id")
    path = into / f"{identity}.yml"
    writing.refuse_existing(path)
    draft = collecting.ClaimDraft(
        id=identity, model=about, metric=metric, url=given["url"],
        **_data_use(ask, data), **_figure(ask, metric), **_source(ask),
        measures=_measures(kept.model(about, "mlms new claim"), metric),
    )  # fmt: skip
    drafts.write(path, collecting.claim(draft), lambda made: _refuse_broken(made, kept))
    writing.told(path, (), [f"mlms lint {into}", f"pytest --mlms {path}"], as_json)


def _only(names: Sequence[str], group: str) -> str | None:
    """The one that this folder's own manifests have; None where there are more, or none."""
    own = [name for name in names if Path("manifests", group, f"{name}.yml").is_file()]
    return own[0] if len(own) == 1 else None


def _data(ask: Questions, kept: Catalogue, metric: str) -> DatasetManifest | None:
    """The dataset of a metric that takes data."""
    from pytest_mlmodelscope.core.registry import member

    if member("metrics", metric).KIND not in ("items", "timed", "counted"):
        return None
    chosen = ask.text("dataset", "On which data?", _only(kept.dataset_names(), "datasets"))
    return kept.dataset(writing.known(chosen, kept.dataset_names(), "dataset"), "mlms new claim")


def _data_use(ask: Questions, data: DatasetManifest | None) -> dict[str, Any]:
    if data is None:
        return {"dataset": None, "split": None}
    usual = "test" if "test" in data.splits else next(iter(data.splits))
    split = ask.text("split", "Which part of it?", usual) if len(data.splits) > 1 else None
    return {"dataset": data.name, "split": None if split == "test" else split}


def _figure(ask: Questions, metric: str) -> dict[str, Any]:
    from pytest_mlmodelscope.core.registry import member

    about = member("metrics", metric)
    unit = ask.text(
        "unit", "In which unit?", "%" if about.BASE_UNIT == "1" and about.KIND == "items" else about.BASE_UNIT
    )
    value = ask.number("value", "Which figure was published?")
    usual = f"{value:g} {unit}" if unit != "1" else f"{value:g}"
    return {
        "value": int(value) if value.is_integer() else value,
        "unit": unit,
        "figure": ask.text("figure", "The figure as printed", usual),
    }


def _source(ask: Questions) -> dict[str, Any]:
    return {
        "title": ask.text("title", "Where was it published? The title"),
        "where": ask.text("where", "The table, line or file in it"),
        "read": ask.text("read", "The day that it was looked up", datetime.now(UTC).date().isoformat()),
    }


def _measures(model: ModelManifest, metric: str) -> str | None:
    """What is timed, where that has to be said: of a pipeline, under most loads."""
    from pytest_mlmodelscope.claim.expand import measures_of_pipeline
    from pytest_mlmodelscope.core.registry import member

    if not model.stages or member("metrics", metric).KIND != "timed":
        return None
    scenario = getattr(member("metrics", metric), "SCENARIO", "single_stream")
    wanted = measures_of_pipeline(scenario)
    return None if wanted == "model" else wanted  # as it is where a claim says nothing


def _refuse_broken(made: Path, kept: Catalogue) -> None:
    from pytest_mlmodelscope.claim.expand import expand
    from pytest_mlmodelscope.claim.load import load_claims

    for one in load_claims(made):
        expand(one, kept)
