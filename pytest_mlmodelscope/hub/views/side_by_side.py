"""The answers of several frameworks to one input, brought into one order so that differences are seen."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pytest_mlmodelscope.hub.views.regions import Seen, alike, seen

#: Shares that differ by less than this part of the largest one are the same to whoever reads them.
SAME: Final = 0.01
#: What an answer without anything in it says: no box, no word.
_NOTHING: Final = "nothing was found"
#: Characters of an answer's JSON.
_LONG: Final = 20_000
#: Numbers of an answer that are drawn as a line; fewer are told.
_LINE: Final = 8
#: The width and the height that a line is drawn in.
_WIDTH: Final = 600
_HEIGHT: Final = 80


@dataclass(frozen=True, slots=True)
class Column:
    """One framework. ``latency_s`` is the model's own time, ``share`` of the longest one's (0 to 100); ``error`` says
    why there is no answer.
    """

    framework: str
    version: str = ""
    latency_s: float | None = None
    share: float = 0.0
    fastest: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one framework gives for a label: its ``rank`` (1 is the first; None: not among those it told), its score,
    the share of the largest score of all (0 to 100), and whether it ``differs`` from the others.
    """

    rank: int | None = None
    score: float | None = None
    share: float = 0.0
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A label, with a cell for each framework that answered."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a framework answered that is no ranking: as text, as the points of a line where it is many numbers (in a
    picture of 600 x 80), with the ``low`` and ``high`` that the line lies between, as places that were ``seen`` in a
    picture, beside which ``data`` is all of the answer as JSON; and whether it ``differs``.
    """

    column: Column
    text: str
    points: str = ""
    low: float = 0.0
    high: float = 0.0
    differs: bool = False
    seen: Seen | None = None
    data: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """``columns`` of all frameworks, ``answered`` those that have an answer. A classifier has ``rows``, any other model
    ``told``. ``said`` is the whole in a sentence.
    """

    columns: tuple[Column, ...]
    answered: tuple[Column, ...]
    rows: tuple[Row, ...]
    told: tuple[Told, ...]
    said: str


def side_by_side(predictions: Sequence[Mapping[str, Any]], size: Sequence[int] | None = None) -> Compared:
    """What the result of a job says of its only input, each framework's ``Prediction.to_json()`` or its ``error``;
    ``size`` are the pixels across and down, where it is a picture.
    """
    longest = max((one["latency_s"] for one in predictions if _answers(one)), default=0.0)
    shortest = min((one["latency_s"] for one in predictions if _answers(one)), default=0.0)
    columns = tuple(_column(one, longest, shortest if len(predictions) > 1 else -1.0) for one in predictions)
    pairs = [(column, one["answers"][0]) for column, one in zip(columns, predictions, strict=True) if _answers(one)]
    answered = tuple(column for column, _ in pairs)
    answers = [answer for _, answer in pairs]
    if answers and all(_ranks(answer) for answer in answers):
        rows = _rows([answer["top"] for answer in answers])
        return Compared(
            columns, answered, rows, (), _said_of(answered, [answer["top"][0]["label"] for answer in answers])
        )
    told = _places(answered, answers, size) or _told(answered, [answer.get("value") for answer in answers])
    says_it_itself = any(one.points or one.seen for one in told)
    return Compared(columns, answered, (), told, _said_of(answered, [one.text for one in told], says_it_itself))


def _answers(one: Mapping[str, Any]) -> bool:
    return bool(one.get("answers"))


def _ranks(answer: Mapping[str, Any]) -> bool:
    """Whether a framework chose among labels, and told more than the one it chose."""
    top = answer.get("top") or ()
    return len(top) > 1 or any(scored["score"] is not None for scored in top)


def _column(one: Mapping[str, Any], longest: float, shortest: float) -> Column:
    if not _answers(one):
        return Column(one["framework"], error=one.get("error") or "it gave no answer")
    latency = one["latency_s"]
    share = 100 * latency / longest if longest else 0.0
    return Column(one["framework"], one.get("version") or "", latency, share, latency == shortest)


# -- rankings -----------------------------------------------------------------------------------


def _rows(tops: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[Row, ...]:
    """Labels in the order of the first framework, then those that only others tell."""
    labels = dict.fromkeys(scored["label"] for top in tops for scored in top)
    largest = max((abs(scored["score"]) for top in tops for scored in top if scored["score"] is not None), default=0.0)
    ranks = [{scored["label"]: (at, scored["score"]) for at, scored in enumerate(top, 1)} for top in tops]
    return tuple(_row(label, [rank.get(label, (None, None)) for rank in ranks], largest) for label in labels)


def _row(label: str, given: Sequence[tuple[int | None, float | None]], largest: float) -> Row:
    scores = [score for _, score in given if score is not None]
    middle = statistics.median_low(scores) if scores else 0.0
    ranks = [rank for rank, _ in given]
    usual = max(set(ranks), key=ranks.count)
    return Row(label, tuple(_cell(rank, score, usual, middle, largest) for rank, score in given))


def _cell(rank: int | None, score: float | None, usual: int | None, middle: float, largest: float) -> Cell:
    far = score is not None and abs(score - middle) > SAME * largest
    share = 100 * max(score, 0.0) / largest if score is not None and largest else 0.0
    return Cell(rank, score, share, far or rank != usual)


# -- places in a picture ------------------------------------------------------------------------


def _places(
    columns: Sequence[Column], answers: Sequence[Mapping[str, Any]], size: Sequence[int] | None
) -> tuple[Told, ...]:
    """Answers that can be drawn over their picture; nothing where one of them cannot."""
    found = [seen(answer, size) for answer in answers]
    first = next((one for one in found if one is not None), None)
    if first is None or any(one is None and answer.get("value") for one, answer in zip(found, answers, strict=True)):
        return ()
    places = [one or replace(first, regions=(), left_out=0) for one in found]
    return tuple(
        _place(column, answer.get("value"), one, not alike(one, places[0]))
        for column, answer, one in zip(columns, answers, places, strict=True)
    )


def _place(column: Column, value: Any, places: Seen, differs: bool) -> Told:
    """A text is shown by itself; anything else as JSON, for who wants it."""
    if isinstance(value, str):
        return Told(column, value, differs=differs, seen=places)
    data = json.dumps(value, ensure_ascii=False)
    return Told(column, "", differs=differs, seen=places, data=data if len(data) <= _LONG else f"{data[:_LONG]} ...")


# -- other answers ------------------------------------------------------------------------------


def _told(columns: Sequence[Column], values: Sequence[Any]) -> tuple[Told, ...]:
    lines = [_numbers(value) for value in values]
    texts = [_said(value) for value in values]
    usual = max(set(texts), key=texts.count) if texts else ""
    drawn = [line for line in lines if line is not None]
    low, high = (min(map(min, drawn)), max(map(max, drawn))) if drawn else (0.0, 0.0)
    first = next((line for line in lines if line is not None), None)
    return tuple(
        Told(column, text, differs=text != usual)
        if line is None
        else Told(column, text, _points(line, low, high), low, high, _apart(line, first, high - low))
        for column, text, line in zip(columns, texts, lines, strict=True)
    )


def _said(value: Any) -> str:
    if value in ([], ""):
        return _NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numbers(value: Any) -> list[float] | None:
    """The numbers of an answer that is so many that nobody reads them."""
    if not isinstance(value, list) or len(value) < _LINE:
        return None
    flat = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in value]
    return flat if all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in flat) else None


def _points(line: Sequence[float], low: float, high: float) -> str:
    across = _WIDTH / max(len(line) - 1, 1)
    height = (high - low) or 1.0
    return " ".join(
        f"{at * across:.1f},{_HEIGHT - _HEIGHT * (value - low) / height:.1f}" for at, value in enumerate(line)
    )


def _apart(line: Sequence[float], first: Sequence[float] | None, height: float) -> bool:
    if first is None or len(first) != len(line):
        return True
    return any(abs(a - b) > SAME * height for a, b in zip(line, first, strict=True))


def _said_of(columns: Sequence[Column], answers: Sequence[str], drawn: bool = False) -> str:
    """Whether the frameworks agree, in one sentence; each by its first answer."""
    if len(columns) < 2 or drawn:
        return ""
    givers: dict[str, list[str]] = {}
    for column, answer in zip(columns, answers, strict=True):
        givers.setdefault(answer, []).append(column.framework)
    if len(givers) == 1:
        return f"All {len(columns)} frameworks give the same answer first."
    parts = [f"{', '.join(names)}: {answer[:80]}" for answer, names in givers.items()]
    return "The frameworks do not agree. " + "; ".join(parts) + "."
