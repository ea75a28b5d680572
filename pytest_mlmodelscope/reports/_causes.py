"""Causes and flips in words, for every report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_mlmodelscope.record.causes import EFFECTS, Cause, Explanation
from pytest_mlmodelscope.record.diff import Difference
from pytest_mlmodelscope.record.flips import Flip
from pytest_mlmodelscope.reports._text import plain, shown

#: Facts of one cause, and causes of one effect, that a person is told; a program gets all.
FACTS: Final = 3
CAUSES: Final = 4
#: Below so small a p the cases that changed, and not the others, have a difference by more than chance.
_TELLING: Final = 0.05


def flips(difference: Difference) -> list[tuple[str, str, list[str]]]:
    """Case, what differs in its answers, and some of the items."""
    return [(flip.id, answered(flip), [_item(*item) for item in flip.named]) for flip in difference.flips]


def answered(flip: Flip) -> str:
    """What differs in the answers of one case."""
    if flip.differing is None:
        return flip.why["differing"]
    numbers = "" if flip.difference is None else f"outputs at most {flip.difference:.2g} apart"
    if not flip.differing:
        return f"numerics only: all {flip.items:,} decisions are the same, {numbers or 'the outputs differ'}"
    told = [f"{flip.differing:,} of {flip.items:,} items decided otherwise"]
    if flip.p is not None:
        told.append(f"{flip.lost:,} lost, {flip.won:,} won (McNemar's exact p {flip.p:.2g})")
    return ", ".join([*told, *([numbers] if numbers else [])])


def _item(identity: str, a: object, b: object, reference: object) -> str:
    return f"{plain(identity)}: {shown(a)} -> {shown(b)} (right: {shown(reference)})"


def explained(difference: Difference) -> list[tuple[str, list[str]]]:
    """A heading for each way in which cases changed, and a sentence for each likely cause."""
    return [(_heading(found), list(sentences(found))) for found in difference.explanations]


def _heading(found: Explanation) -> str:
    count = len(found.changed)
    return f"{EFFECTS[found.effect]} ({count:,} case{'s' if count > 1 else ''})"


def sentences(found: Explanation, alone: bool = False) -> Iterator[str]:
    """What may explain it, the likeliest first; of a case that is ``alone`` there are no others to say something of."""
    for cause in found.causes[:CAUSES]:
        yield _facts(cause) + ("" if alone else f": {_evidence(cause, found)}")
    if found.causes[CAUSES:]:
        yield f"and {len(found.causes) - CAUSES:,} less likely"
    if found.unexplained:
        told = "nothing that the records hold differs" if not found.causes else "none of these differs"
        yield f"{told} for {', '.join(map(plain, found.unexplained[:FACTS]))}: chance, or what no record says"


def _facts(cause: Cause) -> str:
    told = [f"{plain(fact.place)} {shown(fact.a)} -> {shown(fact.b)}" for fact in cause.facts[:FACTS]]
    more = len(cause.facts) - FACTS
    return f"{cause.kind} ({', '.join(told)}{f' and {more:,} more' if more > 0 else ''})"


def _evidence(cause: Cause, found: Explanation) -> str:
    share = (
        "in all that changed" if len(cause.explains) == len(found.changed) else f"in {len(cause.explains):,} of them"
    )
    if cause.spared:
        return f"{share}, and in {len(cause.spared):,} that did not change"
    if cause.p is None:
        return f"{share}; no unchanged case to compare with"
    return f"{share}, in none of the others (p {cause.p:.2g}{'' if cause.p <= _TELLING else ', which proves little'})"
