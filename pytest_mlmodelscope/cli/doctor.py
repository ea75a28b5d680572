"""``mlms doctor``: what is here, what could be, and the one line that would get it."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final, Literal

import click

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.cli.console import examples, json_option, print_json
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache

State = Literal["here", "can be had", "not here", "unsteady", "unknown", "amiss"]

#: Bytes on the cache's disk below which a framework may not fit any more.
ROOM: Final = 2 * 10**9
_STYLES: Final[dict[State, str | None]] = {
    "here": "green",
    "can be had": "cyan",
    "not here": None,
    "unsteady": "yellow",
    "unknown": None,
    "amiss": "red",
}
#: Programs that are not part of this package: what each is for, and what gets it.
_PROGRAMS: Final = {
    "apt-get": ("fetches system libraries, emulators and simulators", "a Debian or Ubuntu system has it"),
    "bwrap": ("isolates models best", "apt-get install bubblewrap"),
    "ssh": ("reaches other machines", "apt-get install openssh-client"),
    "git": ("the record names the commit", "apt-get install git"),
}
#: Programs that are fetched with apt when a case needs them: what each is for.
_FETCHED: Final = {
    "qemu-aarch64-static": "emulates the target arm",
    "qemu-ppc64le-static": "emulates the target ppc",
    "iverilog": "simulates the target fpga",
}


_PACKAGE: Final = "pytest-mlmodelscope"
#: What is installed with brackets behind the package's name: what each is for.
_EXTRAS: Final = {
    "hub": "the hub: REST, web pages and jobs",
    "loadgen": "MLPerf's own engine of load patterns",
    "report": "the report of a session as one page",
}
#: The package whose page is asked for, to see whether the index answers.
_ASKED: Final = "numpy"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: a thing, its state, what there is to say of it, and the line that would get or mend it."""

    section: str
    name: str
    state: State
    what: str
    get: str | None = None


@click.command(epilog=examples("mlms doctor", "mlms doctor --network --json"))
@click.option("--network", is_flag=True, help="Also try whether the package index can be reached.")
@json_option
def doctor(network: bool, as_json: bool) -> None:
    """Say what is here, what could be, and what would get it: targets, isolation, frameworks, programs, cache; and
    what makes timed figures unsteady.

    Nothing is fetched or built, and the network is used only with --network. The exit status is 1 when something is
    amiss: models cannot be isolated, no framework can be had, the cache cannot be written to, its disk is nearly full,
    or the package index cannot be reached.
    """
    from pytest_mlmodelscope.cli.steady import findings

    cache = Cache()
    found = [*_targets(), *_isolation(), *_frameworks(cache), *_extras(), *_programs(), *findings(), *_places(cache)]
    if network:
        found.append(_network())
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        _show(found)
    if any(finding.state == "amiss" for finding in found):
        raise SystemExit(1)


def _targets() -> Iterator[Finding]:
    from pytest_mlmodelscope.cli.targets import in_words, row

    for about in map(row, names("targets")):
        if not about["here"]:
            yield Finding("targets", about["name"], "not here", about["reason"], about["hint"])
            continue
        machines = "; ".join(map(in_words, about["machines"]))
        yield Finding("targets", about["name"], "here", f"{about['nature']}, {about['machine_class']}: {machines}")


def _isolation() -> Iterator[Finding]:
    from pytest_mlmodelscope.agent.confinement import best

    held = best("best")
    reach = [what for what, where in (("your files", held.files), ("the network", held.network)) if where == "host"]
    if held.whole:
        yield Finding("isolation", held.mechanism, "here", "models reach neither the network nor your files")
        return
    what = f"models could reach {' and '.join(reach)} ({'; '.join(held.missing)})"
    hint = "install bubblewrap, or allow user namespaces (docs/isolation.md)"
    yield Finding("isolation", held.mechanism, "amiss", what, hint)


def _frameworks(cache: Cache) -> Iterator[Finding]:
    kept = Environments(cache.root, offline=True)
    there, possible, lacking = (defaultdict[str, list[str]](list) for _ in range(3))
    for environment in kept.all():
        there[environment.framework].append(f"{environment.version} ({environment.source})")
    for name, spec, lacks in kept.not_built():
        (lacking if lacks else possible)[name].append(lacks or spec.version)
    for name in names("frameworks"):
        yield _framework(name, _unique(there[name]), _unique(possible[name]), lacking[name])
    if not any(there.values()) and not any(possible.values()):
        yield Finding("frameworks", "all", "amiss", "no framework can be had here", "pip install onnxruntime")


def _framework(name: str, there: list[str], possible: list[str], lacking: list[str]) -> Finding:
    build = f"mlms env build {name}"
    had = {version.partition(" ")[0] for version in there}
    more = ", ".join(version for version in possible if version not in had)
    more = f"{more} can be built" if more else ""
    if there:
        return Finding("frameworks", name, "here", "; ".join(filter(None, (", ".join(there), more))))
    if possible:
        return Finding("frameworks", name, "can be had", more, build)
    what, _, hint = (lacking or ["its file has no environment"])[0].partition("; try: ")
    return Finding("frameworks", name, "not here", what, hint or None)


def _unique(versions: list[str]) -> list[str]:
    return list(dict.fromkeys(versions))


def _extras() -> Iterator[Finding]:
    """What was installed beside the package, by what the package itself says of its extras."""
    from importlib.metadata import PackageNotFoundError, distribution

    from packaging.requirements import Requirement

    about = distribution(_PACKAGE)
    for extra in sorted(about.metadata.get_all("Provides-Extra", ())):
        missing = []
        for wanted in map(Requirement, about.requires or ()):
            if (
                wanted.marker is None
                or "extra" not in str(wanted.marker)
                or not wanted.marker.evaluate({"extra": extra})
            ):
                continue
            try:
                distribution(wanted.name)
            except PackageNotFoundError:
                missing.append(wanted.name)
        what = _EXTRAS.get(extra, "an extra of this package")
        if missing:
            get = f'pip install "{_PACKAGE}[{extra}]"'
            yield Finding("extras", extra, "can be had", f"{what}; missing are {', '.join(missing)}", get)
        else:
            yield Finding("extras", extra, "here", what)


def _programs() -> Iterator[Finding]:
    from pytest_mlmodelscope.agent.interpreters import find_uv

    yield _program("uv", find_uv(), "builds the environments of frameworks, quicker than pip", "pip install uv")
    for name, (what, get) in _PROGRAMS.items():
        yield _program(name, shutil.which(name), what, get)
    for name, what in _FETCHED.items():
        if shutil.which("apt-get") and not shutil.which(name):
            yield Finding("programs", name, "can be had", f"{what}; fetched when a case needs it")
        else:
            yield _program(name, shutil.which(name), what, "a Debian or Ubuntu system has it fetched")


def _program(name: str, place: str | None, what: str, get: str) -> Finding:
    if place is None:
        return Finding("programs", name, "not here", what, get)
    return Finding("programs", name, "here", f"{what}: {place}")


def _places(cache: Cache) -> Iterator[Finding]:
    from pytest_mlmodelscope.agent.turns import folder

    yield _cache(cache)
    try:
        yield Finding("places", "locks", "here", f"of timed cases: {folder()}")
    except OSError as error:
        yield Finding("places", "locks", "amiss", f"of timed cases: {error}", "set MLMS_LOCKS to another folder")


def _cache(cache: Cache) -> Finding:
    from pytest_mlmodelscope.manifest import inventory
    from pytest_mlmodelscope.targets import in_bytes

    entries, environments = inventory.entries(cache), [about for _, about in Environments(cache.root).built.all()]
    place = next(path for path in (cache.root, *cache.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    files, built = sum(entry.size for entry in entries), sum(about.get("bytes", 0) for about in environments)
    what = (
        f"{cache.root}: {len(entries):,} files of {in_bytes(files)}, "
        f"{len(environments):,} environments of {in_bytes(built)}; {in_bytes(free)} free"
    )
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        return Finding(
            "places", "cache", "amiss", f"{what}; it cannot be written to", "set MLMS_CACHE to another folder"
        )
    if free < ROOM:
        hint = "mlms cache prune --max-size 2GB, or set MLMS_CACHE to another disk"
        return Finding("places", "cache", "amiss", f"{what}; that is little", hint)
    return Finding("places", "cache", "here", what)


def _network() -> Finding:
    from pytest_mlmodelscope.manifest.sources.download import reachable
    from pytest_mlmodelscope.manifest.sources.pypi import index_address

    page = f"{index_address().rstrip('/')}/{_ASKED}/"  # its front page is a list of everything
    try:
        return Finding("network", "package index", "here", f"answers after {reachable(page):.1f} s")
    except MlmsError as error:
        told = "; ".join(filter(None, (error.where, error.what, str(error.got or ""))))
        return Finding("network", "package index", "amiss", told, error.hint)


def _show(found: list[Finding]) -> None:
    from pytest_mlmodelscope.cli.console import columns

    section, width = "", max(map(len, (finding.name for finding in found)))
    for finding in found:
        if finding.section != section:
            section = finding.section
            click.echo(click.style(section, bold=True))
        _show_one(finding, width, columns())


def _show_one(finding: Finding, width: int, room: int) -> None:
    from textwrap import wrap

    head = f"  {finding.state:<10}  {finding.name:<{width}}  "
    told = [finding.what, *([f"try: {finding.get}"] if finding.get else [])]
    lines = [line for text in told for line in wrap(text, max(room - len(head), 30), break_on_hyphens=False)]
    click.echo(click.style(head, fg=_STYLES[finding.state]) + lines[0])
    for line in lines[1:]:
        click.echo(" " * len(head) + line)
