"""The model of a case with its data, as the search for a cause asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.cause.subject import key_of
from pytest_mlmodelscope.core.errors import MlmsError, ModelError
from pytest_mlmodelscope.core.manifest import Input, Split
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.mismatch import Setup
from pytest_mlmodelscope.manifest.pipeline import Preparation


class Asked:
    """The case's model, and its data: a ``cause.subject.Subject``."""

    def __init__(self, bench: Bench, sut: Sut, kept: Mapping[str, Any] | None = None) -> None:
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


def declared(sut: Sut) -> Setup:
    """What the manifest and the claim say of steps, data and metric."""
    framework, model, claim = sut.case.framework, sut.case.model, sut.case.claim
    inputs, outputs = framework.inputs or model.inputs, framework.outputs or model.outputs
    return Setup(inputs, outputs, sut.split, claim.metric, claim.metric_options)
