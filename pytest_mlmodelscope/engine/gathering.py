"""Predictions that are made in random order, as many as a claim needs: the next claim goes on from there."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.engine.bench import Bench, Settings, Stopwatch
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.manifest.data import drawn

if TYPE_CHECKING:
    from pytest_mlmodelscope.agent.agent import Agent

#: Items after which the time of one is known well enough to tell what the others will take.
TIMED_AFTER: Final = 32
#: Items of the first batches: a model that is broken is found out by a few.
FIRST_BATCH: Final = 4


class Pace:
    """How far a case is, and what the rest will take: ``need`` items are to be evaluated, as far as is known.

    ``expected_s`` are the seconds that all were expected to take, from the first of them; None for too few.
    """

    def __init__(self, settings: Settings, name: str, need: int, aloud: bool = False) -> None:
        self._settings, self._name, self._need, self._aloud = settings, name, need, aloud
        self._started = time.perf_counter()
        self.expected_s: float | None = None

    def tell(self, n: int, about: str = "") -> None:
        """After ``n`` items."""
        spent, need = time.perf_counter() - self._started, max(self._need, n)
        if self.expected_s is None and n >= TIMED_AFTER:
            self.expected_s = spent / n * need
            if self._aloud:
                self._settings.announce(f"{self._name}: about {self.expected_s:.2g} s, at {n / spent:,.0f} items/s")
        left = f", about {spent / n * (need - n):.2g} s more" if n < need else ""
        self._settings.progress(f"{self._name}: {n:,} of {about}{need:,} items{left}")


class Gathering:
    """The items of a split in a fixed random order, and what a model predicted of the first of them.

    With ``output`` the predictions are what the model gave under that name, before any step.
    """

    def __init__(self, bench: Bench, sut: Sut, output: str | None) -> None:
        from pytest_mlmodelscope.store.outputs import Outputs

        clock = Stopwatch()
        items = bench.read(sut, sut.split)
        clock.lap("read_data")
        self._bench, self._output = bench, output
        self._order = drawn(len(items), sut.data_name)
        self._decisions: list[Any] = []
        self._given: list[Any] = []
        self._outputs = Outputs()
        self._ends: list[int] = []
        self._asked: Agent | None = None
        self.items: list[Item] = [items[index] for index in self._order]
        self.steps: dict[str, float] = {**clock.laps, "open_model": 0.0, "predict": 0.0, "predict_in_worker": 0.0}
        self.software: Mapping[str, Any] = {}

    def evidence(self, start: int, end: int) -> ItemEvidence:
        """The predictions and references of the items from ``start`` to ``end``."""
        found = self._decisions if self._output is None else self._given
        return ItemEvidence(found[start:end], [item.label for item in self.items[start:end]])

    def grow(self, sut: Sut, most: int) -> Generator[int, None, None]:
        """Numbers of items that are predicted, each larger than the one before, up to ``most``: at first after each
        batch of those that are there already. Close it when there are enough.
        """
        yield from (end for end in self._ends if end < most)
        if len(self._decisions) >= most:
            yield most
            return
        with closing(self._predict(sut, most)) as ends:
            yield from ends

    def _predict(self, sut: Sut, most: int) -> Generator[int, None, None]:
        clock = Stopwatch()
        worker = self._bench.worker(sut)
        self.software, self._asked = worker.software, worker.agent
        clock.lap("open_model")
        self.steps["open_model"] += clock.laps["open_model"]
        before, after = sut.pipeline()
        asked = sut.case.claim.conditions.batch
        parts = list(_parts(len(self._decisions), most, before.batch_size(asked), asked is None))
        started = time.perf_counter()
        queries = (before.tensors(self.items[start:end]) for start, end in parts)
        # What is on its way when the verdict is there was for nothing.
        with closing(worker.agent.predict_stream(queries, ahead=1)) as answers:
            for (start, end), (outputs, spent) in zip(parts, answers, strict=False):
                self._add(sut, outputs, after.predictions(outputs, end - start), before.batched)
                self.steps["predict"] += time.perf_counter() - started
                self.steps["predict_in_worker"] += spent / 1e9
                yield end
                started = time.perf_counter()

    def _add(self, sut: Sut, outputs: Mapping[str, Any], decided: Sequence[Any], batched: bool) -> None:
        self._decisions.extend(decided)
        self._outputs.add(outputs, batched)
        if self._output is not None:
            if self._output not in outputs:
                missing = f'the output "{self._output}" of {sut.case.model.name} is not given'
                raise MlmsError(missing, got=", ".join(outputs))
            # What comes from a worker may lie in memory that is used again.
            rows = np.array(outputs[self._output])
            self._given.extend(rows if batched else [rows])
        self._ends.append(len(self._decisions))

    def keep(self, sut: Sut, n: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Keep the first ``n`` predictions, the outputs of these items, and what the worker built; give the digests
        and places of the predictions and of the outputs.
        """
        from pytest_mlmodelscope.store import predictions as store

        if self._asked is not None:
            self._bench.keep_built(sut, self._asked)
            self._asked = None
        # In their published order, so that runs over the same items are kept under the same digest.
        order = sorted(range(n), key=self._order.__getitem__)
        items, found = [self.items[index] for index in order], [self._decisions[index] for index in order]
        root, labels = self._bench.cache.root, [item.label for item in items]
        kept = store.keep(root / "predictions", [item.id for item in items], found, labels)
        return kept, self._outputs.keep(root / "outputs", order)


def _parts(start: int, most: int, size: int, may_be_smaller: bool) -> Iterator[tuple[int, int]]:
    """Ends of batches: small ones at first, each half of what there is so far, up to ``size``."""
    while start < most:
        width = min(size, max(FIRST_BATCH, start // 2)) if may_be_smaller else size
        end = min(most, start + width)
        yield start, end
        start = end
