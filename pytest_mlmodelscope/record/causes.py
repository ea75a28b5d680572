"""What explains a change: which recorded differences the cases that changed share, and those that did not lack.

An association, no proof: what always comes together cannot be told apart by looking. ``mlms bisect`` swaps one
difference at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pytest_mlmodelscope.record.compare import Fact, Figure, facts
from pytest_mlmodelscope.record.flips import Flip
from pytest_mlmodelscope.verdict.disturbance import marked

Effect = Literal["time", "decisions", "numerics", "figure", "verdict"]

#: What is said of cases that changed, by what changed of them.
EFFECTS: Final[dict[Effect, str]] = {
    "time": "faster or slower",
    "decisions": "decided otherwise",
    "numerics": "other outputs, the same decisions",
    "figure": "another figure of the model itself",
    "verdict": "another verdict on the same figure",
}
#: What differences of a kind can explain: surely enough to look there first, or now and then.
USUAL: Final[dict[str, tuple[Effect, ...]]] = {
    "framework": ("time", "decisions", "numerics", "figure"),
    "precision": ("time", "decisions", "numerics", "figure"),
    "threads": ("time",),
    "batch": ("time",),
    "conditions": ("time",),
    "metric": ("decisions", "figure"),
    "model": ("time", "decisions", "numerics", "figure"),
    "data": ("decisions", "numerics"),
    "evidence": ("decisions", "numerics", "verdict"),
    "machine": ("time",),
    "governor": ("time",),
    "disturbed": ("time",),
    "claim": ("verdict",),
    "isolation": (),
    "system": (),
    "host": (),
    "commit": (),
}
POSSIBLE: Final[dict[str, tuple[Effect, ...]]] = {
    "framework": ("verdict",),
    "threads": ("decisions", "numerics"),
    "batch": ("decisions", "numerics"),
    "conditions": ("decisions", "numerics", "verdict"),
    "data": ("time", "figure"),
    "machine": ("decisions", "numerics", "figure"),
    "isolation": ("time",),
    "system": ("time", "numerics"),
    "host": ("decisions", "numerics", "verdict"),
    "commit": ("time", "decisions", "numerics", "figure", "verdict"),
}
#: Of conditions and of what a worker says of itself, what is a kind of its own.
_OWN_KIND: Final = {
    "threads": "threads",
    "precision": "precision",
    "batch": "batch",
    "isolation": "isolation",
    "metric_options": "metric",
}
_SYSTEM: Final = ("kernel", "os", "python", "memory")
#: Facts that no figure follows from.
_PASSING: Final = ("load_average", "limits", "missing", "turn", "parameters", "unit")

_Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cause:
    """Differences of one kind that the same cases have.

    ``explains`` are the changed cases with them, ``spared`` those with them that did not change, ``usual`` whether
    such a difference is what one looks at first. ``p`` is Fisher's exact one, one-sided: how often cases would
    share it so much by chance; None where all cases have it, so that the records cannot tell.
    """

    kind: str
    facts: tuple[Fact, ...]
    explains: tuple[str, ...]
    spared: tuple[str, ...]
    usual: bool
    p: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cases that changed in one way, and what may explain it, the likeliest first."""

    effect: Effect
    changed: tuple[str, ...]
    causes: tuple[Cause, ...]
    unexplained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One case in two records: by kind what differs around it, in what ways it changed, and in which it could have."""

    id: str
    differences: tuple[tuple[str, Fact], ...]
    effects: frozenset[Effect]
    measurable: frozenset[Effect]


def pair(old: _Case, now: _Case, around: Iterable[tuple[str, Fact]], figure: Figure | None, flip: Flip | None) -> Pair:
    """One case of two records; ``around`` is what differs for all of them (``around_all``)."""
    effects = set(_effects(now["kind"], figure, flip))
    if old["verdict"] != now["verdict"] and not effects:
        effects.add("verdict")
    differences = (*_own(old, now), *around)
    return Pair(now["id"], differences, frozenset(effects), frozenset(_measurable(old, now)))


def around_all(
    machine: Iterable[Fact], software: Iterable[Fact], settings: Iterable[Fact]
) -> Iterator[tuple[str, Fact]]:
    """What differs between two sessions, by kind: of the machine, of the host's packages, of commit and options."""
    for fact in machine:
        if not _is_passing(fact):
            kind = "governor" if fact.place == "governor" else "system" if fact.place in _SYSTEM else "machine"
            yield kind, fact
    yield from (("host", fact) for fact in software)
    for fact in settings:
        kind = "commit" if fact.place.startswith("commit.") else fact.place
        yield (kind if kind in USUAL else "conditions"), fact


def explanations(pairs: Sequence[Pair]) -> tuple[Explanation, ...]:
    """What may explain the changes, one explanation for each way in which cases changed."""
    return tuple(_explanation(effect, pairs) for effect in EFFECTS if any(effect in pair.effects for pair in pairs))


def _explanation(effect: Effect, pairs: Sequence[Pair]) -> Explanation:
    changed = [pair for pair in pairs if effect in pair.effects]
    others = [pair for pair in pairs if effect in pair.measurable and effect not in pair.effects]
    causes = [cause for cause in _causes(effect, changed, others) if cause.explains]
    left = [pair.id for pair in changed if not any(pair.id in cause.explains for cause in causes)]
    return Explanation(effect, tuple(pair.id for pair in changed), tuple(_in_order(causes)), tuple(left))


def _causes(effect: Effect, changed: Sequence[Pair], others: Sequence[Pair]) -> Iterator[Cause]:
    """Differences of one kind that the very same cases have are one cause."""
    having: dict[tuple[str, str], tuple[Fact, list[str]]] = {}
    for pair in [*changed, *others]:
        for kind, fact in pair.differences:
            if effect in (*USUAL[kind], *POSSIBLE.get(kind, ())):
                having.setdefault((kind, repr(fact)), (fact, []))[1].append(pair.id)
    groups: dict[tuple[str, tuple[str, ...]], list[Fact]] = {}
    for (kind, _), (fact, ids) in having.items():
        groups.setdefault((kind, tuple(dict.fromkeys(ids))), []).append(fact)
    for (kind, cases), together in groups.items():
        explains = tuple(pair.id for pair in changed if pair.id in cases)
        spared = tuple(pair.id for pair in others if pair.id in cases)
        p = _fisher(len(explains), len(changed), len(spared), len(others))
        yield Cause(kind, tuple(together), explains, spared, effect in USUAL[kind], p)


def _fisher(explains: int, changed: int, spared: int, others: int) -> float | None:
    from scipy.stats import hypergeom

    having, everything = explains + spared, changed + others
    if having == everything or not others:
        return None
    return float(hypergeom.sf(explains - 1, everything, having, changed))


def _in_order(causes: Iterable[Cause]) -> Iterator[Cause]:
    """The smallest set of causes that covers the changed cases, greedily; then the others by the same measure."""
    left, covered = list(causes), set[str]()
    while left:
        best = max(left, key=lambda cause: _weight(cause, covered))
        left.remove(best)
        covered.update(best.explains)
        yield best


def _weight(cause: Cause, covered: set[str]) -> tuple[float, float]:
    """Changed cases that nothing before explains, less for each case that has the difference and did not change."""
    share = len(cause.explains) / (len(cause.explains) + len(cause.spared))
    likely = share * (1.0 if cause.usual else 0.5)
    return len(set(cause.explains) - covered) * likely, len(cause.explains) * likely


# -- what differs for one case ------------------------------------------------------------


def _own(old: _Case, now: _Case) -> Iterator[tuple[str, Fact]]:
    """What differs for this case, by kind."""
    name = now["framework"]
    for fact in facts(old["software"], now["software"]) if old["software"] and now["software"] else ():
        if not _is_passing(fact):
            kind = _kind(fact, "framework")
            # Threads are threads, whatever the framework is.
            yield kind, Fact(f"{name}.{fact.place}", fact.a, fact.b) if kind == "framework" else fact
    for fact in facts(old["conditions"], now["conditions"]):
        # What a worker took is told above, whoever asked for it.
        if fact.place not in ("frameworks", "threads") or not now["software"]:
            yield _kind(fact, "conditions"), Fact(f"conditions.{fact.place}", fact.a, fact.b)
    for kind, keys in _KEYS.items():
        # Of a timed figure the number is that of its queries.
        if kind == "evidence" and now["kind"] != "items":
            continue
        for fact in facts({key: old.get(key) for key in keys}, {key: now.get(key) for key in keys}):
            yield kind, fact
    yield from _of_machine(old, now)


_KEYS: Final = {
    "model": ("model_digest", "assets", "made_of", "stages"),
    "data": ("data_digest", "dataset"),
    "evidence": ("n",),
    "claim": ("published", "tolerance", "direction"),
}


def _of_machine(old: _Case, now: _Case) -> Iterator[tuple[str, Fact]]:
    for fact in facts(old.get("machine") or {}, now.get("machine") or {}, "machine"):
        if old.get("machine") and now.get("machine") and not _is_passing(fact):
            yield "machine", fact
    disturbed = [_disturbed(case.get("watched") or {}) for case in (old, now)]
    if disturbed[0] != disturbed[1]:
        yield "disturbed", Fact("disturbed", *disturbed)


def _disturbed(watched: Mapping[str, Any]) -> list[str]:
    """What went on beside a timed figure, of the runs that were used all the same."""
    found = [reason for why in marked(watched).values() for reason in why]
    return sorted({*found, *(watched.get("throttled") or ())})


def _kind(fact: Fact, usual: str) -> str:
    return next((_OWN_KIND[part] for part in fact.place.split(".") if part in _OWN_KIND), usual)


def _is_passing(fact: Fact) -> bool:
    return any(part in _PASSING for part in fact.place.split("."))


# -- what changed -------------------------------------------------------------------------


def _measurable(old: _Case, now: _Case) -> Iterator[Effect]:
    yield "verdict"
    if old["measured"] is None or now["measured"] is None:
        return
    yield {"timed": "time", "items": "decisions"}.get(now["kind"], "figure")  # type: ignore[misc]
    if now["kind"] == "items":
        yield "numerics"


def _effects(kind: str | None, figure: Figure | None, flip: Flip | None) -> Iterator[Effect]:
    if figure is None:
        return
    moved = figure.judgement in ("better", "worse") or (figure.judgement == "not_comparable" and figure.absolute)
    if kind != "items":
        if moved:
            yield "time" if kind == "timed" else "figure"
    elif moved or (flip is not None and flip.differing):
        yield "decisions"
    elif flip is not None:
        yield "decisions" if flip.differing is None and "differing" in flip.why else "numerics"
