"""What came of a search, as plain data and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pytest_mlmodelscope.cause import told
from pytest_mlmodelscope.cause.beside import Beside, NotTried
from pytest_mlmodelscope.cause.candidates import title
from pytest_mlmodelscope.cause.contest import Standing
from pytest_mlmodelscope.cause.posterior import interval
from pytest_mlmodelscope.cause.search import Answer
from pytest_mlmodelscope.cause.unit import Unit
from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup

#: Explanations that are listed at most.
LISTED: Final = 6
#: Of the likelihood of the best: a mistake of another kind below this is not named beside it.
AS_GOOD: Final = 0.25


def reported(
    answer: Answer, unit: Unit, remarks: Sequence[str], own: str = "", others: Sequence[Beside | NotTried] = ()
) -> dict[str, Any]:
    """Everything that a record says of a search; figures in the claim's unit.

    ``own`` is the case's own framework, ``others`` are those that were looked at beside it.
    """
    # As the sentence names them: by kind, so that what is likeliest comes first in both.
    best = [one for group, _ in _groups(answer.best) for one in group][:LISTED]
    listed = best or ([answer.nearest] if answer.nearest else [])
    elsewhere = told.causes([one for one in others if isinstance(one, Beside)], unit)
    total = sum(one.share for one in answer.best) + answer.chance + answer.rest
    return {
        "explained": bool(best or elsewhere),
        "sentence": _sentence(answer, unit, list(told.sentences(others, own, unit)), bool(elsewhere), remarks),
        "causes": elsewhere or [_cause(one, answer, unit, total if best else 1.0) for one in listed],
        "frameworks": told.plain(others, unit),
        "tried": answer.tried,
        "refused": answer.failed,
        "evaluated": answer.evaluated,
        "asked": answer.asked,
        "seconds": round(answer.seconds, 3),
        "out_of_time": answer.out_of_time,
        "remarks": list(remarks),
    }


def _cause(one: Standing, answer: Answer, unit: Unit, total: float) -> dict[str, Any]:
    low, high = interval(one.draws)
    own = answer.declared.trial.setup if answer.declared else one.trial.setup
    return {
        "mismatch": list(one.trial.kinds),
        "title": " and ".join(title(kind) for kind in one.trial.kinds),
        "words": one.trial.words,
        "figure": one.figure * unit.scale,
        "low": low * unit.scale,
        "high": high * unit.scale,
        "n": one.trial.n,
        "share": round(one.share / total, 4),
        "changes": changes(own, one.trial.setup),
    }


def changes(old: Setup, new: Setup) -> dict[str, Any]:
    """What a manifest or a claim would say instead."""
    found: dict[str, Any] = {}
    for what in ("inputs", "outputs"):
        for before, after in zip(getattr(old, what), getattr(new, what), strict=True):
            if before.steps != after.steps:
                found[f"{what}.{after.name}.steps"] = [_written(step) for step in after.steps]
    if old.split.name != new.split.name:
        found["split"] = new.split.name
    elif old.split.options != new.split.options:
        found["reader"] = {new.split.reader: dict(new.split.options)}
    if (old.metric, dict(old.options)) != (new.metric, dict(new.options)):
        found["metric"] = {"name": new.metric, **new.options}
    return found


def _written(step: Step) -> Any:
    return {step.name: dict(step.options)} if step.options else step.name


def _sentence(answer: Answer, unit: Unit, others: Sequence[str], reached: bool, remarks: Sequence[str]) -> str:
    found = [] if reached else [_found(answer, unit)]
    parts = [*found, *others, *remarks, _cost(answer)]
    return "; ".join(part for part in parts if part)


def _found(answer: Answer, unit: Unit) -> str:
    if answer.best:
        return _explained(answer.best, answer.chance + answer.rest, unit)
    if answer.nearest is None or answer.declared is None:
        return "nothing that is done before or after the model can be changed"
    near = answer.nearest
    said = "no usual mistake before or after the model explains the published figure"
    if answer.out_of_time:
        said = "none of the mistakes that were tried in the time explains the published figure"
    return f"{said}; the nearest is {unit.text(near.figure)} on {near.trial.n:,} items when {near.trial.words}"


def _explained(best: Sequence[Standing], other: float, unit: Unit) -> str:
    groups = _groups(best)
    total = sum(one.share for one in best) + other
    kind, first = groups[0]
    sure = sum(one.share for one in kind) / total if total else 0.0
    text = (
        f"matches the claim within {unit.distance(first.figure)} when {first.trial.words} "
        f"({unit.text(first.figure)} on {first.trial.n:,} items, {sure:.0%} sure)"
    )
    same = [one.trial.words for one in kind[1:] if one.share > AS_GOOD * first.share][:2]
    others = [of.trial.words for group, of in groups[1:] if sum(one.share for one in group) > AS_GOOD * sure * total][
        :2
    ]
    if same:
        text += f"; as good, and of the same kind: {' | '.join(same)}"
    if others:
        text += f"; cannot be told from: {' | '.join(others)}"
    return text


def _groups(best: Sequence[Standing]) -> list[tuple[list[Standing], Standing]]:
    """Explanations of one kind together, the likeliest kind first, with the likeliest of each."""
    kinds: dict[tuple[str, ...], list[Standing]] = {}
    for one in best:
        kinds.setdefault(one.trial.kinds, []).append(one)
    ordered = sorted(kinds.values(), key=lambda group: -sum(one.share for one in group))
    found = [sorted(group, key=lambda one: -one.share) for group in ordered]
    return [(group, group[0]) for group in found]


def _cost(answer: Answer) -> str:
    cost = f"{answer.tried:,} variants on {answer.evaluated:,} items in {answer.seconds:.1f} s"
    return f"{cost}, until the time was up" if answer.out_of_time else cost
