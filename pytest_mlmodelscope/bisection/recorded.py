"""From two records of a case to what can be swapped here, and what is left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_mlmodelscope.bisection.factors import CONDITIONS, Factor
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.record.causes import Pair, pair
from pytest_mlmodelscope.record.compare import Fact
from pytest_mlmodelscope.record.diff import match

#: What follows from a framework's version, and cannot be had without it.
_FOLLOWS: Final = ("build", "providers", "provider_options", "framework")
#: Why a difference of a kind is not swapped.
_WHY: Final = {
    "machine": "this is one machine",
    "governor": "the machine's own",
    "system": "the machine's own",
    "host": "packages of the environment that mlms itself runs in",
    "isolation": "what holds the worker",
    "model": "only one of the two models is at hand",
    "data": "only one of the two sets of data is at hand",
    "evidence": "how many items were evaluated",
    "claim": "what was published, not what is measured",
    "metric": "what is measured, not with what",
    "commit": "the project's own code",
    "disturbed": "what happened to the machine",
}

_Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A difference that cannot be swapped here, and why."""

    kind: str
    fact: Fact
    why: str


def the_case(a: Iterable[_Case], b: Iterable[_Case], name: str) -> tuple[_Case, _Case]:
    """The case of this name in both records: an id, or a claim that has one case.

    Raises:
        UsageError: there is none in both, or there are several.
    """
    pairs, only_a, only_b = match(list(a), list(b))
    found = [one for one in pairs if name in (one[0]["id"], one[1]["id"])]
    found = found or [one for one in pairs if name == one[1]["claim"]]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f'several cases are of "{name}"', hint=f"one of: {', '.join(one[1]['id'] for one in found)}")
    alone = [case["id"] for case in (*only_a, *only_b) if name in (case["id"], case["claim"])]
    what = f'"{name}" is in one of the records only' if alone else f'neither record has a case "{name}"'
    raise UsageError(what, hint=f"in both: {', '.join(one[1]['id'] for one in pairs[:10]) or 'none'}")


def differences(
    old: _Case, now: _Case, around: Iterable[tuple[str, Fact]]
) -> tuple[tuple[Factor, ...], tuple[LeftOver, ...]]:
    """What can be swapped between two records of a case, and what cannot."""
    found: Pair = pair(old, now, around, None, None)
    factors = {one.name: one for one in _factors(old, now)}
    left = [one for kind, fact in found.differences if (one := _left(kind, fact, now["framework"], factors))]
    return tuple(factors.values()), tuple({repr(one): one for one in left}.values())


def _factors(old: _Case, now: _Case) -> Iterator[Factor]:
    a, b = old["software"], now["software"]
    if a.get("version") != b.get("version") and a.get("version") and b.get("version"):
        yield Factor("version", a["version"], b["version"])
    libraries = [side.get("libraries") or {} for side in (a, b)]
    for name in sorted(set(libraries[0]) & set(libraries[1])):
        if libraries[0][name] != libraries[1][name] and all(_is_version(side[name]) for side in libraries):
            yield Factor(f"package.{name}", libraries[0][name], libraries[1][name])
    for name in CONDITIONS:
        sides = [case["conditions"].get(name) for case in (old, now)]
        if name == "threads":
            # What a framework took where nobody asked is what the other side has to be asked for.
            sides = [wanted or case["software"].get("threads") for wanted, case in zip(sides, (old, now), strict=True)]
        if sides[0] != sides[1]:
            yield Factor(name, *sides)


def _is_version(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)*[a-z0-9.+]*", text) is not None


def _left(kind: str, fact: Fact, framework: str, factors: Mapping[str, Factor]) -> LeftOver | None:
    if kind in ("framework", "conditions", "threads", "batch", "precision"):
        place = fact.place.removeprefix(f"{framework}.").removeprefix("conditions.")
        name = f"package.{place.removeprefix('libraries.')}" if place.startswith("libraries.") else place
        if name in factors or ("version" in factors and place.split(".")[0] in _FOLLOWS):
            return None
        return LeftOver(kind, fact, "not known to be swapped")
    return LeftOver(kind, fact, _WHY.get(kind, "not known to be swapped"))
