"""A badge: a claim's verdict and figure as a small SVG that any page can show."""

from __future__ import annotations

from typing import Final

from pytest_mlmodelscope.hub.rendering import rendered, sign, words
from pytest_mlmodelscope.hub.views.claims import ClaimPage
from pytest_mlmodelscope.hub.views.outcomes import Outcome, tally

#: Characters of each half; what is longer ends in dots.
_MOST: Final = 48
#: Pixels of a character (of a wide one in its font) and around a text.
_ADVANCE: Final = 6.6
_PADDING: Final = 7
#: What a badge says with white letters on: all of them dark enough for WCAG AA.
_COLOURS: Final = {
    "confirmed": "#0b6b3a",
    "refuted": "#a81d25",
    "inconclusive": "#7a5200",
    "not_applicable": "#55555a",
    "error": "#67309a",
}


def drawn(claim: ClaimPage, framework: str = "", hardware: str = "") -> str:
    """The badge of a claim, of all frameworks and machines or of some; the gravest verdict is the one shown."""
    chosen = [one for one in claim.outcomes if framework in ("", one.framework) and hardware in ("", one.machine_class)]
    totals = tally(one.verdict for one in chosen)
    word = totals[0].word if totals else "not verified yet"
    told = _told([one for one in chosen if one.verdict == word])
    left, right = _short(f"{claim.model} {claim.metric}"), _short(f"{sign(word) if totals else ''} {words(word)}{told}")
    widths = [round(len(text) * _ADVANCE + 2 * _PADDING) for text in (left, right)]
    return rendered(
        "badge.svg",
        left=left,
        right=right,
        widths=widths,
        colour=_COLOURS.get(word, _COLOURS["not_applicable"]),
        title=f"{claim.id}: {words(word)}{told}; published: {claim.published_text}",
    )


def _told(outcomes: list[Outcome]) -> str:
    """The newest figure, without its interval, for which there is no room."""
    figures = [one for one in outcomes if one.measured is not None]
    if not figures:
        return ""
    return ": " + max(figures, key=lambda one: one.at).measured_text.partition(" [")[0]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST else text[: _MOST - 3] + "..."
