"""What came of a claim on one framework and target."""

from __future__ import annotations

from typing import Any

from pytest_mlmodelscope.core.result import Word


class Verified(dict[str, Any]):
    """A verified case: the mapping that a record has of it, whose main facts are attributes as well.

    Figures are in ``unit``; ``measured``, ``low`` and ``high`` (its interval) are None where nothing could be measured.
    """

    @property
    def id(self) -> str:
        """Claim, framework and target in one name."""
        return str(self["id"])

    @property
    def claim(self) -> str:
        """The id of the claim."""
        return str(self["claim"])

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self["model"])

    @property
    def framework(self) -> str:
        """The framework that it ran on, or was to run on."""
        return str(self["framework"])

    @property
    def target(self) -> str:
        """The kind of machine."""
        return str(self["target"])

    @property
    def verdict(self) -> Word:
        """confirmed, refuted, inconclusive, not_applicable or error."""
        word: Word = self["verdict"]
        return word

    @property
    def reason(self) -> str:
        """Why, in a sentence; empty where the figures say it."""
        return str(self["reason"])

    @property
    def published(self) -> float:
        """The figure that was claimed."""
        return float(self["published"])

    @property
    def unit(self) -> str:
        """The unit of both."""
        return str(self["unit"])

    @property
    def measured(self) -> float | None:
        """The figure here."""
        return _figure(self["measured"])

    @property
    def low(self) -> float | None:
        """The lower end of its interval."""
        return _figure((self["interval"] or {}).get("low"))

    @property
    def high(self) -> float | None:
        """The upper end of its interval."""
        return _figure((self["interval"] or {}).get("high"))

    @property
    def n(self) -> int:
        """How many items, queries or calls it rests on."""
        return int(self["n"])

    @property
    def fails(self) -> bool:
        """Whether it is bad news: refuted or an error, and nobody accepted that; another verdict than was accepted; or
        worse than the machine's baseline.
        """
        known, verdict = self["known"], self.verdict
        if self["baseline"]["status"] == "worse":
            return True
        if known is not None and verdict != "not_applicable":
            return not known["matched"]
        return verdict in ("refuted", "error")


def _figure(value: Any) -> float | None:
    return None if value is None else float(value)
