"""The sections of a manifest, checked and made into data: assets, inputs, outputs, steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.core.manifest import Asset, Input, Output, Recipe, Step
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.schema import check_against
from pytest_mlmodelscope.manifest import recipes
from pytest_mlmodelscope.manifest.domains import domain

ORIGINS: Final = ("package", "url", "path", "recipe")
#: A key of an asset, and the key without which it means nothing.
_BELONGS: Final = {"registry": "package", "kind": "package", "mirrors": "url", "member": "file"}


def assets(document: Document) -> dict[str, Asset]:
    """The assets of a manifest, by name.

    Raises:
        DocumentError: one has no origin or several, or keys that do not go together.
    """
    given: Mapping[str, Mapping[str, Any]] = document.data.get("assets", {})
    made: dict[str, Asset] = {}
    for name in given:
        _add_asset(document, name, given, made, ())
    return {name: made[name] for name in given}


def _add_asset(
    document: Document,
    name: str,
    given: Mapping[str, Mapping[str, Any]],
    made: dict[str, Asset],
    outer: tuple[str, ...],
) -> Asset:
    """One asset, after those that its recipe makes it of; ``outer`` are the recipes that led to it."""
    if name in outer:
        circle = " of ".join([*outer[outer.index(name) :], name])
        raise DocumentError("a recipe goes round in circles", where=document.at(("assets", name, "recipe")), got=circle)
    if name not in made:
        recipe = None
        if "recipe" in given[name]:
            sources = recipes.sources(document, name, given)
            parts = {role: _add_asset(document, source, given, made, (*outer, name)) for role, source in sources}
            recipe = recipes.recipe(document, name, given[name], parts)
        made[name] = _asset(document, name, given[name], recipe)
    return made[name]


def _asset(document: Document, name: str, entry: Mapping[str, Any], recipe: Recipe | None) -> Asset:
    at: Pointer = ("assets", name)
    _refuse_origins(document, entry, at)
    _refuse_strays(document, entry, at)
    for key in ("file", "member", "tree"):
        if ".." in PurePosixPath(entry.get(key, "")).parts:
            raise DocumentError(f'"{key}" must not hold ".."', where=document.at((*at, key)), got=entry[key])
    if "package" in entry:
        _refuse_package(document, entry, at)
    fields = {**entry, "size": int(entry["size"]), "mirrors": tuple(entry.get("mirrors", ())), "recipe": recipe}
    return Asset(name=name, where=document.at(at), base=document.path.parent, **fields)


def _refuse_origins(document: Document, entry: Mapping[str, Any], at: Pointer) -> None:
    given = [key for key in ORIGINS if key in entry]
    if given == ["path", "recipe"]:
        return
    if len(given) != 1:
        raise DocumentError(
            f'the asset "{at[-1]}" comes from {"nowhere" if not given else " and ".join(given)}',
            where=document.at(at),
            expected="exactly one of package, url, path and recipe",
            hint="other addresses of the same bytes go into `mirrors`" if given else "add `package: NAME==VERSION`",
        )


def _refuse_strays(document: Document, entry: Mapping[str, Any], at: Pointer) -> None:
    for key, needed in _BELONGS.items():
        if key in entry and needed not in entry:
            raise DocumentError(f'"{key}" goes with "{needed}" only', where=document.at((*at, key)))
    if "kind" in entry and entry.get("registry", "pypi") != "pypi":
        raise DocumentError('"kind" is for packages of pypi only', where=document.at((*at, "kind")))
    if "member" in entry and "tree" in entry:
        raise DocumentError('"member" and "tree" exclude each other', where=document.at((*at, "tree")))


def _refuse_package(document: Document, entry: Mapping[str, Any], at: Pointer) -> None:
    if "file" not in entry and "tree" not in entry:
        raise DocumentError(
            f'which part of the package is the asset "{at[-1]}"?',
            where=document.at(at),
            hint="add `file:` (one file inside) or `tree:` (a glob of several)",
        )
    registry, (project, _, version) = entry.get("registry", "pypi"), entry["package"].partition("==")
    if registry != "npm" and ("@" in project or "/" in project):
        raise DocumentError(
            f'"{project}" is not a name of {registry}', where=document.at((*at, "package")), hint="add `registry: npm`"
        )
    if registry == "pypi":
        refuse_version(document, version, (*at, "package"))


def refuse_version(document: Document, version: str, at: Pointer) -> None:
    """Refuse what is not one version of a Python package."""
    try:
        Version(version)
    except InvalidVersion:
        raise DocumentError(
            f'"{version}" is not a version', where=document.at(at), hint="pin one version, such as ==1.0.6"
        ) from None


def inputs(
    document: Document, entries: Sequence[Mapping[str, Any]], at: Pointer, known: Iterable[str]
) -> tuple[Input, ...]:
    """The inputs that stand at ``at``; ``known`` are the names of the manifest's assets.

    Raises:
        DocumentError: with the line of what is wrong.
    """
    _refuse_twins(document, entries, at)
    return tuple(_input(document, entry, (*at, index), known) for index, entry in enumerate(entries))


def _input(document: Document, entry: Mapping[str, Any], at: Pointer, known: Iterable[str]) -> Input:
    if "constant" in entry:
        _refuse_constant(document, entry, at)
    made = steps(document, entry.get("steps", ()), (*at, "steps"), known)
    drawn = domain(document, entry, at)
    return Input(**{**entry, "shape": tuple(entry.get("shape", ())), "steps": made, "domain": drawn})


def _refuse_constant(document: Document, entry: Mapping[str, Any], at: Pointer) -> None:
    for key in ("steps", "field"):
        if key in entry:
            raise DocumentError(f'a constant input has no "{key}"', where=document.at((*at, key)), hint=f"drop {key}")
    if entry["dtype"] == "string":
        raise DocumentError("a constant input is a number", where=document.at((*at, "dtype")), got="string")
    for axis in entry.get("shape", ()):
        if isinstance(axis, str) and axis != "batch":
            raise DocumentError(
                f'a constant input needs a length for the axis "{axis}"',
                where=document.at((*at, "shape")),
                hint="numbers, or `batch` for the number of items",
            )


def outputs(
    document: Document, entries: Sequence[Mapping[str, Any]], at: Pointer, known: Iterable[str]
) -> tuple[Output, ...]:
    """The outputs that stand at ``at``; ``known`` are the names of the manifest's assets.

    Raises:
        DocumentError: with the line of what is wrong.
    """
    _refuse_twins(document, entries, at)
    made = []
    for index, entry in enumerate(entries):
        own_steps = steps(document, entry.get("steps", ()), (*at, index, "steps"), known)
        made.append(Output(**{**entry, "shape": tuple(entry.get("shape", ())), "steps": own_steps}))
    return tuple(made)


def _refuse_twins(document: Document, entries: Sequence[Mapping[str, Any]], at: Pointer) -> None:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry["name"] in seen:
            raise DocumentError(
                f'two of the {at[-1]} are called "{entry["name"]}"', where=document.at((*at, index)), hint="rename one"
            )
        seen.add(entry["name"])


def steps(
    document: Document, entries: Sequence[str | Mapping[str, Any]], at: Pointer, known: Iterable[str]
) -> tuple[Step, ...]:
    """The steps that stand at ``at``, each with its options checked against its own schema.

    Raises:
        DocumentError: unknown step, option or asset, with the nearest known word.
    """
    made = []
    for index, entry in enumerate(entries):
        name, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        check_member(document, "steps", name, options, (*at, index), known)
        made.append(Step(name, options))
    return tuple(made)


def check_member(
    document: Document, group: str, name: str, options: Mapping[str, Any], at: Pointer, known: Iterable[str]
) -> None:
    """Check the name, the options and the assets of a step or a reader that a manifest uses.

    Raises:
        DocumentError: unknown name, option or asset, with the nearest known word.
    """
    what = {"steps": "step", "datasets": "reader"}[group]
    if name not in names(group):
        raise DocumentError(
            f'no {what} is called "{name}"', where=document.at((*at, name)), hint=did_you_mean(name, names(group))
        )
    inside = (*at, name) if options else at
    own_schema = closed(member(group, name).OPTIONS)
    check_against(document, own_schema, options, inside)
    for place, asset in _named_assets(own_schema, options, inside):
        refuse_unknown_asset(document, asset, known, place)


def closed(own_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of options, taken to allow no other keys where it does not say."""
    return {"type": "object", "additionalProperties": False, **own_schema}


def _named_assets(
    own_schema: Mapping[str, Any], options: Mapping[str, Any], at: Pointer
) -> Iterator[tuple[Pointer, str]]:
    """The options whose value is the name of an asset: ``asset``, and what has that format."""
    for key, about in own_schema.get("properties", {}).items():
        value = options.get(key)
        if isinstance(value, str) and (key == "asset" or about.get("format") == "asset"):
            yield (*at, key), value
        elif isinstance(value, Mapping):
            yield from _named_assets(about, value, (*at, key))


def refuse_unknown_asset(document: Document, name: str, known: Iterable[str], at: Pointer) -> None:
    """Refuse the name of an asset that the manifest does not have."""
    if name not in known:
        raise DocumentError(
            f'the manifest has no asset "{name}"',
            where=document.at(at),
            hint=did_you_mean(name, known) or "add it under `assets:`",
        )
