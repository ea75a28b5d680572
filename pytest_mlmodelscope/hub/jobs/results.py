"""What is kept of a job's result: of a verification the whole record, among those of the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.store import runs

#: Of a case, what its job says of it; the record says everything.
_TOLD: Final = (
    "id",
    "claim",
    "model",
    "framework",
    "target",
    "metric",
    "unit",
    "published",
    "measured",
    "interval",
    "n",
    "kind",
    "census",
    "evidence",
    "verdict",
    "reason",
    "seconds",
)


class Refused(MlmsError):
    """A result that a hub does not keep."""


def kept_result(session: Session, result: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    """The result as a job keeps it; a record is put into the same transaction, so that both are kept or neither.

    Raises:
        Refused: it is larger than a result may be.
    """
    if "record" in result:
        record = result["record"]
        cases = [{key: case.get(key) for key in _TOLD} for case in record["mlms"]["cases"]]
        told: dict[str, Any] = {"record": runs.add(session, record).digest, "cases": cases}
    else:
        told = dict(result)
    if (size := len(json.dumps(told))) > bounds.result_bytes:
        raise Refused("the result is too large", expected=f"at most {bounds.result_bytes:,} bytes", got=f"{size:,}")
    return told
