"""File size: of the assets that a framework loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.interfaces.metric import Kind, StaticEvidence

KIND: Final[Kind] = "static"
BASE_UNIT: Final = "B"
DIRECTION: Final = "equal"
OPTIONS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": False, "properties": {}}


def compute(evidence: StaticEvidence, options: Mapping[str, Any]) -> float:
    """Bytes."""
    return float(evidence.file_bytes)
