"""A refuted figure over items: which usual mistake explains it, found out with the case's own worker."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.cause import data
from pytest_mlmodelscope.cause.posterior import Aim
from pytest_mlmodelscope.cause.report import Unit, reported
from pytest_mlmodelscope.cause.search import Question, search
from pytest_mlmodelscope.cause.subject import key_of
from pytest_mlmodelscope.core.claim import Claim
from pytest_mlmodelscope.core.errors import MlmsError, ModelError, UsageError
from pytest_mlmodelscope.core.manifest import Input, Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.manifest.pipeline import Preparation

#: Two figures of shares are alike within this, whatever was printed.
ALIKE: Final = 0.002
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
    sut, _ = bench.set_up(result.case)
    subject = _Subject(bench, sut, _outputs(result))
    claim, items = result.case.claim, subject.read(sut.split)
    scale = factor(member("metrics", claim.metric).BASE_UNIT, claim.unit)
    known = _known(result, items)
    if known is None:
        subject.kept = None
    population = _population(claim, len(items))
    question = Question(
        setup=_setup(sut),
        aim=Aim(claim.value / scale, printed(claim) / scale, _width(claim.value / scale, population)),
        slack=claim.tolerance.margin(claim.value) / scale,
        population=population,
        known=known,
        seconds=seconds,
        progress=bench.settings.progress,
    )
    answer = search(subject, question)
    remarks = [] if answer.best else list(_of_data(subject, sut, items, known))
    return reported(answer, Unit(claim.unit, scale, claim.value), remarks)


class _Subject:
    """The case's model, and its data: a ``cause.subject.Subject``."""

    def __init__(self, bench: Bench, sut: Sut, kept: Mapping[str, Any] | None) -> None:
        assert sut.case.dataset is not None  # who calls has looked
        self._bench, self._sut = bench, sut
        self.name = sut.data_name
        self.task = sut.case.model.task
        self.splits: Mapping[str, Split] = sut.case.dataset.splits
        self.files: Mapping[str, Path] = sut.files
        self.batch = sut.case.claim.conditions.batch
        self.kept = kept
        self._items: dict[str, Sequence[Item]] = {}
        self._trained = ""

    def read(self, split: Split) -> Sequence[Item]:
        """The items of a split, read once."""
        key = f"{split.name} {split.options}"
        if key not in self._items:
            self._items[key] = self._bench.read(self._sut, split)
        return self._items[key]

    def header(self, split: Split) -> Sequence[str] | None:
        """The names of a table's columns."""
        if split.reader != "table" or not split.options.get("header"):
            return None
        with self._bench.data_file(self._sut, split.options["asset"]).open(encoding="utf-8", errors="replace") as file:
            line = file.readline().rstrip("\r\n")
        return line.split(split.options.get("separator", "\t"))

    def ask(self, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the model gives; a worker that died of a question is followed by another."""
        try:
            return self._bench.worker(self._sut).agent.predict(dict(tensors))[0]
        except ModelError:
            raise
        except MlmsError:
            self._bench.close()
            raise

    def trained(self, inputs: Sequence[Input]) -> str:
        """Train a model that learns from the dataset on what the same steps make of it; what it is trained on."""
        fit = self._sut.case.framework.options.get("fit")
        if fit is None:
            return ""
        key = str([(spec.name, key_of(spec.steps)) for spec in inputs])
        if key != self._trained:
            items = self.read(self.splits[fit.get("split", "train")])
            tensors = Preparation(inputs, self.files).tensors(items)
            self._bench.worker(self._sut).agent.fit(tensors, [item.label for item in items])
            self._trained = key
        return key


def _setup(sut: Sut) -> Setup:
    framework, model, claim = sut.case.framework, sut.case.model, sut.case.claim
    inputs, outputs = framework.inputs or model.inputs, framework.outputs or model.outputs
    return Setup(inputs, outputs, sut.split, claim.metric, claim.metric_options)


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


def _of_data(subject: _Subject, sut: Sut, items: Sequence[Item], known: Sequence[Any] | None) -> Iterator[str]:
    if known is not None:
        yield from data.of_predictions(known, [item.label for item in items])
    yield from data.of_labels(items)
    for name, split in subject.splits.items():
        if name != sut.split.name and name.startswith("train") and split.items <= MOST_COMPARED:
            yield from data.of_training(items, subject.read(split), name)
