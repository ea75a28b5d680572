"""The same model on another framework: does it reach the published figure there, or is it the same in both?

If the framework were the cause, at least so many items would have to be decided otherwise as the published figure
is away from the measured one; where the share of those that are is less but for a chance of 0.001, it is excluded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from pytest_mlmodelscope.cause.contest import (
    CHANCE,
    FIRST,
    FIRST_OF_OTHERS,
    Contest,
    Standing,
    figure_of,
    hits_of,
    is_share,
    rounds,
)
from pytest_mlmodelscope.cause.search import NONE, Question, explains, slack_of
from pytest_mlmodelscope.cause.subject import Subject
from pytest_mlmodelscope.cause.trial import Trial, Trials
from pytest_mlmodelscope.interfaces.mismatch import Setup

#: Before anything is known: a model that was converted badly is a usual mistake.
USUAL: Final = 0.5
#: A figure that is known to this (half of its interval) is not evaluated on more items.
KNOWN: Final = 0.01
#: Items after which a figure that is reached is so when the time is up.
ENOUGH: Final = 64
#: Numbers are alike within this share: another framework adds in another order.
CLOSE: Final = 1e-3
#: Items decided otherwise that are named.
NAMED: Final = 3

#: reaches: the published figure; alike: what is decided otherwise is too little to explain it; otherwise: it gives
#: another figure, which is not the published one either; open: too few items to tell; failed: it gave none.
Word = Literal["reaches", "alike", "otherwise", "open", "failed"]


@dataclass(frozen=True, slots=True)
class Beside:
    """A model on another framework beside the case's own, on the first ``n`` items of the fixed order.

    ``otherwise`` are the ids of the items that were decided otherwise, ``won`` and ``lost`` how many of those only the
    other, and only the own, gets right (None where the metric is no share of items). ``sure`` is how likely the
    framework is the cause, of those that reach the figure; ``why`` says what failed.
    """

    framework: str
    word: Word
    n: int
    standing: Standing | None
    otherwise: tuple[str, ...] = ()
    won: int | None = None
    lost: int | None = None
    sure: float = 0.0
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class NotTried:
    """A framework that was not asked, why, and the command after which it would be; empty for none."""

    framework: str
    why: str
    command: str = ""


def compare(
    framework: str, subject: Subject, setup: Setup, question: Question, own: Trial, tried: int, deadline: float
) -> Beside:
    """Ask the model on another framework about the items that its own has answered, until it is plain.

    ``subject`` is the model there and ``setup`` what its manifest declares for it; ``own`` holds the predictions of the
    case's own framework. ``tried`` frameworks share the error rate.
    """
    started = time.monotonic()
    with np.errstate(all="ignore"):
        found = _compare(framework, subject, setup, question, own, tried, deadline)
    return replace(found, seconds=time.monotonic() - started)


def _compare(
    framework: str, subject: Subject, setup: Setup, question: Question, own: Trial, tried: int, deadline: float
) -> Beside:
    trial = Trial(("framework",), f"it runs on {framework}", setup, USUAL)
    known = own.n == question.population
    contest = Contest(
        trials=Trials(subject),
        aim=question.aim,
        declared=own,
        population=question.population,
        right=hits_of(own) if known else None,
        slack=slack_of(question, own),
    )
    contest.entered.append(trial)
    found = Beside(framework, "open", 0, None)
    for n in rounds(own.n, FIRST if is_share(own) else FIRST_OF_OTHERS):
        contest.trials.extend([trial], n, deadline)
        found = _seen(found, contest, trial, tried)
        if found.word != "open" or time.monotonic() > deadline:
            break
    if found.word == "open" and found.sure and found.n >= ENOUGH:
        return replace(found, word="reaches")
    return found


def _seen(found: Beside, contest: Contest, trial: Trial, tried: int) -> Beside:
    """What is known after a round."""
    if trial.failed or not trial.n:
        return replace(found, word="failed" if trial.failed else "open", why=trial.failed)
    standings = contest.standings()
    one = next((standing for standing in standings if standing.trial is trial), None)
    own = next((standing for standing in standings if standing.trial is contest.declared), None)
    if one is None or own is None:
        return replace(found, word="failed", n=trial.n, why="its predictions have no figure")
    places = [place for place in range(trial.n) if not alike(trial.predictions[place], own.trial.predictions[place])]
    reached = explains(one, own, contest, tried)
    items = contest.trials.items(trial)
    won, lost = _won_and_lost(trial, own.trial)
    return Beside(
        framework=found.framework,
        word=_word(contest, one, len(places), reached),
        n=trial.n,
        standing=one,
        otherwise=tuple(items[place].id for place in places),
        won=won,
        lost=lost,
        sure=_sure(contest, trial) if reached else 0.0,
    )


def _word(contest: Contest, one: Standing, otherwise: int, reached: bool) -> Word:
    n, low, high = one.trial.n, *np.quantile(one.draws, [0.025, 0.975])
    if reached:
        return "reaches" if n == contest.declared.n or high - low < 2 * KNOWN else "open"
    if _is_too_little(contest, otherwise, n):
        return "alike"
    if contest.aim.is_hopeless(one.draws, CHANCE, contest.slack):
        return "otherwise"
    # All items that there are to compare, and none is decided otherwise: more of them will not be had.
    return "alike" if n == contest.declared.n and not otherwise else "open"


def _is_too_little(contest: Contest, otherwise: int, n: int) -> bool:
    """Whether fewer items are decided otherwise than would have to be, if that were the cause."""
    if not is_share(contest.declared):
        return False
    from scipy.stats import beta

    gap = abs(figure_of(contest.declared) - contest.aim.value) - contest.aim.half
    return bool(gap > 0 and beta.sf(gap, otherwise + 0.5, n - otherwise + 0.5) < CHANCE)


def _sure(contest: Contest, trial: Trial) -> float:
    """The framework's part of the likelihood of both that it is the cause, and that something else is."""
    weight = USUAL * contest.nearness(trial)
    return weight / (weight + NONE)


def _won_and_lost(trial: Trial, own: Trial) -> tuple[int | None, int | None]:
    hits, others = hits_of(trial), hits_of(own)
    if hits is None or others is None:
        return None, None
    others = others[: len(hits)]
    return int((hits & ~others).sum()), int((~hits & others).sum())


def alike(one: Any, other: Any) -> bool:
    """Whether two predictions are the same decision; numbers that are no whole ones only have to be close."""
    if isinstance(one, (list, tuple, np.ndarray)) and isinstance(other, (list, tuple, np.ndarray)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, (float, np.floating)) or isinstance(other, (float, np.floating)):
        return _close(one, other)
    return bool(one == other)


def _close(one: Any, other: Any) -> bool:
    try:
        return bool(np.isclose(float(one), float(other), rtol=CLOSE, atol=CLOSE, equal_nan=True))
    except (TypeError, ValueError):
        return bool(one == other)


def reaching(found: Sequence[Beside]) -> list[Beside]:
    """Those that reach the published figure: what was seen on most items first, then the likeliest."""
    return sorted((one for one in found if one.word == "reaches"), key=lambda one: (-one.n, -one.sure))
