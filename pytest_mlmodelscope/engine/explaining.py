"""A refuted figure over items: which usual mistake explains it, found out with the case's own worker."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.cause import data
from pytest_mlmodelscope.cause.beside import Beside, NotTried
from pytest_mlmodelscope.cause.posterior import Aim
from pytest_mlmodelscope.cause.report import reported
from pytest_mlmodelscope.cause.search import Question, search
from pytest_mlmodelscope.cause.unit import Unit
from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.errors import MlmsError, UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.engine.asking import Asked, declared
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.siblings import compared, siblings, title
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.dataset import Item

#: Two figures of shares are alike within this, whatever was printed.
ALIKE: Final = 0.002
#: The share of the time that is kept for other frameworks, where there are any.
OTHERS: Final = 0.25
#: Splits with more items are not compared with each other.
MOST_COMPARED: Final = 100_000


def explain_case(bench: Bench, result: Result, seconds: float) -> dict[str, Any]:
    """What explains the figure of a case, as far as it can be found out in this time.

    Raises:
        UsageError: the case has no figure over items.
        MlmsError: its model or its data cannot be used any more.
    """
    measurement = result.measurement
    if measurement is None or measurement.kind != "items" or result.case.dataset is None:
        raise UsageError(f"{result.case.id} has no figure over items that a mistake before the model could explain")
    if result.case.model.stages:
        raise MlmsError(f"{result.case.model.name} is a pipeline: mistakes are looked for in single models only")
    deadline = time.monotonic() + seconds
    sut, _ = bench.set_up(result.case)
    subject = Asked(bench, sut, _outputs(result))
    claim, items = result.case.claim, subject.read(sut.split)
    scale = factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    known = _known(result, items)
    if known is None:
        subject.kept = None
    population = _population(claim, len(items))
    there, others = siblings(bench, sut)
    left = deadline - time.monotonic()
    question = Question(
        setup=declared(sut),
        aim=Aim(claim.value / scale, printed(claim) / scale, _width(claim.value / scale, population)),
        slack=claim.tolerance.margin(claim.value) / scale,
        population=population,
        known=known,
        seconds=left * (1 - OTHERS if there else 1),
        progress=bench.settings.progress,
    )
    answer = search(subject, question)
    beside: list[Beside | NotTried] = []
    if not answer.best:
        own = answer.declared.trial if answer.declared else None
        beside = [*(compared(bench, there, question, own, deadline) if own else ()), *others]
    explained = answer.best or any(isinstance(one, Beside) and one.word == "reaches" for one in beside)
    remarks = [] if explained else list(_of_data(subject, sut, items, known, deadline))
    return reported(answer, Unit(claim.unit, scale, claim.value), remarks, title(sut.case), beside)


def _known(result: Result, items: Sequence[Item]) -> list[Any] | None:
    """The predictions of all items, where all were evaluated and kept."""
    from pytest_mlmodelscope.store import predictions

    if "file" not in result.predictions:
        return None
    try:
        found = {identity: prediction for identity, prediction, _ in predictions.read(Path(result.predictions["file"]))}
    except (OSError, ValueError):
        return None
    return [found[item.id] for item in items] if all(item.id in found for item in items) else None


def _outputs(result: Result) -> dict[str, Any] | None:
    """What the model gave before any step made a prediction of it, where that was kept."""
    from pytest_mlmodelscope.store import arrays

    try:
        return arrays.read(Path(result.outputs["file"])) if "file" in result.outputs else None
    except (OSError, ValueError):
        return None


def _population(claim: Claim, available: int) -> int:
    """How many items the published figure is about."""
    use = claim.dataset
    assert use is not None  # a claim over items has data
    published = use.published_items if use.relation != "same" else None
    return max(available, published or 0)


def printed(claim: Claim) -> float:
    """Half a unit of the last digit that was printed, in the claim's unit; no more than the claim's own margin
    where that is less.
    """
    numbers = re.findall(r"\d*\.?\d+", claim.source.figure.replace(",", ""))
    same = [text for text in numbers if float(text) in (claim.value, claim.value / 100, claim.value * 100)]
    if not same:
        return claim.tolerance.margin(claim.value)
    unit = 10.0 ** -len(same[0].partition(".")[2])
    return 0.5 * unit * (claim.value / float(same[0]) if float(same[0]) else 1.0)


def _width(value: float, population: int) -> float:
    """How fast nearness counts less: a fifth of a per cent, or what one item is worth."""
    return max(ALIKE * max(1.0, abs(value)), 0.75 / population)


def _of_data(
    subject: Asked, sut: Sut, items: Sequence[Item], known: Sequence[Any] | None, deadline: float
) -> Iterator[str]:
    if known is not None:
        yield from data.of_predictions(known, [item.label for item in items])
    yield from data.of_labels(items)
    for name, split in subject.splits.items():
        if time.monotonic() > deadline:
            return
        if name != sut.split.name and name.startswith("train") and split.items <= MOST_COMPARED:
            yield from data.of_training(items, subject.read(split), name)
