"""Parameter count: how many trained values a model has, as the framework counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.interfaces.metric import Kind, StaticEvidence

KIND: Final[Kind] = "static"
BASE_UNIT: Final = "parameters"
DIRECTION: Final = "equal"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: StaticEvidence, options: Mapping[str, Any]) -> float:
    """The number of parameters.

    Raises:
        NotApplicable: the framework cannot tell.
    """
    if evidence.parameters is None:
        raise NotApplicable(
            "this framework cannot tell how many parameters a model has",
            hint="name one that can in the claim's `conditions.frameworks`, such as onnxruntime or pytorch",
        )
    return float(evidence.parameters)
