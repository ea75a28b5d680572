"""One case of a record: a result as plain data that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.document import shown_path
from pytest_mlmodelscope.core.result import Case, Measurement, Result
from pytest_mlmodelscope.store.results import homeless

#: Latencies of single queries that a record keeps of one case; more are thinned evenly.
MAX_LATENCIES: Final = 20_000
#: Conditions of some load patterns only: who has none says nothing of them, as records of earlier versions do.
_OF_SOME: Final = ("queries", "rate", "latency_bound", "samples_per_query")
#: Of what a claim asks of a machine, what every record says, so that those of earlier versions compare.
_ALWAYS: Final = ("device", "arch", "name", "memory")


def case_record(result: Result, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything a record says of one result; figures in the claim's unit, times in seconds.

    ``known`` is the accepted verdict that speaks of this case: ``verdict``, ``reason`` and
    whether it ``matched``. What is infinite or not a number becomes null.
    """
    case, claim = result.case, result.case.claim
    record = {
        "id": case.id,
        "claim": claim.id,
        "model": claim.model,
        "dataset": dataset_name(claim),
        "framework": case.framework.name,
        "requirement": case.requirement,
        "target": case.target,
        **_published(claim),
        **_measured(result.measurement),
        **_latencies(result.timings_ns),
        "verdict": result.verdict.word,
        "reason": result.verdict.reason,
        "baseline": asdict(result.baseline),
        "known": None if known is None else dict(known),
        "conditions": conditions(claim),
        "source": asdict(claim.source),
        "model_digest": case.model.digest,
        "assets": {
            f"{stage}.{role}" if stage else role: model.assets[name].sha256
            for stage, model, use in case.model.parts(case.framework)
            for role, name in use.assets.items()
        },
        "made_of": _made_of(case),
        "stages": _stages(case),
        "data_digest": result.data_digest,
        "software": dict(result.software),
        "steps": dict(result.steps),
        "predictions": _kept(result.predictions),
        "outputs": _kept(result.outputs),
        "check": _checked(result.check) or None,
        "machine": dict(result.machine) or None,
        "turn": dict(result.turn) or None,
        "watched": dict(result.watched) or None,
        "plan": dict(result.plan) or None,
        "timing": dict(result.timing) or None,
        "cause": dict(result.cause) or None,
        "evidence": result.evidence or None,
        "seconds": result.seconds,
        "claim_file": f"{shown_path(claim.path)}:{claim.line}",
    }
    plain: dict[str, Any] = json_ready(record)
    return plain


def _stages(case: Case) -> dict[str, Any] | None:
    """Which models the stages of a pipeline are, and on which frameworks they ran; those of inner pipelines too."""
    return {
        place: {"model": model.name, "version": model.version, "framework": use.name, "model_digest": model.digest}
        for place, model, use in case.model.parts(case.framework)
        if place
    } or None


def _made_of(case: Case) -> list[str]:
    """SHA-256 of all that recipes made the framework's files of."""
    parts = case.model.parts(case.framework)
    recipes = (model.assets[name].recipe for _, model, use in parts for name in use.assets.values())
    return sorted({source.sha256 for recipe in recipes if recipe for source in recipe.sources.values()})


def _kept(told: Mapping[str, Any]) -> dict[str, Any]:
    return {**told, "file": homeless(told["file"])} if "file" in told else dict(told)


def _checked(told: Mapping[str, Any]) -> dict[str, Any]:
    found = told.get("counterexample")
    return {**told, "counterexample": _kept(found)} if found else dict(told)


def dataset_name(claim: Claim) -> str | None:
    """``name/split`` of the data that a claim is about; None when it needs none."""
    return None if claim.dataset is None else f"{claim.dataset.name}/{claim.dataset.split}"


def conditions(claim: Claim) -> dict[str, Any]:
    """Under what a claim's figure is measured, as JSON would give it back."""
    found: dict[str, Any] = json_ready(asdict(claim.conditions))
    found = {key: value for key, value in found.items() if key not in _OF_SOME or value is not None}
    found["hardware"] = {key: value for key, value in found["hardware"].items() if key in _ALWAYS or value}
    found["metric_options"] = json_ready(claim.metric_options)
    found["relation"] = None if claim.dataset is None else claim.dataset.relation
    return found


def json_ready(value: Any) -> Any:
    """A copy with lists for tuples and sets, text for paths, plain numbers, null for the infinite."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted(json_ready(inner) for inner in value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # a number or an array of numpy
        return json_ready(value.tolist())
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, int) else str(value)


def _published(claim: Claim) -> dict[str, Any]:
    tolerance = claim.tolerance
    return {
        "metric": claim.metric,
        "unit": claim.unit,
        "published": claim.value,
        "tolerance": {**asdict(tolerance), "margin": tolerance.margin(claim.value)},
        "direction": claim.direction,
    }


def _measured(measurement: Measurement | None) -> dict[str, Any]:
    if measurement is None:
        nothing = dict.fromkeys(("kind", "measured", "interval", "p", "p_adjusted"))
        return {**nothing, "n": 0, "failed": 0, "census": False, "runs": []}
    return {
        "kind": measurement.kind,
        "measured": measurement.value,
        "n": measurement.n,
        "failed": measurement.failed,
        "census": measurement.census,
        "interval": asdict(measurement.interval),
        "runs": list(measurement.runs),
        "p": measurement.p,
        "p_adjusted": None,  # the record of a session knows the others
    }


def _latencies(timings_ns: Sequence[int]) -> dict[str, Any]:
    """Seconds of each query, and of how many the list is a thinned one (null: of none)."""
    if not timings_ns:
        return {"latencies_s": None, "latencies_thinned_from": None}
    kept = thinned(timings_ns, MAX_LATENCIES)
    return {
        "latencies_s": [nanoseconds / 1e9 for nanoseconds in kept],
        "latencies_thinned_from": len(timings_ns) if len(kept) < len(timings_ns) else None,
    }


def thinned(values: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of the values, evenly spaced, the first and the last among them."""
    if len(values) <= most:
        return values
    step = (len(values) - 1) / (most - 1)
    return [values[round(index * step)] for index in range(most)]
