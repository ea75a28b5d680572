"""What jobs may take, so that nobody takes it all."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_mlmodelscope.agent.limits import Isolation


@dataclass(frozen=True, slots=True)
class Bounds:
    """``queue`` jobs wait at most, ``each`` of one asker, and one runs for ``seconds``. A worker holds one for
    ``lease_s`` from when it last said so; a job whose worker was lost so often as ``attempts`` says has failed.
    ``keep_s`` after its end it is forgotten.

    A job asks at most ``frameworks`` frameworks about one input: ``input_bytes`` of text or JSON, or a file of
    ``upload_bytes``. Its result takes ``result_bytes``, the record of a verification ``record_bytes``. ``listeners``
    follow jobs at once.

    ``isolation``: *best* runs models as this machine can, *required* runs none where the network or the user's files
    are in their reach. ``offline`` jobs fetch and build nothing from the network.
    """

    queue: int = 100
    each: int = 25
    seconds: float = 3600.0
    attempts: int = 3
    lease_s: float = 15.0
    keep_s: float = 7 * 86_400.0
    frameworks: int = 16
    input_bytes: int = 2**20
    upload_bytes: int = 16 * 2**20
    result_bytes: int = 2**20
    record_bytes: int = 32 * 2**20
    listeners: int = 500
    isolation: Isolation = "best"
    offline: bool = False
