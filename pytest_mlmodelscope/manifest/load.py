"""Read model and dataset manifests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pytest_mlmodelscope.core.document import Document, Pointer, read_document, shown_path
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.core.framework import FrameworkSpec, framework_spec
from pytest_mlmodelscope.core.manifest import Asset, DatasetManifest, FrameworkUse, Input, ModelManifest, Split
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.core.schema import check, check_against
from pytest_mlmodelscope.manifest import placing, sections, stages
from pytest_mlmodelscope.manifest.domains import inherited

#: Keys that the section of every framework may have.
COMMON: Final = ("assets", "packages", "version", "inputs", "outputs")
_SUFFIXES: Final = (".yml", ".yaml")

_Manifest = TypeVar("_Manifest", ModelManifest, DatasetManifest)


class Catalogue:
    """The manifests below some folders, found by name and loaded when asked for.

    Each root holds ``models/*.yml`` and ``datasets/*.yml``; a file's name is the name of what it
    describes. Earlier roots win.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)
        self._models: dict[str, ModelManifest] = {}
        self._datasets: dict[str, DatasetManifest] = {}
        self._found: dict[str, dict[str, Path]] = {}

    def model(self, name: str, at: str) -> ModelManifest:
        """The model of this name; ``at`` is the ``file:line`` that asks for it.

        Raises:
            DocumentError: there is none, or its manifest is not valid.
        """
        return self._model(name, at, ())

    def _model(self, name: str, at: str, outer: tuple[str, ...]) -> ModelManifest:
        """A model that is a stage of those in ``outer``, each of which is one of the pipeline before it."""
        if name in outer:
            circle = " of ".join([*outer[outer.index(name) :], name])
            raise DocumentError("a pipeline goes round in circles", where=at, got=circle)

        def load(path: Path) -> ModelManifest:
            return load_model(path, lambda stage, where: self._model(stage, where, (*outer, name)))

        return self._get("models", name, at, self._models, load)

    def dataset(self, name: str, at: str) -> DatasetManifest:
        """The dataset of this name; ``at`` is the ``file:line`` that asks for it.

        Raises:
            DocumentError: there is none, or its manifest is not valid.
        """
        return self._get("datasets", name, at, self._datasets, load_dataset)

    def model_names(self) -> tuple[str, ...]:
        """The names of all models, sorted."""
        return tuple(sorted(self._paths("models")))

    def dataset_names(self) -> tuple[str, ...]:
        """The names of all datasets, sorted."""
        return tuple(sorted(self._paths("datasets")))

    def _paths(self, group: str) -> dict[str, Path]:
        if group not in self._found:
            paths: dict[str, Path] = {}
            for root in self.roots:
                for path in sorted((root / group).glob("*")):
                    if path.suffix in _SUFFIXES:
                        paths.setdefault(path.stem, path)
            self._found[group] = paths
        return self._found[group]

    def _get(
        self, group: str, name: str, at: str, loaded: dict[str, _Manifest], load: Callable[[Path], _Manifest]
    ) -> _Manifest:
        if name not in loaded:
            paths = self._paths(group)
            if name not in paths:
                raise self._unknown(group, name, at)
            manifest = load(paths[name])
            refuse_other_name(manifest)
            loaded[name] = manifest
        return loaded[name]

    def _unknown(self, group: str, name: str, at: str) -> DocumentError:
        near = did_you_mean(name, self._paths(group))
        folders = " or ".join(shown_path(root / group) for root in self.roots)
        return DocumentError(
            f'no {group.removesuffix("s")} is called "{name}"',
            where=at,
            hint=near or f"write its manifest: {name}.yml in {folders or 'a folder of manifests'}",
        )


def refuse_other_name(manifest: ModelManifest | DatasetManifest) -> None:
    """Refuse a manifest that a catalogue would not find under its own name."""
    if manifest.name != manifest.path.stem:
        raise DocumentError(
            "the name is another than the file's",
            where=read_document(manifest.path).at(("name",)),
            expected=manifest.path.stem,
            got=manifest.name,
            hint=f"call the file {manifest.name}.yml, or the model or dataset {manifest.path.stem}",
        )


def load_model(path: Path, find: stages.Find | None = None) -> ModelManifest:
    """One model manifest. ``find`` gives the models of a pipeline's stages; without it they are looked for beside it.

    Raises:
        DocumentError: with file and line, and the nearest known word for a misspelt one.
    """
    document = _read(path, "model")
    data = document.data
    assets = sections.assets(document)
    if "pipeline" in data:
        return _pipeline(document, assets, find or Catalogue([path.parent.parent]).model)
    inputs = sections.inputs(document, data.get("inputs", ()), ("inputs",), assets)
    if names_asset := _names_asset(data):
        sections.refuse_unknown_asset(document, names_asset, assets, ("attributes", "classes", "asset"))
    return ModelManifest(
        **_about(data),
        assets=assets,
        inputs=inputs,
        outputs=sections.outputs(document, data.get("outputs", ()), ("outputs",), assets),
        frameworks={name: _framework(document, name, use, assets, inputs) for name, use in data["frameworks"].items()},
        elsewhere=data.get("elsewhere", ""),
        digest=_digest(data, "inputs", "outputs", "frameworks"),
        path=path,
    )


def _pipeline(document: Document, assets: Mapping[str, Asset], find: stages.Find) -> ModelManifest:
    """A model that is made of others."""
    data = document.data
    made = stages.stages(document, assets, find)
    outputs = stages.outputs(document, made, assets)
    return ModelManifest(
        **_about(data),
        assets=assets,
        outputs=outputs,
        frameworks=placing.frameworks(document, made, outputs),
        stages=made,
        digest=_digest({**data, "pipeline": stages.defining(document, made)}, "outputs", "pipeline"),
        path=document.path,
    )


def _about(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of a model beside how it is run."""
    told = {key: data[key] for key in ("name", "version", "task", "license", "description")}
    return {**told, "references": tuple(data.get("references", ())), "attributes": data.get("attributes", {})}


def load_dataset(path: Path) -> DatasetManifest:
    """One dataset manifest.

    Raises:
        DocumentError: with file and line, and the nearest known word for a misspelt one.
    """
    document = _read(path, "dataset")
    data = document.data
    assets = sections.assets(document)
    return DatasetManifest(
        **{key: data[key] for key in ("name", "version", "license", "description")},
        assets=assets,
        splits={name: _split(document, name, split, assets) for name, split in data["splits"].items()},
        references=tuple(data.get("references", ())),
        digest=_digest(data, "splits"),
        path=path,
    )


def _read(path: Path, kind: str) -> Document:
    document = read_document(path)
    if not isinstance(document.data, dict):
        raise DocumentError(f"is not a {kind} manifest", where=document.at(), expected=f"a mapping: `schema: {kind}/1`")
    check(document, kind)
    return document


def _names_asset(data: Mapping[str, Any]) -> str | None:
    """The asset that holds the names of a model's classes, for people."""
    classes = data.get("attributes", {}).get("classes")
    return classes["asset"] if isinstance(classes, Mapping) else None


def _digest(data: Mapping[str, Any], *parts: str) -> str:
    """Of what decides the behaviour: bytes and how they are used, not where they come from, nor what a
    check draws or a person reads.
    """
    defining = {part: _without_domains(data[part]) for part in parts if part in data}
    assets, read = data.get("assets", {}), _names_asset(data)
    defining["assets"] = {name: entry["sha256"] for name, entry in assets.items() if name != read}
    canonical = json.dumps(defining, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_domains(part: Any) -> Any:
    if isinstance(part, Mapping):
        # "dtype" tells an input from options in which a framework may call something a domain.
        return {key: _without_domains(value) for key, value in part.items() if key != "domain" or "dtype" not in part}
    return [_without_domains(one) for one in part] if isinstance(part, list) else part


def _framework(
    document: Document, name: str, section: Mapping[str, Any], known: Mapping[str, object], of_model: Sequence[Input]
) -> FrameworkUse:
    at: Pointer = ("frameworks", name)
    if name not in names("frameworks"):
        raise DocumentError(
            f'no framework is called "{name}"', where=document.at(at), hint=did_you_mean(name, names("frameworks"))
        )
    spec = framework_spec(name)
    options = {key: value for key, value in section.items() if key not in COMMON}
    if "elsewhere" not in document.data:
        _check_options(document, spec, options, at)
        _check_roles(document, spec, section.get("assets", {}), known)
    _check_packages(document, section, at)
    return FrameworkUse(
        name=name,
        options=options,
        assets=section.get("assets", {}),
        packages=tuple(section.get("packages", ())),
        inputs=inherited(sections.inputs(document, section.get("inputs", ()), (*at, "inputs"), known), of_model),
        outputs=sections.outputs(document, section.get("outputs", ()), (*at, "outputs"), known),
        version=section.get("version"),
    )


def _check_options(document: Document, spec: FrameworkSpec, options: Mapping[str, Any], at: Pointer) -> None:
    own_schema = sections.closed(spec.options)
    if own_schema["additionalProperties"] is False:
        allowed = own_schema.get("properties", {})
        for key in options:
            if key not in allowed:
                raise DocumentError(
                    f'{spec.title} takes no "{key}"',
                    where=document.at((*at, key)),
                    hint=did_you_mean(key, [*COMMON, *allowed]),
                )
    check_against(document, own_schema, options, at)


def _check_roles(
    document: Document, spec: FrameworkSpec, given: Mapping[str, str], known: Mapping[str, object]
) -> None:
    at: Pointer = ("frameworks", spec.name)
    for role, name in given.items():
        if role not in spec.roles:
            raise DocumentError(
                f'{spec.title} has no use for an asset as "{role}"',
                where=document.at((*at, "assets", role)),
                hint=did_you_mean(role, spec.roles) or "it takes no assets",
            )
        sections.refuse_unknown_asset(document, name, known, (*at, "assets", role))
    for role, need in spec.roles.items():
        if need == "required" and role not in given:
            raise DocumentError(
                f'{spec.title} needs an asset as "{role}"',
                where=document.at((*at, "assets")),
                hint=f"add `assets: {{{role}: NAME}}`, the name of one of the manifest's assets",
            )


def _check_packages(document: Document, section: Mapping[str, Any], at: Pointer) -> None:
    for index, text in enumerate(section.get("packages", ())):
        try:
            pinned = [one for one in Requirement(text).specifier if one.operator == "==" and "*" not in one.version]
        except InvalidRequirement:
            pinned = []
        if len(pinned) != 1:
            raise DocumentError(
                f'"{text}" does not pin a package',
                where=document.at((*at, "packages", index)),
                expected="NAME==VERSION",
            )
    try:
        SpecifierSet(section.get("version", ""))
    except InvalidSpecifier:
        raise DocumentError(
            f'"{section["version"]}" is not a requirement on a version',
            where=document.at((*at, "version")),
            hint='write it as in ">=2,<3", in quotes',
        ) from None


def _split(document: Document, name: str, entry: Mapping[str, Any], known: Mapping[str, object]) -> Split:
    at: Pointer = ("splits", name)
    ((reader, options),) = entry["reader"].items()
    sections.check_member(document, "datasets", reader, options, (*at, "reader"), known)
    return Split(
        name=name,
        items=int(entry["items"]),
        reader=reader,
        options=options,
        exclude_labels=frozenset(entry.get("exclude_labels", ())),
        where=document.at(at),
    )
