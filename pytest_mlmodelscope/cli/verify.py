"""``mlms verify``: what ``pytest --mlms`` does, without pytest."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pytest_mlmodelscope.cause import USUAL_SECONDS
from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import colour, columns, examples
from pytest_mlmodelscope.cli.listing import manifests_option
from pytest_mlmodelscope.cli.progress import progress
from pytest_mlmodelscope.cli.show import format_option
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.engine.bench import Settings
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.library.verifying import BASELINES, record_of, verify


@click.command(
    "verify",
    epilog=examples("mlms verify vader-tweets-r", "mlms verify claims/eld.yml --record now.json"),
)
@click.argument("wanted", nargs=-1, required=True, metavar="CLAIM|FILE...", shell_complete=completing.claims)
@click.option("--framework", metavar="NAME", shell_complete=completing.frameworks, help="Only on this framework.")
@click.option("--target", metavar="TARGET", shell_complete=completing.targets, help="On this kind of machine.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="At most so many items of a dataset.")
@click.option(
    "--why", type=click.FloatRange(0), default=USUAL_SECONDS, show_default=True,
    help="Seconds to look for what explains a refuted figure; 0: not at all.",
)  # fmt: skip
@click.option("--record", type=click.Path(path_type=Path), metavar="FILE", help="Write a record, as --mlms-json does.")
@click.option(
    "--baselines", type=click.Path(path_type=Path), default=BASELINES, show_default=True, help="Where they are kept."
)
@manifests_option
@click.option("--cache", type=click.Path(path_type=Path), help="Where fetched files and environments are kept.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@click.option("--store", metavar="WHERE", help="The database in which this run is kept (default: MLMS_STORE), or off.")
@format_option
def verify_claims(
    wanted: Sequence[str],
    framework: str | None,
    target: str | None,
    sample: int | None,
    why: float,
    record: Path | None,
    baselines: Path,
    manifests: Sequence[Path],
    cache: Path | None,
    offline: bool,
    store: str | None,
    format_: str,
) -> None:
    """Verify claims, as `pytest --mlms` does: each CLAIM by its id, or those in a FILE or folder, on every framework
    and target that they are about.

    Exit code 1 when a claim is refuted, a case ends in an error, a figure is worse than this machine's baseline, or a
    verdict is another than was accepted in known.yml; 2 for a mistake in what was asked for.
    """
    meant = [Path(one) if Path(one).exists() or "/" in one else one for one in wanted]
    with progress(format_ == "json") as say:
        settings = Settings(cache=cache, offline=offline, sample=sample, baselines=baselines, progress=say)
        cases = verify(*meant, framework=framework, target=target, shelf=Shelf(manifests), settings=settings, why=why)
    _keep(cases, settings, record, store)
    report = member("reports", format_)
    click.echo(report.session(cases, width=columns(), colour=colour()))
    sys.exit(1 if any(case.fails for case in cases) else 0)


def _keep(cases: Sequence[Mapping[str, Any]], settings: Settings, file: Path | None, store: str | None) -> None:
    """Write the record into a file, where one is named, and into the store of this machine."""
    from pytest_mlmodelscope.manifest.cache import Cache
    from pytest_mlmodelscope.record.build import write
    from pytest_mlmodelscope.record.local import keep, place

    where = place(Cache(settings.cache).root, store)
    if not cases or (file is None and where is None):
        return
    record = record_of(cases, settings)
    if file is not None:
        write(record, file)
    landed = keep(record, where)
    if landed is not None:
        click.echo(str(landed), err=True)
