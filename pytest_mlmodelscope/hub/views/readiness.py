"""Which frameworks of a model answer at once on this hub, which have to be installed first, and which cannot be had."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable
from pytest_mlmodelscope.core.framework import HERE, Place, framework_spec
from pytest_mlmodelscope.core.manifest import Asset, FrameworkUse, ModelManifest
from pytest_mlmodelscope.library.cards import TargetCard
from pytest_mlmodelscope.library.machines import target_card
from pytest_mlmodelscope.manifest.cache import Cache

State = Literal["ready", "first", "never"]
#: The best news first.
_BEST: Final[tuple[State, ...]] = ("ready", "first", "never")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a framework of a model is *ready*, has to be got *first* (it is installed, or the model's files come or
    are made, before it answers), or can *never* be had on this machine, and why not. ``version`` is what is here,
    empty where nothing is; ``size`` about how many bytes come first, None where nobody knows. What is ``own`` is in
    the hub's own environment and starts soonest.
    """

    framework: str
    state: State
    version: str = ""
    size: int | None = None
    why: str = ""
    own: bool = False


def readiness(model: ModelManifest) -> tuple[Readiness, ...]:
    """The frameworks of a model as this hub has them, the soonest first."""
    kept, cache = Environments(Cache().root, offline=True), Cache()
    found = [_of_framework(kept, cache, model, name) for name in model.frameworks]
    return tuple(sorted(found, key=lambda one: (_BEST.index(one.state), not one.own)))


@functools.cache
def target(name: str) -> TargetCard:
    """A kind of machine as this hub has it, looked for once: that takes a second."""
    return target_card(name)


def _of_framework(kept: Environments, cache: Cache, model: ModelManifest, name: str) -> Readiness:
    """That of a pipeline is the worst of its stages."""
    found = [_of_use(kept, cache, part, use) for _, part, use in model.parts(model.frameworks[name])]
    return replace(max(found, key=lambda one: _BEST.index(one.state)), framework=name)


def _of_use(kept: Environments, cache: Cache, model: ModelManifest, use: FrameworkUse) -> Readiness:
    place = _place(use.name)
    if isinstance(place, str):
        return Readiness(use.name, "never", why=place)
    try:
        there = kept.at_hand(use, place=place)
    except NotApplicable as error:
        return Readiness(use.name, "never", why=error.what)
    except EnvironmentUnavailable as error:
        return _not_there(kept, use.name, error)
    to_come = sum(asset.size for role in use.assets.values() for asset in _missing(cache, model.assets.get(role)))
    state: State = "first" if to_come else "ready"
    return Readiness(use.name, state, there.version, to_come or None, own=there.source == "host")


def _place(framework: str) -> Place | str:
    """Where it runs here, by the first of its devices that there is; else why it does not."""
    reasons = []
    for device in framework_spec(framework).devices:
        if device == HERE.device:
            return HERE
        card = target(device)
        if card.here:
            return Place(device, nature=card.nature or "hardware")  # type: ignore[arg-type]  # one of the three words
        reasons.append(card.reason or f"there is no {device} here")
    return reasons[0]


def _not_there(kept: Environments, name: str, error: EnvironmentUnavailable) -> Readiness:
    if error.expected:  # no version of it fits
        return Readiness(name, "never", why=error.what)
    lacking = [lacks for framework, _, lacks in kept.not_built() if framework == name]
    if lacking and all(lacking):
        return Readiness(name, "never", why=(lacking[0] or "").partition("; try: ")[0])
    return Readiness(name, "first", size=_size(kept, name))


def _size(kept: Environments, name: str) -> int | None:
    """What installing it takes, as the largest other environment of the same framework took here."""
    others = [about for _, about in kept.built.all() if about["framework"] == name]
    return max((about["bytes"] for about in others if about.get("bytes")), default=None)


def _missing(cache: Cache, asset: Asset | None) -> Iterator[Asset]:
    """The asset, where it is to be fetched or made, and neither lies beside its manifest nor in the cache."""
    if asset is None or (asset.path is not None and (asset.base / asset.path).exists()):
        return
    if not cache.place("trees" if asset.tree else "objects", asset.sha256).exists():
        yield asset
