"""Accepted verdicts: cases that are known not to be confirmed, each with its reason.

Strict like pytest's ``xfail``: any other verdict than the accepted one is reported, in either
direction, so that nobody keeps a reason for what is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_mlmodelscope.core.document import read_document
from pytest_mlmodelscope.core.result import Case, Word
from pytest_mlmodelscope.core.schema import check

FILE_NAME = "known.yml"


@dataclass(frozen=True, slots=True)
class Known:
    """One entry: which cases, which verdicts are accepted, why. ``where`` is file:line."""

    claim: str
    verdicts: frozenset[Word]
    reason: str
    framework: str | None = None
    target: str | None = None
    where: str = ""

    def covers(self, case: Case) -> bool:
        """Whether this entry speaks of a case."""
        return (
            case.claim.id == self.claim
            and self.framework in (None, case.framework.name)
            and self.target in (None, case.target)
        )


def load_known(path: Path) -> list[Known]:
    """All entries of one file.

    Raises:
        DocumentError: with file and line.
    """
    document = read_document(path)
    check(document, "known")
    return [
        Known(
            claim=entry["claim"],
            verdicts=_verdicts(entry["verdict"]),
            reason=entry["reason"],
            framework=entry.get("framework"),
            target=entry.get("target"),
            where=document.at(("known", index)),
        )
        for index, entry in enumerate(document.data["known"])
    ]


def _verdicts(given: Word | list[Word]) -> frozenset[Word]:
    return frozenset([given] if isinstance(given, str) else given)


def find_known(entries: Iterable[Known], case: Case) -> Known | None:
    """The entry that speaks of a case; the one that names framework or target wins."""
    fitting = [entry for entry in entries if entry.covers(case)]
    return max(fitting, key=lambda entry: (entry.framework is not None) + (entry.target is not None), default=None)
