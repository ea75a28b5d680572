"""``mlms targets``: the kinds of machine, and what is behind them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json, table
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


@click.command(epilog=examples("mlms targets", "mlms targets ssh://me@board"))
@click.argument("wanted", nargs=-1, metavar="[TARGET]...", shell_complete=completing.targets)
@json_option
def targets(wanted: Sequence[str], as_json: bool) -> None:
    """List the kinds of machine that a claim can be verified on, and which of them are here; or look at a TARGET,
    which may be another machine: ssh://USER@HOST.

    Of those that are, it says whether they are hardware, emulated or simulated, and the class that their baselines
    are kept by; of those that are not, why, and what would get them.
    """
    rows = [row(name) for name in wanted or names("targets")]
    if as_json:
        print_json(rows)
        return
    table(("name", "about", "here"), [[one["name"], one["about"], _here(one)] for one in rows])


def row(name: str) -> dict[str, Any]:
    """Everything about one target; of the first machine also by itself, as that is the usual one."""
    from pytest_mlmodelscope.library.machines import target_card

    return asdict(target_card(name))


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
