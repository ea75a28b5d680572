"""A case whose figure is one over items: what is predicted of each, and what is kept of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.engine.bench import Bench, Stopwatch, judged
from pytest_mlmodelscope.engine.deciding import asks_until_decided, until_decided
from pytest_mlmodelscope.engine.gathering import Gathering, Pace
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.check import Answers
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.manifest.data import sampled
from pytest_mlmodelscope.verdict import measure

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent
    from pytest_mlmodelscope.store.outputs import Outputs


@dataclass(slots=True)
class Predicted:
    """The predictions of a model over a split; several claims are judged by the same ones."""

    evidence: ItemEvidence
    available: int
    kept: Mapping[str, Any]
    software: Mapping[str, Any]
    outputs: Mapping[str, Any]
    steps: dict[str, float] = field(default_factory=dict)
    expected_s: float | None = None

    @property
    def n(self) -> int:
        """How many items there are predictions of."""
        return len(self.evidence.predictions)

    def answers(self) -> Answers:
        """The decisions, and the outputs as far as they were kept."""
        from pytest_mlmodelscope.store import arrays

        outputs = arrays.read(Path(self.outputs["file"])) if "file" in self.outputs else {}
        return Answers(outputs, self.evidence.predictions)


class Evaluator:
    """Evaluates models over splits, and keeps what they predicted, for further claims on the same."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._predicted: dict[tuple[Any, ...], Predicted] = {}
        self._gathered: dict[tuple[Any, ...], Gathering] = {}

    def items(self, sut: Sut) -> Result:
        """A figure over the predictions."""
        if asks_until_decided(self._bench, sut):
            return self._until_decided(sut, None)
        predicted = self.predict(sut)
        measurement = measure.of_items(sut.case.claim, predicted.evidence, predicted.available)
        return _result(judged(sut, measurement, predicted.software), predicted)

    def outputs(self, sut: Sut) -> Result:
        """A figure over the numbers themselves."""
        if asks_until_decided(self._bench, sut):
            return self._until_decided(sut, _output_name(sut))
        predicted = self.predict(sut)
        evidence = ItemEvidence(list(_output(sut, predicted)), predicted.evidence.references)
        measurement = measure.of_items(sut.case.claim, evidence, predicted.available)
        return _result(judged(sut, measurement, predicted.software), predicted)

    def _until_decided(self, sut: Sut, output: str | None) -> Result:
        """A figure over as many items, in random order, as its verdict takes."""
        assert sut.case.dataset is not None  # a claim over items has data
        key = (sut.worker_key, sut.case.dataset.digest, sut.split.name, output)
        if key not in self._gathered:
            self._gathered[key] = Gathering(self._bench, sut, output)
        return until_decided(self._bench, sut, self._gathered[key])

    def predict(self, sut: Sut) -> Predicted:
        """The predictions of the claim's items: made now, or those of another claim on the same."""
        assert sut.case.dataset is not None  # a claim over items has data
        key = (sut.worker_key, sut.case.dataset.digest, sut.split.name, self._bench.sample_size(sut.case))
        if key not in self._predicted:
            self._predicted[key] = self._predict_now(sut)
        return self._predicted[key]

    def _predict_now(self, sut: Sut) -> Predicted:
        from pytest_mlmodelscope.store import predictions as store
        from pytest_mlmodelscope.store.outputs import Outputs

        clock = Stopwatch()
        items = self._bench.read(sut, sut.split)
        available = len(items)
        items = sampled(items, self._bench.sample_size(sut.case), sut.data_name)
        clock.lap("read_data")
        worker = self._bench.worker(sut)
        clock.lap("open_model")
        outputs = Outputs()
        pace = Pace(self._bench.settings, sut.case.id, len(items))
        found, busy = self._stream(sut, worker.agent, items, outputs, pace)
        clock.lap("predict")
        self._bench.keep_built(sut, worker.agent)
        evidence = ItemEvidence(found, [item.label for item in items])
        root, ids = self._bench.cache.root, [item.id for item in items]
        kept = store.keep(root / "predictions", ids, found, evidence.references)
        raw = outputs.keep(root / "outputs")
        steps = {**clock.laps, "predict_in_worker": busy}
        return Predicted(evidence, available, kept, worker.software, raw, steps, pace.expected_s)

    def _stream(
        self, sut: Sut, agent: Agent, items: Sequence[Item], raw: Outputs, pace: Pace
    ) -> tuple[list[Any], float]:
        """The prediction of every item, and the seconds that the model took for them."""
        before, after = sut.pipeline()
        size = before.batch_size(sut.case.claim.conditions.batch)
        batches = (items[start : start + size] for start in range(0, len(items), size))
        found: list[Any] = []
        busy = 0
        for outputs, spent in agent.predict_stream(before.tensors(batch) for batch in batches):
            found.extend(after.predictions(outputs, min(size, len(items) - len(found))))
            raw.add(outputs, before.batched)
            busy += spent
            pace.tell(len(found))
        return found, busy / 1e9


def _result(result: Result, predicted: Predicted) -> Result:
    """What was judged, with what it rests on."""
    return dataclasses.replace(
        result,
        steps=predicted.steps,
        predictions=predicted.kept,
        outputs=predicted.outputs,
        plan={
            "rule": "full" if predicted.n == predicted.available else "sample",
            "of": predicted.available,
            "used": predicted.n,
            "expected": predicted.n,
            "seconds": predicted.expected_s,
        },
    )


def _output(sut: Sut, predicted: Predicted) -> Any:
    """What the model gave for every item, of the output that the claim names or the first."""
    name = _output_name(sut)
    kept = predicted.answers().outputs
    if name not in kept:
        why = predicted.outputs.get("why") or "other outputs are"
        raise MlmsError(f'the output "{name}" of {sut.case.model.name} is not kept: {why}', got=", ".join(kept))
    return kept[name]


def _output_name(sut: Sut) -> str:
    declared = sut.case.framework.outputs or sut.case.model.outputs
    return str(sut.case.claim.metric_options.get("output") or next(iter(spec.name for spec in declared), ""))
