"""``mlms targets``: the kinds of machine, and what is behind them here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable, RemoteError
from pytest_mlmodelscope.core.registry import names

#: Of what is measured of a machine, what a table has room for, and how it says it.
_SHOWN = {
    "microarchitecture": "{}",
    "cores": "{} cores",
    "compute_capability": "compute capability {}",
    "driver": "driver {}",
    "cuda": "CUDA {}",
    "emulator": "by {}",
}


@click.command()
@click.argument("wanted", nargs=-1, metavar="[TARGET]...", shell_complete=completing.targets)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything that is measured of each machine.")
def targets(wanted: Sequence[str], as_json: bool) -> None:
    """List the kinds of machine that a claim can be verified on, and which of them are here; or look at a TARGET,
    which may be another machine: ssh://USER@HOST.

    Of those that are, it says whether they are hardware, emulated or simulated, and the class that their baselines
    are kept by; of those that are not, why, and what would get them.
    """
    rows = [row(name) for name in wanted or names("targets")]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from pytest_mlmodelscope.cli.console import columns
    from pytest_mlmodelscope.reports.terminal import listing

    click.echo(listing(("name", "about", "here"), [[r["name"], r["about"], _here(r)] for r in rows], columns()))


def row(name: str) -> dict[str, Any]:
    """Everything about one target; of the first machine also by itself, as that is the usual one."""
    from pytest_mlmodelscope.targets import machines, named

    target = named(name)
    about: dict[str, Any] = {"name": name, "about": (target.__doc__ or "").strip().partition("\n")[0]}
    try:
        found = [{**machine.identity, "facts": _plain(machine.facts)} for machine in machines(target)]
    except (NotApplicable, EnvironmentUnavailable, RemoteError) as error:
        first = dict.fromkeys(("nature", "machine_class", "device", "memory"))
        return {**about, "here": False, **first, "machines": [], "reason": error.what, "hint": error.hint}
    first = {key: found[0][key] for key in ("nature", "machine_class", "device", "memory")}
    return {**about, "here": True, **first, "machines": found, "reason": None, "hint": None}


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in facts.items()}


def in_words(machine: dict[str, Any]) -> str:
    """Name, memory and what else matters of a machine, in one line."""
    from pytest_mlmodelscope.targets import in_bytes

    facts = machine["facts"]
    told = [how.format(facts[key]) for key, how in _SHOWN.items() if facts.get(key)]
    return ", ".join([machine["name"], in_bytes(machine["memory"]), *told])


def _here(row: dict[str, Any]) -> str:
    if not row["here"]:
        return f"no: {row['reason']}" + (f"\ntry: {row['hint']}" if row["hint"] else "")
    return "\n".join([f"{row['nature']}: {row['machine_class']}", *map(in_words, row["machines"])])
