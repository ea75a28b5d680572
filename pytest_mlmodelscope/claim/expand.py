"""From claims to cases: claim x framework x target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import DatasetManifest
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.manifest.load import Catalogue


@dataclass(frozen=True, slots=True)
class Requirement:
    """A framework by name, with a version specifier where one was given."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user asked for; empty means everything that a claim admits."""

    frameworks: tuple[Requirement, ...] = ()
    targets: tuple[str, ...] = ()


def requirement(text: str) -> Requirement:
    """Split ``pytorch>=2`` into its name and its version specifier."""
    match = re.match(r"\s*([A-Za-z0-9_-]+)\s*(.*?)\s*$", text)
    if match is None:
        raise UsageError(f'"{text}" is not a framework', hint="a name, or a name and a version such as pytorch>=2")
    return Requirement(match[1], match[2].replace(" ", ""))


def selection(frameworks: Iterable[str] = (), targets: Iterable[str] = ()) -> Selection:
    """A selection from what a user typed.

    Raises:
        UsageError: an unknown framework or target, with the nearest name.
    """
    chosen = tuple(requirement(text) for text in frameworks)
    _refuse_unknown("framework", (one.name for one in chosen))
    wanted = tuple(targets)
    _refuse_unknown("target", wanted)
    return Selection(chosen, wanted)


def _refuse_unknown(kind: str, given: Iterable[str]) -> None:
    known = names(f"{kind}s")
    for name in given:
        if name not in known:
            raise UsageError(f'no {kind} is called "{name}"', hint=did_you_mean(name, known))


def expand(claim: Claim, catalogue: Catalogue, chosen: Selection = Selection()) -> list[Case]:
    """Every case of one claim that the user asked for.

    Raises:
        DocumentError: the claim names a model, dataset, split or framework that is not there.
    """
    at = f"{shown_path(claim.path)}:{claim.line}"
    model = catalogue.model(claim.model, at)
    dataset = _dataset(claim, catalogue, at)
    return [
        Case(claim, model, model.frameworks[use.name], target, dataset, use.version)
        for use in _frameworks(claim, tuple(model.frameworks), chosen, at)
        for target in _targets(claim, chosen)
    ]


def _dataset(claim: Claim, catalogue: Catalogue, at: str) -> DatasetManifest | None:
    if claim.dataset is None:
        if member("metrics", claim.metric).KIND == "static":
            return None
        raise DocumentError(f"the metric {claim.metric} needs data", where=at, hint='add "dataset:"')
    dataset = catalogue.dataset(claim.dataset.name, at)
    if claim.dataset.split not in dataset.splits:
        raise DocumentError(
            f'the dataset {dataset.name} has no split "{claim.dataset.split}"',
            where=at,
            hint=did_you_mean(claim.dataset.split, dataset.splits),
        )
    return dataset


def _frameworks(claim: Claim, of_model: tuple[str, ...], chosen: Selection, at: str) -> Iterator[Requirement]:
    stated = [requirement(text) for text in claim.conditions.frameworks]
    for use in stated:
        if use.name not in of_model:
            raise DocumentError(
                f'the model {claim.model} has no framework "{use.name}"',
                where=at,
                hint=did_you_mean(use.name, of_model),
            )
    for use in stated or [Requirement(name) for name in of_model]:
        if not chosen.frameworks:
            yield use
            continue
        for asked in chosen.frameworks:
            if asked.name == use.name:
                both = ",".join(part for part in (use.version, asked.version) if part)
                yield Requirement(use.name, both)


def _targets(claim: Claim, chosen: Selection) -> list[str]:
    hardware = claim.conditions.hardware
    if chosen.targets:
        return [name for name in chosen.targets if member("targets", name).admits(hardware)]
    if not hardware.device and not hardware.arch:
        return ["cpu"]
    # Processors first: GPUs and FPGAs admit every architecture.
    return [name for name in ("cpu", "arm", "ppc", "gpu", "fpga") if member("targets", name).admits(hardware)][:1]
