"""The case of what nobody claimed: a load, a prediction, a figure that is only measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.claim.expand import Selection, expand, measures_of_pipeline
from pytest_mlmodelscope.core.claim import NOTHING, Claim, Conditions, DataUse, Source, Tolerance
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.core.result import Case
from pytest_mlmodelscope.manifest.load import Catalogue


def case_of(
    catalogue: Catalogue,
    model: str,
    metric: str,
    chosen: Selection,
    dataset: DataUse | None = None,
    conditions: Conditions | None = None,
    options: Mapping[str, Any] = NOTHING,
    name: str = "",
) -> Case:
    """The case of a figure of which nobody says what it should be, on the first framework that was chosen, or that the
    model has; it is called after ``name``, or the metric.

    Raises:
        DocumentError: there is no such model, dataset or split; or the metric takes data, and there are none.
        UsageError: there is no such metric, or the model does not run there.
    """
    conditions = conditions or Conditions()
    if catalogue.model(model, "").stages:
        # The only way in which a pipeline is timed.
        conditions = replace(conditions, measures=measures_of_pipeline(conditions.scenario))
    claim = Claim(
        id=f"{model}-{name or metric}",
        model=model,
        metric=metric,
        # Any figure is lower.
        value=math.inf,
        unit=member("metrics", metric).BASE_UNIT,
        direction="lower",
        tolerance=Tolerance("absolute", 0.0),
        source=Source("a run without a claim", "", "", read=""),
        dataset=dataset,
        metric_options=options,
        conditions=conditions,
        path=Path(f"run of {model}"),
    )
    cases = expand(claim, catalogue, chosen)
    if not cases:
        able = ", ".join(catalogue.model(model, "").frameworks)
        raise UsageError(f"{model} does not run there", expected=f"one of {able}, on a target that is here")
    return cases[0]
