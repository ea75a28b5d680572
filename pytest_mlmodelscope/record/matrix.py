"""One model on several frameworks and kinds of machine, side by side: figures, decisions, outputs, latency."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.record.kept import Kept, outputs_of, predictions_of

#: Of several figures of one model over the same data, the one that stands in the table.
PREFERRED: Final = ("accuracy", "top_k_accuracy", "error_rate")
#: What a row's figures are called where one says why it is empty.
CELLS: Final = ("value", "differing", "p", "difference", "latency_s")

#: What a latency is of: a query of a latency case (the median), or an item of the accuracy run.
QUERY: Final = "query"
ITEM: Final = "item"


@dataclass(frozen=True, slots=True)
class Row:
    """One framework on one kind of machine; ``machine`` is empty where that is the one that all ran on, else
    its architecture or device, and its nature where it is no hardware.

    ``why`` maps a figure that is None to the reason, in words. ``differing`` counts the items that are
    decided otherwise than in the first row. Of the items that one of the two gets right, ``lost`` are right
    there only and ``won`` here only; ``p`` is McNemar's exact one, of these two coming about by chance.
    ``difference`` is the largest absolute one of the outputs that both have. ``latency_s`` is in seconds, of
    a ``QUERY`` or an ``ITEM`` as ``latency_of`` says.
    """

    framework: str
    version: str
    case: str
    value: float | None = None
    differing: int | None = None
    lost: int | None = None
    won: int | None = None
    p: float | None = None
    difference: float | None = None
    latency_s: float | None = None
    latency_of: str = ""
    record: str = ""
    machine: str = ""
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows of one model over the same data; the first that has a figure is what the others are held
    against. ``target`` has all targets, joined by commas.
    """

    model: str
    dataset: str
    metric: str
    unit: str
    n: int
    target: str
    rows: tuple[Row, ...]


_Case = Mapping[str, Any]


def matrices(cases: Sequence[_Case]) -> list[Matrix]:
    """A matrix for each model that has figures over the same data on two frameworks or targets or more.

    ``cases`` are those of one record, or of several; the predictions and outputs are read from
    where they were kept.
    """
    groups: dict[tuple[str, str], list[_Case]] = {}
    for case in cases:
        if case["dataset"] is not None and _is_over_items(case):
            groups.setdefault((case["model"], case["dataset"]), []).append(case)
    found = []
    for key in sorted(groups):
        chosen = _on_targets_that_are_here(_one_figure(groups[key]))
        if len({_stack(case) for case in chosen if case["measured"] is not None}) > 1:
            found.append(_matrix(chosen, cases))
    return found


def of_record(data: Iterable[Mapping[str, Any]]) -> list[Matrix]:
    """Matrices as a record holds them."""
    return [Matrix(**{**one, "rows": tuple(Row(**row) for row in one["rows"])}) for one in data]


def _is_over_items(case: _Case) -> bool:
    try:
        return bool(member("metrics", case["metric"]).KIND == "items")
    except UsageError:  # a check, or a metric of a package that is not here
        return False


def _one_figure(cases: Sequence[_Case]) -> list[_Case]:
    """The cases of the figure that most frameworks have, of the preferred kind where several have as many."""
    figures: dict[tuple[str, str], list[_Case]] = {}
    for case in cases:
        figures.setdefault((case["metric"], repr(case["conditions"]["metric_options"])), []).append(case)

    def rank(key: tuple[str, str]) -> tuple[int, int]:
        metric = key[0]
        place = PREFERRED.index(metric) if metric in PREFERRED else len(PREFERRED)
        return -len({_stack(case) for case in figures[key]}), place

    best: dict[tuple[str, ...], _Case] = {}
    for case in figures[min(figures, key=rank)]:
        best.setdefault((*_stack(case), case.get("record", "")), case)
    # This machine's processor first, which the others are held against.
    return [best[key] for key in sorted(best, key=lambda key: (key[2] != "cpu", *key))]


def _stack(case: _Case) -> tuple[str, str, str]:
    return case["framework"], case["requirement"], case["target"]


def _on_targets_that_are_here(cases: Sequence[_Case]) -> list[_Case]:
    """Without those of targets on which nothing was measured."""
    here = {case["target"] for case in cases if case["measured"] is not None}
    return [case for case in cases if case["target"] in here]


def _matrix(chosen: Sequence[_Case], cases: Sequence[_Case]) -> Matrix:
    first = next(case for case in chosen if case["measured"] is not None)
    against = Kept(first)
    targets = dict.fromkeys(case["target"] for case in chosen)
    return Matrix(
        model=first["model"],
        dataset=first["dataset"],
        metric=first["metric"],
        unit=first["unit"],
        n=first["n"],
        target=", ".join(targets),
        rows=tuple(_row(case, against, cases, _machine(case) if len(targets) > 1 else "") for case in chosen),
    )


def _machine(case: _Case) -> str:
    """What tells a machine from those of other targets."""
    about = case.get("machine") or {"arch": case["target"], "device": "cpu"}
    name = about["arch"] if about["device"] == "cpu" else about["device"]
    return name if _nature(case) == "hardware" else f"{name}, {_nature(case)}"


def _nature(case: _Case) -> str:
    return str((case.get("machine") or {}).get("nature", "hardware"))


def _row(case: _Case, against: Kept, cases: Sequence[_Case], machine: str) -> Row:
    row = Row(
        framework=f"{case['framework']}{case['requirement']}",
        version=str(case["software"].get("version", "")),
        case=case["id"],
        record=case.get("record", ""),
        machine=machine,
    )
    if case["measured"] is None:
        why = f"{case['verdict'].replace('_', ' ')}: {case['reason'].partition(chr(10))[0]}"
        return dataclasses.replace(row, why=dict.fromkeys(CELLS, why))
    latency, of_what = _latency(case, cases)
    row = dataclasses.replace(row, value=case["measured"], latency_s=latency, latency_of=of_what)
    if case is against.case:
        return dataclasses.replace(row, why=dict.fromkeys(CELLS[1:4], "the others are held against it"))
    return _against(row, Kept(case), against)


def _against(row: Row, own: Kept, against: Kept) -> Row:
    why: dict[str, str] = {}
    differing = right = largest = None
    rows, others = predictions_of(own), predictions_of(against)
    if rows is None or others is None:
        why["differing"] = why["p"] = "the predictions of single items are not kept here"
    elif [one[0] for one in rows] != [one[0] for one in others]:
        why["differing"] = why["p"] = "other items were evaluated"
    else:
        differing = sum(one[1] != other[1] for one, other in zip(rows, others, strict=True))
        right = lost_and_won(own.case, rows, others)
        if right is None:
            why["p"] = f"{own.case['metric']} does not say of single items whether they are right"
    largest, why_not = largest_difference(outputs_of(own), outputs_of(against), own.case)
    if why_not:
        why["difference"] = why_not
    lost, won = right or (None, None)
    p = None if lost is None or won is None else mcnemar(lost, won)
    return dataclasses.replace(
        row, differing=differing, lost=lost, won=won, p=p, difference=largest, why={**row.why, **why}
    )


def lost_and_won(case: Mapping[str, Any], rows: Sequence[Any], others: Sequence[Any]) -> tuple[int, int] | None:
    """How many items only the other has right, and only this one; None where single items are not right or wrong."""
    metric, options = member("metrics", case["metric"]), case["conditions"]["metric_options"]
    if not hasattr(metric, "hits"):
        return None
    here, there = (
        metric.hits(ItemEvidence([one[1] for one in side], [one[2] for one in side]), options)
        for side in (rows, others)
    )
    return int((there & ~here).sum()), int((here & ~there).sum())


def mcnemar(lost: int, won: int) -> float:
    """The exact p of McNemar's test, two-sided: of items that only one of two gets right, half should be each one's."""
    from scipy.stats import binomtest

    return float(binomtest(min(lost, won), lost + won, 0.5).pvalue) if lost + won else 1.0


def largest_difference(
    own: Mapping[str, Any] | None, other: Mapping[str, Any] | None, case: _Case
) -> tuple[float | None, str]:
    """Of outputs that have the same name; None, and why, where there is none to compare."""
    if own is None or other is None:
        return None, str(case.get("outputs", {}).get("why") or "the outputs are not kept here")
    shared = [name for name in own if name in other]
    if not shared:
        return None, f"no output of the same name: {', '.join(own)} here, {', '.join(other)} there"
    unlike = [name for name in shared if own[name].shape != other[name].shape]
    if unlike:
        shapes = f"{list(own[unlike[0]].shape)} here, {list(other[unlike[0]].shape)} there"
        return None, f"the output {unlike[0]} is of another shape: {shapes}"
    found = max(_apart(own[name], other[name]) for name in shared)
    return (found, "") if math.isfinite(found) else (None, "not a number on one side only")


def _apart(one: Any, other: Any) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        found = np.abs(a - b)
    found[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    return float(np.where(np.isnan(found), math.inf, found).max(initial=0.0))


def _latency(case: _Case, cases: Sequence[_Case]) -> tuple[float | None, str]:
    """The median of a latency case of the same stack, else the worker's time for an item of this very run."""
    for other in cases:
        same = all(other[key] == case[key] for key in ("model", "framework", "requirement", "target"))
        if same and other["metric"] == "latency" and other["measured"] is not None:
            conditions = other["conditions"]
            if conditions["percentile"] == 50 and conditions["batch"] in (None, 1):
                return other["measured"] / factor("s", other["unit"]), QUERY
    if _nature(case) != "hardware":
        return None, ""
    busy = case["steps"].get("predict_in_worker")
    return (None, "") if busy is None or not case["n"] else (busy / case["n"], ITEM)
