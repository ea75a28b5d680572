"""``mlms bisect``: swap one difference at a time, and say what each is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_mlmodelscope.bisection import chosen
from pytest_mlmodelscope.bisection.factors import Factor, factor, in_words, stack
from pytest_mlmodelscope.bisection.recorded import LeftOver
from pytest_mlmodelscope.bisection.releases import between, steps
from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option
from pytest_mlmodelscope.cli.listing import claim_files, manifests_option
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.engine.bisecting import ROUNDS, Bisector, plan
from pytest_mlmodelscope.engine.dating import BY, Dating
from pytest_mlmodelscope.library.shelf import Shelf

if TYPE_CHECKING:
    from pytest_mlmodelscope.engine.run import Engine


@click.command(
    epilog=examples("mlms bisect before.json now.json net-latency", "mlms bisect net-accuracy --vary threads=1,2")
)
@click.argument("names", nargs=-1, required=True, metavar="[A B] CASE")
@click.option("--vary", multiple=True, metavar="NAME=A,B", help="A difference to swap, such as threads=1,2.")
@click.option("--without", multiple=True, metavar="NAME", help="A difference of the records that is left alone.")
@click.option(
    "--framework",
    metavar="NAME",
    shell_complete=completing.frameworks,
    help="The framework, where the claim admits several.",
)
@click.option("--good", metavar="VERSION", help="A version of the framework that is as it should be.")
@click.option("--bad", metavar="VERSION", help="A version that is not: look for the first one in between.")
@click.option("--by", type=click.Choice(list(BY)), help="What makes a version bad (default: what differs most).")
@click.option(
    "--rounds", type=click.IntRange(min=2), default=ROUNDS, show_default=True, help="Process runs of a stack."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Of the dataset, at most so many items.")
@click.option("--budget", type=click.FloatRange(min=0), default=1800, show_default=True, help="Seconds at most.")
@click.option("--claims", "paths", multiple=True, type=click.Path(path_type=Path), help="Where the claim is.")
@manifests_option
@click.option("--offline", is_flag=True, help="Never use the network.")
@click.option("--dry-run", is_flag=True, help="Only say what would be measured.")
@json_option
def bisect(names: Sequence[str], paths: Sequence[Path], manifests: Sequence[Path], as_json: bool, **how: Any) -> None:
    """Measure what made the difference between two records of a CASE, A and B, or between values that --vary names.

    What differs and can be had here is swapped: the framework's version, packages beside it, threads, batch,
    precision, options, environment variables. Every combination is measured where there are few. Timed stacks run
    in turn (A B B A), each run a process of its own. What cannot be swapped is said: the machine, for one.

    With --good and --bad: which release of the framework is the first that is slower, or decides otherwise.
    """
    claims = chosen.claims_of(claim_files(paths))
    kinds = Shelf(manifests).catalogue
    if how["good"] or how["bad"]:
        _date(chosen.case_of(names, claims, kinds, how["framework"]), as_json, how)
        return
    case, factors, left = chosen.difference_of(names, claims, kinds, how["framework"])
    factors = [one for one in factors if one.name not in how["without"]]
    given = [factor(text) for text in how["vary"]]
    factors = [*(one for one in factors if one.name not in [new.name for new in given]), *given]
    _bisect(case, factors, left, as_json, how)


def _bisect(case: Case, factors: Sequence[Factor], left: Sequence[LeftOver], as_json: bool, how: Any) -> None:
    from pytest_mlmodelscope.reports import _bisection

    stack(case, {one.name: one.b for one in factors})  # refuses what cannot be swapped, before anything is measured
    planned = plan(case, factors, how["rounds"])
    _say(f"plan: {case.id}: {in_words(factors)}; {planned.how}: {_count(planned.stacks, planned.rounds)}")
    for sentence in _bisection.left_over(left):
        _say(sentence)
    if how["dry_run"]:
        return
    with _engine(how) as engine:
        found = Bisector(engine, case, factors, _say, how["budget"]).bisect(how["rounds"])
    click.echo(_bisection.bisected_json(found, left) if as_json else _bisection.bisected(found, left))


def _date(case: Case, as_json: bool, how: Any) -> None:
    from pytest_mlmodelscope.reports import _bisection

    if not (how["good"] and how["bad"]):
        raise UsageError("--good and --bad belong together", hint="--good 1.16.3 --bad 1.20.0")
    stack(case, {"version": how["good"]})  # refuses what has no version
    versions = between(chosen.releases_of(case.framework.name, how["offline"]), how["good"], how["bad"])
    _say(
        f"plan: {case.id}: {versions[0]} and {versions[-1]}, then at most {steps(len(versions))} of the "
        f"{len(versions) - 2} releases between; a version that is not here yet is installed first"
    )
    if how["dry_run"]:
        return
    with _engine(how) as engine:
        found = Dating(engine, case, versions, _say, how["budget"]).date(how["rounds"], how["by"])
    click.echo(_bisection.dated_json(found) if as_json else _bisection.dated(found))


def _engine(how: Any) -> Engine:
    from pytest_mlmodelscope.agent.care import Care
    from pytest_mlmodelscope.engine.run import Engine, Settings

    # To make a run again would put it out of its turn.
    return Engine(Settings(offline=how["offline"], sample=how["sample"], care=Care(disturbed="mark")))


def _say(text: str) -> None:
    click.echo(text, err=True)


def _count(stacks: int, rounds: int) -> str:
    return f"{stacks} stacks" + (f" in {rounds} rounds, {stacks * rounds} process runs" if rounds > 1 else "")
