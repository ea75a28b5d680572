"""A figure of a model that is compared with no claim."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pytest_mlmodelscope.core.claim import NOTHING, Conditions, DataUse
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Result
from pytest_mlmodelscope.engine import unclaimed
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.library.answers import Figure
from pytest_mlmodelscope.library.choosing import usual_case
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.record.case import dataset_name


def evaluate(
    model: str,
    dataset: str | None,
    metric: str,
    framework: str | None = None,
    target: str | None = None,
    *,
    sample: int | None = None,
    options: Mapping[str, Any] = NOTHING,
    conditions: Conditions | None = None,
    shelf: Shelf | None = None,
    settings: Settings | None = None,
    progress: Callable[[str], None] | None = None,
) -> Figure:
    """Measure a metric of a model on a dataset (``NAME`` or ``NAME/SPLIT``; None for a metric that takes no data).

    Of a figure over items the interval is that of what the items are a sample of, also where all of them are taken;
    ``sample`` is the most that are taken. ``options`` are the metric's, ``conditions`` those of a claim.

    Raises:
        UsageError: there is no such metric, framework or target, or the metric takes no such options.
        DocumentError: there is no such model, dataset or split.
        NotApplicable, EnvironmentUnavailable: it cannot be measured here; says what would change that.
        MlmsError: anything else that is wrong with it.
    """
    shelf, found = shelf or Shelf(), member("metrics", metric)
    _refuse_options(metric, found.OPTIONS, options)
    settings = settings or Settings()
    settings = dataclasses.replace(settings, sample=sample or settings.sample, progress=progress or settings.progress)
    conditions = conditions or Conditions(precision=shelf.precision_of(model))
    case_of = partial(
        unclaimed.case_of, shelf.catalogue, model, metric,
        dataset=_data(dataset), conditions=conditions, options=options,
    )  # fmt: skip
    with Engine(settings) as engine:
        case = usual_case(shelf.model(model), framework, target, case_of, engine.at_hand)
        return _figure(engine.measure(case))


def _data(name: str | None) -> DataUse | None:
    if name is None:
        return None
    dataset, _, split = name.partition("/")
    # Nobody says what its items are a sample of.
    return DataUse(dataset, split or "test", relation="other")


def _refuse_options(metric: str, schema: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    import jsonschema

    wrong = next(jsonschema.Draft202012Validator(dict(schema)).iter_errors(dict(options)), None)
    if wrong is not None:
        raise UsageError(f"the metric {metric} does not take these options: {wrong.message}", got=dict(options))


def _figure(result: Result) -> Figure:
    case, measured = result.case, result.measurement
    assert measured is not None  # measure raises where there is none
    interval = measured.interval
    return Figure(
        model=case.model.name,
        framework=case.framework.name,
        version=str(result.software.get("version", "")),
        target=case.target,
        metric=case.claim.metric,
        dataset=dataset_name(case.claim),
        value=measured.value,
        unit=measured.unit,
        low=interval.low,
        high=interval.high,
        confidence=interval.confidence,
        method=interval.method,
        n=measured.n,
        failed=measured.failed,
        steps=result.steps,
    )
