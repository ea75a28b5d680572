"""What was decided otherwise: the predictions and outputs of one case in two records, item by item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_mlmodelscope.record.kept import Kept, outputs_of, predictions_of
from pytest_mlmodelscope.record.matrix import largest_difference, lost_and_won, mcnemar

#: Items that are named; all of them can be read where the predictions are kept.
NAMED: Final = 5

_Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flip:
    """One case that did not give the very same in both records.

    Of ``items`` that both evaluated, ``differing`` were decided otherwise; of those that one of the two gets right,
    ``lost`` were right in a only and ``won`` in b only, and ``p`` is McNemar's exact one. ``difference`` is the largest
    absolute one of the outputs. What is None could not be found out, and ``why`` says of each why.
    ``named`` are some of the items, with a's prediction, b's and the reference.
    """

    id: str
    items: int
    differing: int | None = None
    lost: int | None = None
    won: int | None = None
    p: float | None = None
    difference: float | None = None
    named: tuple[tuple[str, Any, Any, Any], ...] = ()
    why: Mapping[str, str] = field(default_factory=dict)


def flip(old: _Case, now: _Case) -> Flip | None:
    """What differs in the answers; None where they are the very same, or were not kept, or are of other data."""
    if not is_otherwise(old, now, "predictions") and not is_otherwise(old, now, "outputs"):
        return None
    rows, others = _paired(old, now)
    if rows is None or others is None:
        what = "predictions" if is_otherwise(old, now, "predictions") else "outputs"
        return Flip(now["id"], now["n"], why={"differing": f"the {what} differ; the files of items are not both here"})
    apart = [(a[0], a[1], b[1], b[2]) for a, b in zip(rows, others, strict=True) if a[1] != b[1]]
    if not apart and old["n"] != now["n"]:
        return None  # a digest is of all items: those that both have were decided alike
    difference, why = _difference(old, now)
    lost, won = lost_and_won(now, others, rows) or (None, None)
    return Flip(
        id=now["id"],
        items=len(rows),
        differing=len(apart),
        lost=lost,
        won=won,
        p=None if lost is None or won is None else mcnemar(lost, won),
        difference=difference,
        named=tuple(apart[:NAMED]),
        why={"difference": why} if why else {},
    )


def is_otherwise(old: _Case, now: _Case, what: str) -> bool:
    """Whether the digests of predictions (or outputs) for the same data are both there and not the same."""
    digests = [case.get(what, {}).get("sha256") for case in (old, now)]
    same_data = old["data_digest"] == now["data_digest"] and old["dataset"] == now["dataset"]
    return same_data and None not in digests and digests[0] != digests[1]


def _paired(old: _Case, now: _Case) -> tuple[list[Any] | None, list[Any] | None]:
    """The rows of the items that both have, in b's order."""
    rows, others = predictions_of(Kept(old)), predictions_of(Kept(now))
    if rows is None or others is None:
        return None, None
    of_a = {row[0]: row for row in rows}
    shared = [row for row in others if row[0] in of_a]
    return [of_a[row[0]] for row in shared], shared


def _difference(old: _Case, now: _Case) -> tuple[float | None, str]:
    if old["n"] != now["n"]:
        return None, "other items were evaluated"
    if not is_otherwise(old, now, "outputs"):
        same = old.get("outputs", {}).get("sha256") and old["outputs"].get("sha256") == now["outputs"].get("sha256")
        return (0.0, "") if same else (None, "the outputs are not kept")
    return largest_difference(outputs_of(Kept(now)), outputs_of(Kept(old)), now)
