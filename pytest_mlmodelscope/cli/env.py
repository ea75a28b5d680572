"""``mlms env``: the environments that frameworks run in."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.agent.sites import Site
from pytest_mlmodelscope.claim.expand import Requirement, selection
from pytest_mlmodelscope.cli import completing
from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.cli.progress import progress
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, MlmsError, NotApplicable, UsageError, did_you_mean
from pytest_mlmodelscope.core.framework import Place, framework_spec
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.remote.address import normal
from pytest_mlmodelscope.remote.machine import Remote, remote
from pytest_mlmodelscope.remote.store import listed, remove_there

_there = click.option("--target", "address", metavar="ssh://USER@HOST", help="Those on another machine.")


@click.group(epilog=examples("mlms env list", "mlms env build onnxruntime pytorch==2.13.0"))
def env() -> None:
    """List, build, verify and remove the environments of frameworks (kept beside the cached files)."""


@env.command("list", epilog=examples("mlms env list"))
@_there
@json_option
def list_(address: str | None, as_json: bool) -> None:
    """List the host's own environments that fit, those that were built, what could be built and what could not."""
    if address is not None:
        _print([_row_there(name, size) for name, size in listed(_machine(address)).items()], as_json)
        return
    kept = _environments()
    rows = [_row(kept, environment) for environment in kept.all()]
    rows += [{"source": "incomplete", "key": key, "bytes": kept.built.size(key)} for key in kept.built.incomplete()]
    rows += [_row_of_site(site) for site in kept.sites.all()]
    rows += [
        {"framework": name, "version": spec.version, "source": "cannot be had here" if lacks else "not built yet"}
        | ({"error": lacks} if lacks else {})
        | ({"devices": list(spec.devices)} if spec.devices and "cpu" not in spec.devices else {})
        for name, spec, lacks in kept.not_built()
    ]
    _print(rows, as_json)


@env.command(epilog=examples("mlms env build tensorflow", "mlms env build pytorch==1.0.1 --offline"))
@click.argument("frameworks", nargs=-1, metavar="[FRAMEWORK[==VERSION]]...", shell_complete=completing.frameworks)
@click.option("--with", "packages", multiple=True, metavar="PACKAGE==VERSION", help="Installed beside the framework.")
@click.option("--device", help="What it is for, where a framework has several environments (default: its first).")
@click.option(
    "--target", help="Which kind of machine it is for, such as arm, which may be emulated (default: this one)."
)
@click.option("--offline", is_flag=True, help="From what the installer has kept, without the network.")
@json_option
def build(
    frameworks: Sequence[str],
    packages: tuple[str, ...],
    device: str | None,
    target: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Build the environments of these frameworks, or of all; what is there already is left alone.

    One that cannot be had does not stop the others. The exit status is 1 when one is missing at the end; without
    names, those that are not for this kind of machine do not count.
    """
    rows = []
    for wanted in selection(frameworks or names("frameworks")).frameworks:
        with progress(as_json) as say:
            kept = Environments(Cache().root, offline, say)
            rows.append(_built(kept, wanted, packages, _place_of(wanted, device, target), named=bool(frameworks)))
        if not as_json:
            _print(rows[-1:], as_json)
    if as_json:
        _print(rows, as_json)
    if any(row["source"] in ("failed", "not applicable" if frameworks else "") for row in rows):
        raise SystemExit(1)


@env.command(epilog=examples("mlms env verify --content"))
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--content", is_flag=True, help="Hash every file, instead of looking at its size.")
@json_option
def verify(keys: Sequence[str], content: bool, as_json: bool) -> None:
    """Import the framework of each built environment once more, and look whether its files are those of the install."""
    kept = _environments()
    rows = [_verified(kept, key, content) for key in _known(kept, keys)]
    _print(rows, as_json)
    if any("error" in row for row in rows):
        raise SystemExit(1)


@env.command(epilog=examples("mlms env remove --all"))
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--all", "everything", is_flag=True, help="All that were built; on another machine the files of models, too."
)
@_there
@json_option
def remove(keys: Sequence[str], everything: bool, address: str | None, as_json: bool) -> None:
    """Remove built environments, complete or not; they are built again when they are needed."""
    if not keys and not everything:
        raise UsageError("nothing to remove", hint="name the keys that `mlms env list` shows, or give --all")
    removed = _removed_here(keys) if address is None else _removed_there(_machine(address), keys)
    _print([{"key": key, "removed": True} for key in removed], as_json)


def _removed_here(keys: Sequence[str]) -> list[str]:
    kept = _environments()
    archives = [site.key for site in kept.sites.all()]
    chosen = list(_known(kept, keys, also_incomplete=True, beside=archives))
    for key in chosen:
        (kept.sites if key in archives else kept.built).remove(key)
    return chosen


def _removed_there(machine: Remote, keys: Sequence[str]) -> list[str]:
    there = list(listed(machine))
    chosen = list(_refuse_unknown(keys, there) or there)
    for key in chosen:
        remove_there(machine, key)
    return chosen


def _machine(address: str) -> Remote:
    return remote(normal(address))


def _environments() -> Environments:
    return Environments(Cache().root, progress=lambda text: click.echo(text, err=True))


def _known(
    kept: Environments, keys: Sequence[str], also_incomplete: bool = False, beside: Sequence[str] = ()
) -> Iterable[str]:
    complete = [key for key, _ in kept.built.all()]
    there = [*complete, *kept.built.incomplete(), *beside]
    return _refuse_unknown(keys, there) or (there if also_incomplete else complete)


def _refuse_unknown(keys: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    for key in keys:
        if key not in there:
            raise UsageError(f'no environment is called "{key}"', hint=did_you_mean(key, there) or "none is built")
    return keys


def _place_of(wanted: Requirement, device: str | None, target: str | None) -> Callable[[], Place]:
    """Where a framework is to run; a target is asked for its machine when the place is needed."""
    if target is None:
        return lambda: Place(device or framework_spec(wanted.name).devices[0])
    machine = member("targets", target)
    return lambda: machine.probe().place


def _built(
    kept: Environments, wanted: Requirement, packages: tuple[str, ...], place_of: Callable[[], Place], named: bool
) -> dict[str, Any]:
    """The row of an environment that is there now, or of the reason why it is not."""
    try:
        place = place_of()
        if not named and place.device != "cpu":
            member("targets", place.device).probe()
        return _row(kept, kept.obtain(FrameworkUse(wanted.name, packages=packages), wanted.version, place))
    except (NotApplicable, EnvironmentUnavailable) as error:
        source = "not applicable" if isinstance(error, NotApplicable) else "failed"
        return {"framework": wanted.name, "version": wanted.version, "source": source, "error": _in_one_line(error)}


def _in_one_line(error: MlmsError) -> str:
    told = {"expected": error.expected, "got": error.got and str(error.got).splitlines()[-1].strip(), "try": error.hint}
    return "; ".join([error.what, *(f"{name}: {text}" for name, text in told.items() if text)])


def _verified(kept: Environments, key: str, content: bool) -> dict[str, Any]:
    try:
        kept.built.verify(key, content)
    except MlmsError as error:  # also where the framework's own package was removed since
        return {"key": key, "error": str(error)}
    return {"key": key, "verified": True}


def _row(kept: Environments, environment: Environment) -> dict[str, Any]:
    row: dict[str, Any] = {
        "framework": environment.framework,
        "version": environment.version,
        "source": environment.source,
        "python": str(environment.python),
        "packages": dict(environment.packages),
    }
    if environment.source in ("built", "emulated"):
        about = kept.built.about(environment.key)
        told = ("python_version", "seconds", "bytes", "pruned_bytes")
        return row | {"key": environment.key} | {name: about[name] for name in told if name in about}
    return row | {"python_version": platform.python_version()}


def _row_of_site(site: Site) -> dict[str, Any]:
    """The row of packages that were fetched for another machine."""
    told = ("framework", "version", "python_version", "platform", "packages", "seconds", "bytes", "pruned_bytes")
    return {"source": "archive", "key": site.key, **{name: site.about[name] for name in told}}


def _row_there(key: str, size: int | None) -> dict[str, Any]:
    """The row of what is kept on another machine: an environment, or the files of all models."""
    framework, _, version = key.rpartition("-")[0].partition("-")
    source = "incomplete" if size is None else "remote" if version else "models"
    row = {"framework": framework, "version": version, "source": source, "key": key}
    return row if size is None else row | {"bytes": size}


def _print(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo("  ".join(_cells(row)))
    if not rows:
        click.echo("no environments")


def _cells(row: dict[str, Any]) -> Iterable[str]:
    if "source" in row:
        yield f"{row.get('framework', ''):<12} {row.get('version', ''):<10} {row['source']:<14}"
    if "python_version" in row:
        yield f"python {row['python_version']:<7}"
    if "seconds" in row:
        yield f"{row['seconds']:6,.1f} s"
    if "bytes" in row:
        yield f"{row['bytes'] / 1e6:7,.0f} MB"
    if row.get("pruned_bytes"):
        yield f"({row['pruned_bytes'] / 1e6:,.0f} MB pruned)"
    if "key" in row:
        yield str(row["key"])
    if "devices" in row:
        yield f"for {' and '.join(row['devices'])}"
    yield from (word for word in ("verified", "removed") if row.get(word))
    yield from (str(row[word]) for word in ("error",) if word in row)
