"""What no single case shows: two models that are suspiciously alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.record.kept import Kept, outputs_of, predictions_of

#: How often, at the most, a model repeats another's mistake: models that learned from the same data
#: share many, and a wrong label makes both of them wrong alike.
SHARED_MISTAKES: Final = 0.9
#: Two models are reported when different ones would be so much alike less often than this.
DOUBT: Final = 1e-3
#: Different numbers among outputs from which their being the same to the last bit is no accident.
LEAST_VALUES: Final = 100

_Case = Mapping[str, Any]


def findings(cases: Sequence[_Case]) -> list[dict[str, Any]]:
    """Two models under different names that are one, for what their answers to the same items show.

    Right answers prove nothing: two good models give the same ones. Either all outputs are the same
    to the last bit, or all mistakes are: of different models each mistake of the one is made by the other
    with probability ``SHARED_MISTAKES`` at most, so that all of k with at most its k-th power.
    Models whose manifests name the very same files, or files that recipes made of the same ones, are
    meant to be one.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for group in _same_items(cases):
        for one, other in combinations(group, 2):
            pair = (one["model"], other["model"])
            if pair not in found and _differ(one, other) and (evidence := _alike(one, other)):
                found[pair] = _finding(one, other, evidence)
    return list(found.values())


def _same_items(cases: Sequence[_Case]) -> Iterator[list[_Case]]:
    """Cases with predictions for the same items on the same framework, one of each model."""
    groups: dict[tuple[Any, ...], dict[str, _Case]] = {}
    for case in sorted(cases, key=lambda case: str(case["id"])):
        if case["predictions"].get("sha256"):
            key = (case["framework"], case["dataset"], case["data_digest"], case["n"])
            groups.setdefault(key, {}).setdefault(case["model"], case)
    return ([*group.values()] for group in groups.values())


def _differ(one: _Case, other: _Case) -> bool:
    """Whether two cases are of models that are said to be different."""
    files = [sorted(case.get("assets", {}).values()) for case in (one, other)]
    origins = [case.get("made_of", []) for case in (one, other)]
    is_one = any(first and first == second for first, second in (files, origins))
    return one["model_digest"] != other["model_digest"] and not is_one


def _alike(one: _Case, other: _Case) -> str | None:
    digests = [case.get("outputs", {}).get("sha256") for case in (one, other)]
    if digests[0] is not None and digests[0] == digests[1] and _are_telling(one):
        return "all outputs are the same to the last bit"
    if one["predictions"]["sha256"] != other["predictions"]["sha256"]:
        return None
    rows = predictions_of(Kept(one)) or []
    wrong = sum(prediction != reference for _, prediction, reference in rows)
    if SHARED_MISTAKES**wrong >= DOUBT:
        return None
    return f"all {len(rows):,} predictions are the same, the {wrong:,} wrong ones too"


def _are_telling(case: _Case) -> bool:
    """Whether the outputs are more than a few class numbers or rounded shares."""
    outputs = outputs_of(Kept(case)) or {}
    return any(array.dtype.kind == "f" and len(np.unique(array)) >= LEAST_VALUES for array in outputs.values())


def _finding(one: _Case, other: _Case, evidence: str) -> dict[str, Any]:
    return {
        "kind": "twins",
        "models": [one["model"], other["model"]],
        "framework": one["framework"],
        "dataset": one["dataset"],
        "cases": [one["id"], other["id"]],
        "text": (
            f"{one['model']} and {other['model']} are two names of one model, it seems: on {one['dataset']} "
            f"({one['framework']}) {evidence}"
        ),
    }
