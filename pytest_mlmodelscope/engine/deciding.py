"""A figure over as many items as its verdict takes: what is expected of it, when it stops, what it then says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pytest_mlmodelscope.core.result import Measurement, Result
from pytest_mlmodelscope.engine.bench import Bench, judged
from pytest_mlmodelscope.engine.gathering import Gathering, Pace
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.interfaces.metric import ItemEvidence
from pytest_mlmodelscope.verdict import measure
from pytest_mlmodelscope.verdict.paired import Paired
from pytest_mlmodelscope.verdict.plan import expected
from pytest_mlmodelscope.verdict.sequential import Alone, Question

#: Distances from the published share for which a plan says what they would take.
DISTANCES: Final = (0.01, 0.02, 0.05)


def asks_until_decided(bench: Bench, sut: Sut) -> bool:
    """Whether a case is to be decided by as few items as that takes. What is recorded rests on all of them."""
    settings = bench.settings
    return settings.sequential and not settings.record and measure.has_sequence(sut.case.claim)


def until_decided(bench: Bench, sut: Sut, gathering: Gathering) -> Result:
    """Look at items in random order until they confirm or refute the claim, or there are no more."""
    hearing = _Hearing(bench, sut, gathering)
    bench.settings.announce(hearing.expectation())
    n = hearing.hold()
    predictions, outputs = gathering.keep(sut, n)
    result = judged(sut, hearing.measurement(n), gathering.software)
    steps = dict(gathering.steps)
    return dataclasses.replace(result, steps=steps, plan=hearing.plan(n), predictions=predictions, outputs=outputs)


class _Hearing:
    """The evidence on one claim: what is expected of it, how it is taken, what it says."""

    def __init__(self, bench: Bench, sut: Sut, gathering: Gathering) -> None:
        settings, available = bench.settings, len(gathering.items)
        self._sut, self._gathering = sut, gathering
        self._most = min(available, bench.sample_size(sut.case) or available)
        self._asked = measure.question(sut.case.claim, available, self._most, settings.error, settings.claims)
        self._before = _earlier(bench, sut, gathering)
        before = self._before
        self._evidence = Alone(self._asked) if before is None else Paired(self._asked, int(before.sum()))
        self._expectations = list(_expectations(self._asked))
        self._pace = Pace(settings, sut.case.id, self._expectations[0]["items"], aloud=True)

    def expectation(self) -> str:
        """What it is expected to take, in words."""
        exact, *_, broken = (one["items"] for one in self._expectations)
        fewer = "" if self._before is None else ", fewer as an earlier run over all of them is at hand"
        return (
            f"{self._sut.case.id}: expects about {exact:,} of {self._most:,} items if the published figure is exact, "
            f"{broken:,} if the model is broken{fewer}; wrong with a probability of {self._asked.error:.2g} at most"
        )

    def hold(self) -> int:
        """Look at one batch after another until they decide; give the number of items."""
        n = 0
        with closing(self._gathering.grow(self._sut, self._most)) as ends:
            for end in ends:
                hits = measure.hits(self._sut.case.claim, self._gathering.evidence(n, end))
                self._evidence.add(hits, None if self._before is None else self._before[n:end])
                n = end
                self._pace.tell(n, "about ")
                if any(self._asked.settled(self._evidence.log_for, self._evidence.log_against)):
                    break
        return n

    def measurement(self, n: int) -> Measurement:
        """The figure over the first ``n`` items; where these are all, there is nothing left to chance."""
        claim, found = self._sut.case.claim, self._gathering.evidence(0, n)
        if n == self._asked.population:
            return measure.of_items(claim, found, n)
        log_for, log_against = float(self._evidence.log_for), float(self._evidence.log_against)
        return measure.of_sequence(claim, found, self._asked, log_for, log_against)

    def plan(self, used: int) -> dict[str, Any]:
        """What the record says of it."""
        return {
            "rule": "sequential",
            "error": self._asked.error,
            "claims": self._asked.claims,
            "paired": self._before is not None,
            "of": self._most,
            "expected": self._expectations[0]["items"],
            "expectations": self._expectations,
            "seconds": self._pace.expected_s,
            "used": used,
        }


def _expectations(asked: Question) -> Iterator[dict[str, Any]]:
    """What it takes if the published share is exact, so much worse, or a tenth (of a share of errors: all)."""
    worse = -1.0 if np.isfinite(asked.low) else 1.0
    broken = asked.expected / 10 if worse < 0 else 1.0
    shares = [asked.expected, *(asked.expected + worse * distance for distance in DISTANCES), broken]
    for share in shares:
        if 0 <= share <= 1:
            found = expected(asked, share)
            yield {"share": share, "items": found.items, "ninety": found.ninety}


def _earlier(bench: Bench, sut: Sut, gathering: Gathering) -> NDArray[np.bool_] | None:
    """Whether each item, in the order in which they are drawn, was a hit in the run that made this machine's baseline
    over all of them; None where there is none, or its predictions are not kept here.
    """
    from pytest_mlmodelscope.record.baseline import Baselines
    from pytest_mlmodelscope.store import predictions as store

    claim, dataset = sut.case.claim, sut.case.dataset
    assert claim.dataset is not None  # a claim over items has data
    if bench.settings.baselines is None or claim.dataset.relation != "same" or dataset is None:
        return None
    before = Baselines(bench.settings.baselines).get(sut.machine.machine_class, sut.case.id)
    if before is None or before.data_digest != dataset.digest or before.predictions is None:
        return None
    path = store.place(bench.cache.root / "predictions", before.predictions)
    return _hits_of(sut, path, gathering) if path.exists() else None


def _hits_of(sut: Sut, path: Path, gathering: Gathering) -> NDArray[np.bool_] | None:
    from pytest_mlmodelscope.store import predictions as store

    found = {identity: prediction for identity, prediction, _ in store.read(path)}
    ids = [item.id for item in gathering.items]
    if len(found) != len(ids) or len(set(ids)) != len(ids) or not found.keys() >= set(ids):
        return None
    rows = ItemEvidence([found[identity] for identity in ids], [item.label for item in gathering.items])
    return measure.hits(sut.case.claim, rows)
