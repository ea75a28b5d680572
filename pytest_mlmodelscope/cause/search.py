"""From a refuted figure to the mistake that explains it: single ones first, then two at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pytest_mlmodelscope.cause.bases import bases
from pytest_mlmodelscope.cause.candidates import candidates
from pytest_mlmodelscope.cause.contest import FIRST_OF_OTHERS, Contest, Standing, figure_of, hits_of
from pytest_mlmodelscope.cause.likelihood import by_likelihood
from pytest_mlmodelscope.cause.posterior import Aim
from pytest_mlmodelscope.cause.sight import Sight
from pytest_mlmodelscope.cause.subject import Subject, order
from pytest_mlmodelscope.cause.trial import Trial, Trials
from pytest_mlmodelscope.interfaces.mismatch import Setup

#: The share of the time that single mistakes may take, so that some is left for two at once.
SINGLE: Final = 0.6
#: The share of what is left that making the variants of one kind of search may take.
MAKING: Final = 0.5
#: Items on which single mistakes are compared before a second one is looked for beside the best of them.
ENOUGH: Final = 32
#: The error rate of "its interval holds the published figure", shared among all that were tried.
ERROR: Final = 0.05
#: The part of the gap to the published figure that may be left: of 75 points 1.5 may have another cause.
CLOSED: Final = 0.02
#: How sure it must be that a variant is nearer to the published figure than the manifest's own setup.
NEARER: Final = 0.95
#: How likely it is, beside a usual mistake, that the cause is another and what explains the figure does so by luck.
NONE: Final = 0.01
#: How likely the manifest's own setup is beside a usual mistake: it has been refuted.
OWN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained: the published figure and the setup that does not reach it.

    ``population`` is the number of items that the figure is about, ``known`` the predictions of all items of the
    split, in its order, where they are at hand; ``slack`` is how far the claim itself lets a figure lie from it.
    """

    setup: Setup
    aim: Aim
    slack: float
    population: int
    known: Sequence[object] | None
    seconds: float
    progress: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of the search: ``best`` explain the figure alike (none where nothing does), ``nearest`` is what came
    nearest to it whether it explains it or not. ``chance`` is the share of the likelihood that is left for none of
    what was tried being the cause, ``rest`` that of trials that do not explain the figure, but may yet: they would be
    told from the best by more items.
    """

    best: tuple[Standing, ...]
    nearest: Standing | None
    declared: Standing | None
    chance: float
    rest: float
    tried: int
    failed: int
    evaluated: int
    asked: int
    seconds: float
    out_of_time: bool


def search(subject: Subject, question: Question) -> Answer:
    """Try the variants of all mismatches against the published figure, within the time that is given."""
    # A variant may overflow where what is right does not.
    with np.errstate(all="ignore"):
        return _search(subject, question)


def _search(subject: Subject, question: Question) -> Answer:
    started = time.monotonic()
    trials = Trials(subject)
    declared = Trial((), "", question.setup, OWN)
    right = _know(declared, trials, question, started)
    contest = Contest(trials, question.aim, declared, question.population, right, slack_of(question, declared))
    made_by = started + SINGLE * MAKING * question.seconds
    single = candidates(declared, _sight(subject, declared, made_by), {declared.key})
    if trials.start_from(declared):
        trials.decide_all(single, started + SINGLE * question.seconds / 2)
    question.progress(f"{len(single)} variants of what is done before and after the model")
    standings = contest.run(single, started + SINGLE * question.seconds)
    deadline = started + question.seconds
    if not _is_explained(contest, standings):
        standings = _two(subject, contest, deadline) if time.monotonic() < deadline else standings
    elif time.monotonic() > started + SINGLE * question.seconds:
        # It was stopped by the clock: what explains the figure alike may be told apart by more items.
        standings = contest.run((), deadline)
    return _answer(contest, standings, started, deadline)


def _know(declared: Trial, trials: Trials, question: Question, started: float) -> np.ndarray | None:
    """Fill in what the manifest's own setup is known to give, or find some of it out."""
    items = trials.items(declared)
    if question.known is None or len(question.known) != len(items):
        trials.extend([declared], min(len(items), FIRST_OF_OTHERS), started + question.seconds)
        return None
    places = order(len(items), trials.name)
    declared.predictions = [question.known[place] for place in places]
    declared.references = [item.label for item in items]
    return hits_of(declared) if question.population == len(items) else None


def slack_of(question: Question, declared: Trial) -> float:
    """How far from the published figure explains it: the claim's tolerance, or a part of the gap, as far as the
    manifest's own figure is known.
    """
    own = figure_of(declared)
    return max(question.slack, CLOSED * abs(own - question.aim.value) if np.isfinite(own) else 0.0)


def _sight(subject: Subject, trial: Trial, deadline: float) -> Sight:
    sight = Sight(subject, trial.setup, deadline)
    sight.know(trial.predictions, trial.references)
    return sight


def _two(subject: Subject, contest: Contest, deadline: float) -> list[Standing]:
    """A second mistake beside those that, undone, bring the figure nearest to the published one, or tell most of
    the references whatever they are called.
    """
    single = [trial for trial in contest.entered if not trial.failed]
    most = min(ENOUGH, len(contest.trials.items(contest.declared)))
    now = time.monotonic()
    contest.trials.extend(single, most, now + (deadline - now) / 3, revive=True)
    known = {trial.key for trial in (contest.declared, *contest.entered)}
    made: list[Trial] = []
    now = time.monotonic()
    made_by = now + MAKING * (deadline - now)
    for base in bases(contest, most):
        found = candidates(base, _sight(subject, base, made_by), known)
        known.update(trial.key for trial in found)
        made += found
    if not made:
        return contest.standings()
    return contest.run(sorted(made, key=lambda trial: -trial.prior), deadline)


def _is_explained(contest: Contest, standings: Sequence[Standing]) -> bool:
    own = _own(contest, standings)
    return own is not None and any(explains(one, own, contest, len(standings)) for one in standings)


def _own(contest: Contest, standings: Sequence[Standing]) -> Standing | None:
    return next((standing for standing in standings if standing.trial is contest.declared), None)


def explains(one: Standing, own: Standing, contest: Contest, tried: int) -> bool:
    """Whether it reaches the published figure, and is nearer to it than the manifest's own setup."""
    aim = contest.aim
    if not one.trial.kinds or one.trial.hopeless or not aim.is_reached(one.draws, ERROR / max(1, tried), contest.slack):
        return False
    nearer = np.abs(one.draws - aim.value)[: len(own.draws)] < np.abs(own.draws - aim.value)[: len(one.draws)]
    return bool(nearer.mean() > NEARER)


def _answer(contest: Contest, standings: Sequence[Standing], started: float, deadline: float) -> Answer:
    own = _own(contest, standings)
    others = [standing for standing in standings if standing.trial.kinds]
    best = [one for one in others if own is not None and explains(one, own, contest, len(others))]
    chance = NONE / contest.total if contest.total else 1.0
    rest = sum(one.share for one in others if not one.trial.hopeless) - sum(one.share for one in best)
    best = by_likelihood(best) if sum(one.share for one in best) > chance else []
    now = time.monotonic()
    return Answer(
        best=tuple(best),
        nearest=others[0] if others else None,
        declared=own,
        chance=chance,
        rest=max(0.0, rest),
        tried=len(others),
        failed=sum(bool(trial.failed) for trial in contest.entered),
        evaluated=contest.trials.evaluated,
        asked=contest.trials.asked,
        seconds=now - started,
        out_of_time=now > deadline,
    )
