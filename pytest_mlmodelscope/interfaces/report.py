"""Reports: a session, or the difference of two, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Report(Protocol):
    """One file in ``reports/``. ``width`` is in columns; colour only where it was asked for."""

    def session(self, cases: Sequence[Mapping[str, Any]], width: int = 80, colour: bool = False) -> str:
        """The cases of one record, as ``mlms.cases`` of a record holds them."""

    def difference(self, difference: Any, width: int = 80, colour: bool = False) -> str:
        """A ``record.diff.Difference``: machine and software, then verdicts, then figures."""


class TableReport(Report, Protocol):
    """A report that also shows a table of results from elsewhere."""

    def table(self, judged: Any, width: int = 80, colour: bool = False) -> str:
        """A ``table.cells.Judged``: what was found, and what that rests on."""


class MatrixReport(Report, Protocol):
    """A report that also shows one model on several frameworks."""

    def matrices(self, matrices: Sequence[Any], width: int = 80, colour: bool = False) -> str:
        """Each ``record.matrix.Matrix`` as a table, with why cells are empty."""
