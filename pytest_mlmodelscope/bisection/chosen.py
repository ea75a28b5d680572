"""From what a person types to the case that is measured, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pytest_mlmodelscope.bisection.factors import CONDITIONS, DOTTED, Factor, stack
from pytest_mlmodelscope.bisection.recorded import LeftOver, differences, the_case
from pytest_mlmodelscope.claim.expand import expand, selection
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.framework import framework_spec
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.build import read
from pytest_mlmodelscope.record.compare import Fact
from pytest_mlmodelscope.record.diff import around


def claims_of(files: Iterable[Path]) -> dict[str, Claim]:
    """The claims in these files by their ids."""
    return {claim.id: claim for path in files for claim in load_claims(path)}


def case_of(
    names: Sequence[str], claims: Mapping[str, Claim], catalogue: Catalogue, framework: str | None = None
) -> Case:
    """The only case of a claim, of the framework that is named where there are several.

    Raises:
        UsageError: no claim has this name, or several cases are of it.
    """
    if len(names) != 1:
        raise UsageError("one case is wanted", expected="CASE, or A B CASE with two records", got=" ".join(names))
    claim, wanted = _claim(names[0], claims)
    cases = expand(claim, catalogue, selection([framework] if framework else ()))
    cases = [case for case in cases if wanted in (None, case.id)] or cases
    if len(cases) != 1:
        several = ", ".join(case.framework.name for case in cases)
        raise UsageError(f"{claim.id} has {len(cases)} cases here", got=several, hint="--framework NAME")
    return cases[0]


def _claim(name: str, claims: Mapping[str, Claim]) -> tuple[Claim, str | None]:
    """The claim of this id, or that whose case has it."""
    if name in claims:
        return claims[name], None
    found = max((one for one in claims if name.startswith(f"{one}-")), key=len, default=None)
    if found is None:
        raise UsageError(f'no claim is called "{name}"', hint=did_you_mean(name, claims) or "--claims PATH")
    return claims[found], name


def difference_of(
    names: Sequence[str], claims: Mapping[str, Claim], catalogue: Catalogue, framework: str | None = None
) -> tuple[Case, list[Factor], list[LeftOver]]:
    """The case with A's values, what differs between records A and B and can be swapped, and what cannot.

    Without records nothing differs yet.
    """
    if len(names) != 3:
        return case_of(names, claims, catalogue, framework), [], []
    a, b = (read(Path(name)) for name in names[:2])
    old, now = the_case(a["mlms"]["cases"], b["mlms"]["cases"], names[2])
    factors, left = differences(old, now, around(a, b))
    case = case_of([now["claim"]], claims, catalogue, framework or now["framework"])
    swapped = [one for one in factors if not (case.model.stages and one.name.partition(".")[0] in DOTTED)]
    stages = [
        LeftOver("framework", Fact(one.name, one.a, one.b), "the stages of a pipeline are not told of it")
        for one in factors
        if one not in swapped
    ]
    return _as_in(old, case), swapped, [*left, *stages, *_otherwise(old, case)]


def _as_in(old: Mapping[str, Any], case: Case) -> Case:
    """The case under the conditions of a record, on the version that it had."""
    wanted = {name: old["conditions"].get(name) for name in CONDITIONS}
    if not case.framework.stages:  # which have a version each
        wanted["version"] = old["software"].get("version")
    return stack(case, wanted)


def _otherwise(old: Mapping[str, Any], case: Case) -> list[LeftOver]:
    if old["model_digest"] == case.model.digest:
        return []
    fact = Fact("model_digest", old["model_digest"], case.model.digest)
    return [LeftOver("model", fact, "the manifest here is not the one of record A")]


def releases_of(framework: str, offline: bool) -> list[str]:
    """The versions of a framework that its file admits and the package index has for this machine.

    Raises:
        UsageError: the network is switched off, or the framework admits no other versions.
        AssetError: the index cannot be reached.
    """
    from pytest_mlmodelscope.manifest.sources.releases import releases

    if offline:
        raise UsageError("the versions between are only known to the package index", hint="leave --offline out")
    specs = [one for one in framework_spec(framework).environments if one.admits and "gpu" not in one.devices]
    if not specs:
        raise UsageError(f"the file of {framework} admits no other versions than those that it lists")
    ranges = [SpecifierSet(one.admits or "") for one in specs]
    found = releases(_package(specs[0].requirements, framework))
    return [version for version in found if any(one.contains(version) for one in ranges)]


def _package(requirements: Sequence[str], framework: str) -> str:
    """What the framework is called on the index."""
    asked = [text for text in requirements if "{version}" in text]
    return Requirement(asked[0].replace("{version}", "")).name if asked else framework
