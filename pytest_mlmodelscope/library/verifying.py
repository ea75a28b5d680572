"""Claims verified: what ``pytest --mlms`` does, without pytest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.cause import USUAL_SECONDS
from pytest_mlmodelscope.claim.expand import expand, left_to_chance, selection
from pytest_mlmodelscope.claim.known import FILE_NAME, Known, find_known, load_known
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.result import Case, Result
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.library.shelf import Shelf, claim_files_below
from pytest_mlmodelscope.library.verdicts import Verified
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.case import case_record

#: Where baselines are kept, unless the user says otherwise.
BASELINES: Final = "baselines"


def verify(
    *wanted: str | Path,
    framework: str | None = None,
    target: str | None = None,
    shelf: Shelf | None = None,
    settings: Settings | None = None,
    progress: Callable[[str], None] | None = None,
    why: float = USUAL_SECONDS,
) -> list[Verified]:
    """Verify claims, on each framework and target that they are about: what came of each case, in their order.

    A text is the id of a claim on the shelf, a ``Path`` a file or a folder of claims, whose manifests may lie beside
    it. For ``why`` seconds the cause of a refuted figure is looked for. Whatever goes wrong with a case is its verdict.

    Raises:
        UsageError: there is no such claim, framework or target; or none of them is left to verify.
        DocumentError: a file of claims or a manifest is not valid.
    """
    cases = cases_of(wanted, framework, target, shelf or Shelf())
    settings = settings or Settings(baselines=Path(BASELINES))
    chances = sum(left_to_chance(case, settings.sample, settings.sequential) for case, _ in cases)
    settings = dataclasses.replace(settings, claims=max(1, chances), progress=progress or settings.progress)
    with Engine(settings) as engine:
        return [_verified(engine, case, known, why) for case, known in cases]


def _verified(engine: Engine, case: Case, known: Known | None, why: float) -> Verified:
    engine.settings.progress(f"{case.id}: verifying")
    result = engine.verify(case)
    if why > 0 and wants_cause(result, known):
        result = engine.explain(result, why)
    return Verified(case_record(result, accepted(result, known)))


def wants_cause(result: Result, known: Known | None) -> bool:
    """Whether to look for what explains a figure: a refuted one over items that nobody has accepted as refuted."""
    figure = result.measurement
    over_items = figure is not None and figure.kind == "items" and result.case.claim.group == "metrics"
    taken = known is not None and "refuted" in known.verdicts
    return over_items and result.verdict.word == "refuted" and not taken


def accepted(result: Result, known: Known | None) -> dict[str, Any] | None:
    """The accepted verdict that speaks of a case, as its record has it."""
    if known is None:
        return None
    matched = result.verdict.word in known.verdicts
    return {"verdict": sorted(known.verdicts), "reason": known.reason, "matched": matched}


def cases_of(
    wanted: Sequence[str | Path], framework: str | None, target: str | None, shelf: Shelf
) -> list[tuple[Case, Known | None]]:
    """The cases of claims, each with what is accepted of it. Of a file those that are verified on request only are left
    out, unless a framework or a target is named.

    Raises:
        UsageError: there is no such claim, framework or target, or no case is left.
        DocumentError: a file of claims or a manifest is not valid.
    """
    chosen = selection([framework] if framework else [], [target] if target else [])
    named = bool(framework or target)
    found: dict[str, tuple[Case, Known | None]] = {}
    for claim, catalogue in _claims(wanted, shelf, named):
        for case in expand(claim, catalogue, chosen):
            found[case.id] = (case, find_known(_known_beside(claim.path), case))
    if not found:
        where = " ".join(part for part in (framework, target and f"on {target}") if part)
        raise UsageError("no case is left to verify", got=where or None, hint="mlms claims lists what there is")
    return list(found.values())


def _claims(wanted: Sequence[str | Path], shelf: Shelf, named: bool) -> Iterator[tuple[Claim, Catalogue]]:
    for one in wanted:
        if not isinstance(one, Path):
            yield (claim := shelf.claim(one)), shelf.beside(claim.path)
            continue
        if not one.exists():
            raise UsageError("there is no such file or folder", where=one)
        for file in claim_files_below([one]):
            beside = shelf.beside(file)
            yield from ((claim, beside) for claim in load_claims(file) if named or not claim.on_request)


def _known_beside(path: Path) -> list[Known]:
    file = path.parent / FILE_NAME
    return load_known(file) if file.is_file() else []


def record_of(cases: Sequence[Mapping[str, Any]], settings: Settings | None = None) -> dict[str, Any]:
    """The record of a session with these cases, as ``pytest --mlms-json`` writes it."""
    from pytest_mlmodelscope.record.build import build
    from pytest_mlmodelscope.record.machine import machine_facts, software_facts
    from pytest_mlmodelscope.targets import local_cpu

    settings = settings or Settings()
    how = "sequential" if settings.sequential else f"sample:{settings.sample}" if settings.sample else "full"
    told = {"evidence": how, "error": settings.error, "offline": settings.offline}
    ordered = sorted(cases, key=lambda case: str(case["id"]))
    return build(ordered, machine_facts(local_cpu()), software_facts(), None, told)
