"""A case whose claim is an audit: a check that looks at the model under a load."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.engine.bench import Bench
from pytest_mlmodelscope.engine.loading import load_settings
from pytest_mlmodelscope.engine.sut import Sut
from pytest_mlmodelscope.engine.timing import queries_of
from pytest_mlmodelscope.interfaces.check import Tensors
from pytest_mlmodelscope.interfaces.scenario import Timings
from pytest_mlmodelscope.verdict.check import judge_audit


@dataclass(slots=True)
class Loaded:
    """The model of a case, as an audit may ask it and load it."""

    bench: Bench
    sut: Sut
    queries: Sequence[Tensors]
    batch: int
    software: Any = field(default_factory=dict)

    def ask(self, tensors: Tensors) -> dict[str, Any]:
        """Its outputs by name."""
        return self.bench.worker(self.sut).agent.predict(tensors)[0]

    def load(self, queries: Sequence[Tensors], count: int, keep: Sequence[int] = (), warm: bool = True) -> Timings:
        """Timings of so many queries at least, of the claim's scenario."""
        conditions = self.sut.case.claim.conditions
        settings = load_settings(conditions, len(queries), self.batch)
        more: Any = {"min_queries": count, "min_seconds": 0.0, "keep": list(keep)}
        if not warm:
            more["warmup"] = 0
        return self.bench.worker(self.sut).agent.load(conditions.scenario, queries, {**settings, **more})

    def processes(self) -> Iterator[int]:
        """Number the process runs; each begins with a fresh worker."""
        for number in range(self.sut.case.claim.conditions.runs):
            self.bench.settings.progress(f"{self.sut.case.id}: process run {number + 1}")
            self.bench.close()
            self.software = self.bench.worker(self.sut).software
            yield number


def audit_case(bench: Bench, sut: Sut) -> Result:
    """Audit a case while it has its device for itself.

    Raises:
        NotApplicable: the claim names no data to ask about.
        MlmsError: the model fails.
    """
    from pytest_mlmodelscope.agent.turns import turn

    case = sut.case
    if case.dataset is None:
        what = f"the check {case.claim.metric} has nothing to ask about"
        raise NotApplicable(what, hint="name a dataset in the claim")
    with turn(sut.machine, case.id, bench.settings.progress) as alone:
        prepared = queries_of(bench, sut)
        shuffled = random.SystemRandom().sample(prepared.samples, len(prepared.samples))
        subject = Loaded(bench, sut, shuffled, prepared.batch)
        audited = member("checks", case.claim.metric).audit(case.claim.metric_options, subject)
    bench.close()
    verdict, measurement = judge_audit(audited)
    about = {
        "name": case.claim.metric,
        "options": dict(case.claim.metric_options),
        "examples": 0,
        "items": audited.answers,
        "exhausted": False,
        "largest_difference": audited.seen.difference,
        "decided": 0,
        "differing": 0,
        "beside": None,
        "counterexample": None,
        "ratios": list(audited.ratios),
    }
    digest = case.dataset.digest
    return Result(case, verdict, measurement, software=subject.software, data_digest=digest, check=about, turn=alone)
