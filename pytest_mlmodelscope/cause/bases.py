"""Which single mistakes, undone, a second one is looked for beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pytest_mlmodelscope.cause.contest import Contest
from pytest_mlmodelscope.cause.trial import Trial

#: So many by each of the two measures, and so many of one kind.
OF_EACH: Final = 3
OF_A_KIND: Final = 2
#: How much more of the references an answer must tell than the manifest's own does.
MORE: Final = 0.05


def bases(contest: Contest, n: int) -> list[Trial]:
    """Trials whose figure is nearest to the published one, and those whose answers tell most of the references.

    The latter finds a mistake before the model that hides behind one after it: classes that are all called by
    another's name are never right, but still tell the items apart.
    """
    single = [trial for trial in contest.entered if len(trial.kinds) == 1 and trial.n >= n and not trial.failed]
    far = contest.distance(contest.declared)
    near = _chosen([trial for trial in single if contest.distance(trial) < far], contest.distance)
    told = association(contest.declared, n)
    telling = {id(trial): association(trial, n) for trial in single}
    more = [trial for trial in single if telling[id(trial)] > told + MORE and trial not in near]
    return near + _chosen(more, lambda trial: -telling[id(trial)])


def _chosen(trials: Sequence[Trial], key: Callable[[Trial], float]) -> list[Trial]:
    chosen: list[Trial] = []
    for trial in sorted(trials, key=key):
        of_kind = sum(other.kinds == trial.kinds for other in chosen)
        if of_kind < OF_A_KIND and len(chosen) < OF_EACH:
            chosen.append(trial)
    return chosen


def association(trial: Trial, n: int) -> float:
    """How much the first predictions of the first items tell of their references, from 0 for nothing to 1 for all.

    The adjusted mutual information, which is 0 for guesses; 0 too where references are no classes.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    given = [_first(prediction) for prediction in trial.predictions[:n]]
    wanted = [repr(reference) for reference in trial.references[:n]]
    if len(set(wanted)) > len(wanted) / 2 or len(set(given)) < 2:
        return 0.0
    return float(adjusted_mutual_info_score(wanted, given))


def _first(prediction: Any) -> str:
    return repr(prediction[0] if isinstance(prediction, list) and prediction else prediction)
