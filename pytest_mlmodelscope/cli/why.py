"""``mlms why``: which usual mistake explains a figure that is not the published one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from pytest_mlmodelscope.claim.expand import expand, kind_of, selection
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.cli.listing import claim_files, manifests_option
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.result import Case, Result
from pytest_mlmodelscope.library.shelf import Shelf

if TYPE_CHECKING:
    from pytest_mlmodelscope.engine.run import Engine


@click.command(epilog=examples("mlms why now.json", "mlms why claims/mine.yml --framework onnxruntime"))
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("ids", nargs=-1, shell_complete=completing.claims)
@click.option(
    "--framework",
    "frameworks",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.frameworks,
    help="Only on these frameworks.",
)
@click.option("--seconds", type=click.FloatRange(min=0.1), default=120.0, show_default=True, help="For each case.")
@manifests_option
@click.option("--cache", type=click.Path(path_type=Path), help="Where fetched files and environments are kept.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@json_option
def why(
    path: Path,
    ids: Sequence[str],
    frameworks: Sequence[str],
    seconds: float,
    manifests: Sequence[Path],
    cache: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Say which usual mistake in the steps before or after a model explains the published figure.

    PATH is a file or folder of claims, or a record that `pytest --mlms-json` wrote, of which the refuted
    cases are looked at; IDS are claims or cases, where not all of them are meant. Each is measured as its
    manifest says, then with each usual mistake undone, on the same items.

    Exit code 0 whatever is found; 2 where there is nothing to look at.
    """
    from pytest_mlmodelscope.engine.run import Engine, Settings

    cases = list(_cases(path, ids, frameworks, manifests))
    if not cases:
        raise UsageError("no case with a figure over items is there", where=str(path), hint="mlms claims lists them")
    found = []
    with Engine(Settings(cache=cache, offline=offline)) as engine:
        for case in cases:
            result = _explained(engine, case, seconds)
            found.append({"id": case.id, "verdict": result.verdict.word, "cause": dict(result.cause) or None})
            if not as_json:
                click.echo(_shown(result))
    if as_json:
        from pytest_mlmodelscope.record.case import json_ready

        print_json(json_ready(found))


def _explained(engine: Engine, case: Case, seconds: float) -> Result:
    result = engine.verify(case)
    measured = result.measurement is not None and result.measurement.kind == "items"
    return engine.explain(result, seconds) if measured else result


def _cases(path: Path, ids: Sequence[str], frameworks: Sequence[str], manifests: Sequence[Path]) -> Iterator[Case]:
    files, wanted = _of_record(path, ids) if path.suffix == ".json" else ([path], list(ids))
    found = [folder for file in files for folder in _beside(file)]
    kept, chosen = Shelf([*manifests, *dict.fromkeys(found)]).catalogue, selection(frameworks)
    claims = [claim for file in claim_files(files) for claim in load_claims(file)]
    cases = [case for claim in claims if kind_of(claim) == "items" for case in expand(claim, kept, chosen)]
    known = {case.claim.id for case in cases} | {case.id for case in cases}
    for one in wanted:
        if one not in known:
            raise UsageError(f'no case with a figure over items is called "{one}"', hint=did_you_mean(one, known))
    yield from (case for case in cases if not wanted or case.id in wanted or case.claim.id in wanted)


def _of_record(path: Path, ids: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The files of claims of a record's cases, and the ids of those that were refuted, or that were asked for."""
    from pytest_mlmodelscope.record.build import read

    cases = [case for case in read(path)["mlms"]["cases"] if case["kind"] == "items"]
    known = {case["claim"] for case in cases} | {case["id"] for case in cases}
    for one in ids:
        if one not in known:
            raise UsageError(
                f'no case over items of the record is "{one}"', where=str(path), hint=did_you_mean(one, known)
            )
    meant = {case["id"] for case in cases if case["verdict"] == "refuted"} if not ids else set(ids)
    chosen = [case for case in cases if {case["id"], case["claim"]} & meant]
    if not chosen:
        raise UsageError(
            "no case over items of the record was refuted", where=str(path), hint="name the case that is meant"
        )
    files = sorted({case["claim_file"].rpartition(":")[0] for case in chosen})
    return [Path(file) for file in files], [case["id"] for case in chosen]


def _beside(path: Path) -> list[Path]:
    """The manifests of the project that a file of claims lies in."""
    folders = (folder / "manifests" for folder in (path.parent, path.parent.parent))
    return [folder for folder in folders if folder.is_dir()]


def _shown(result: Result) -> str:
    lines = [f"{result.case.id}: {result.verdict.word}"]
    cause = result.cause
    if not cause:
        return f"{lines[0]}\n  {result.verdict.reason}"
    lines.append(f"  {cause['sentence']}")
    for one in cause.get("causes", ())[:3]:
        lines.append(f"  {one['title']}: {one['words']} ({one['share']:.0%})")
        lines += [f"    {line}" for line in _yaml(one["changes"])]
    return "\n".join(lines)


def _yaml(changes: Any) -> list[str]:
    text = yaml.safe_dump(changes, sort_keys=False, default_flow_style=None, width=100) if changes else ""
    return text.splitlines()[:12]
