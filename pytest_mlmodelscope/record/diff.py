"""Two records side by side: what differs around them first, then verdicts, then figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.record.causes import Explanation, around_all, explanations, pair
from pytest_mlmodelscope.record.compare import Fact, Figure, compare, facts
from pytest_mlmodelscope.record.flips import Flip, flip
from pytest_mlmodelscope.record.series import MACHINE

#: What a gate can fail on, and what it fails on unless something else is asked for.
FAILURES: Final = ("verdict", "vanished", "figures", "machine")
USUAL: Final = FAILURES[:3]
#: A verdict with a higher number than before is worse.
RANK: Final = {"confirmed": 0, "inconclusive": 1, "not_applicable": 1, "refuted": 2, "error": 3}
#: Of the facts on a machine, those that say nothing about which machine it is.
_PASSING: Final = ("load_average",)
_COMMIT: Final = ("id", "branch", "dirty")
#: What the author's claim says; when it was edited, a verdict may change by that alone.
_CLAIM: Final = ("published", "tolerance", "direction")


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A case whose verdict is not what it was; ``reason`` is the new one's."""

    id: str
    claim: str
    framework: str
    a: str
    b: str
    reason: str
    worse: bool


@dataclass(frozen=True, slots=True)
class Lone:
    """A case that only one of the records has."""

    id: str
    claim: str
    framework: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that is not the same in two records, and every figure that both have.

    ``names`` are what the two are called, ``written`` when they were. ``settings`` holds what
    differs in commit and options, ``claims`` what differs in a claim itself. ``flips`` are the cases whose answers
    to single items, or whose outputs, are not the very same, ``explanations`` what may have caused all that changed.
    ``elsewhere`` are the cases that were timed on another machine in a than in b, ``findings`` what b shows that no
    single case does, as two models that are one, and a did not.
    """

    names: tuple[str, str]
    written: tuple[str, str]
    machine: tuple[Fact, ...]
    software: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    claims: tuple[Fact, ...]
    verdicts: tuple[VerdictChange, ...]
    vanished: tuple[Lone, ...]
    new: tuple[Lone, ...]
    figures: tuple[Figure, ...]
    compared: int
    flips: tuple[Flip, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    elsewhere: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    def worse(self, fail_on: Iterable[str] = USUAL) -> tuple[str, ...]:
        """A sentence for each thing that got worse, of the kinds asked for; empty lets a gate pass.

        Raises:
            UsageError: there is no such kind.
        """
        told = {
            "verdict": [f"{change.id}: {change.a} -> {change.b}" for change in self.verdicts if change.worse],
            "vanished": [f"{case.id}: vanished (was {case.verdict})" for case in self.vanished],
            "figures": [_figure_worse(figure) for figure in self.figures if figure.judgement == "worse"],
            "machine": [f"{id_}: was timed on another machine" for id_ in self.elsewhere],
        }
        return of_kinds(told, fail_on)


def of_kinds(told: Mapping[str, Sequence[str]], fail_on: Iterable[str]) -> tuple[str, ...]:
    """The sentences of the kinds that a gate is to fail on, in the order in which ``told`` has them.

    Raises:
        UsageError: there is no such kind.
    """
    chosen = set(fail_on)
    for kind in chosen.difference(told):
        raise UsageError(f'nothing to fail on is called "{kind}"', hint=did_you_mean(kind, told))
    return tuple(sentence for kind, sentences in told.items() if kind in chosen for sentence in sentences)


def around(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[tuple[str, Fact], ...]:
    """What differs between two records for all of their cases, by kind."""
    return tuple(around_all(_machine(a, b), _host(a, b), _settings(a, b)))


def findings_of(record: Mapping[str, Any]) -> list[str]:
    """What a record shows that no single case does, in words."""
    return [finding["text"] for finding in record["mlms"].get("findings", ())]


def _machine(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(facts(_lasting(a["mlms"]["machine"]), _lasting(b["mlms"]["machine"])))


def _host(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Fact, ...]:
    return tuple(facts(a["mlms"]["software"], b["mlms"]["software"]))


def _settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Fact, ...]:
    commits = facts(_picked(a["commit_info"], _COMMIT), _picked(b["commit_info"], _COMMIT), "commit")
    return (*commits, *facts(a["mlms"]["settings"], b["mlms"]["settings"]))


def diff(a: Mapping[str, Any], b: Mapping[str, Any], names: tuple[str, str] = ("a", "b")) -> Difference:
    """What changed from record a to record b."""
    ours, theirs = a["mlms"], b["mlms"]
    pairs, vanished, new = match(ours["cases"], theirs["cases"])
    shared = around(a, b)
    compared = [(old, now, compare(old, now), flip(old, now)) for old, now in pairs]
    known = findings_of(a)
    return Difference(
        names=names,
        written=(a["datetime"], b["datetime"]),
        machine=_machine(a, b),
        software=(*_host(a, b), *_frameworks(pairs)),
        settings=_settings(a, b),
        claims=tuple(_edited(pairs)),
        verdicts=tuple(_changed(old, now) for old, now in pairs if old["verdict"] != now["verdict"]),
        vanished=tuple(_lone(case) for case in vanished),
        new=tuple(_lone(case) for case in new),
        figures=tuple(figure for _, _, figure, _ in compared if figure is not None),
        compared=len(pairs),
        flips=tuple(flipped for _, _, _, flipped in compared if flipped is not None),
        explanations=explanations([pair(old, now, shared, figure, flipped) for old, now, figure, flipped in compared]),
        findings=tuple(text for text in findings_of(b) if text not in known),
        elsewhere=tuple(now["id"] for old, now in pairs if _is_elsewhere(old, now, ours["machine"], theirs["machine"])),
    )


_Case = Mapping[str, Any]
_Pairs = list[tuple[_Case, _Case]]


def match(a: Sequence[_Case], b: Sequence[_Case]) -> tuple[_Pairs, list[_Case], list[_Case]]:
    """Cases of both, of the first only, of the second only.

    They belong together by id; of what is left, by claim and framework where each side has one.
    """
    pairs, only_a, only_b = _matched(_numbered(a, "id"), _numbered(b, "id"))
    more, only_a, only_b = _matched(_lonely(only_a), _lonely(only_b))
    return pairs + more, only_a, only_b


def _matched(a: Mapping[Any, _Case], b: Mapping[Any, _Case]) -> tuple[_Pairs, list[_Case], list[_Case]]:
    pairs = [(case, b[key]) for key, case in a.items() if key in b]
    return pairs, [case for key, case in a.items() if key not in b], [case for key, case in b.items() if key not in a]


def _numbered(cases: Iterable[_Case], *keys: str) -> dict[tuple[Any, ...], _Case]:
    """The cases by some of their keys and a number, as a session can hold one twice."""
    found: dict[tuple[Any, ...], _Case] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for case in cases:
        key = tuple(case[name] for name in keys)
        seen[key] = seen.get(key, 0) + 1
        found[(*key, seen[key])] = case
    return found


def _lonely(cases: Iterable[_Case]) -> dict[tuple[Any, ...], _Case]:
    """By claim and framework; where that is not enough to tell them apart, the id is part of the key."""
    numbered = _numbered(cases, "claim", "framework")
    twins = {key[:-1] for key in numbered if key[-1] > 1}
    return {(*key, case["id"]) if key[:-1] in twins else key: case for key, case in numbered.items()}


def _is_elsewhere(old: _Case, now: _Case, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether two timed figures are of different machines, which is told by the cases or else by their sessions."""
    machines = [_picked(case.get("machine") or session, MACHINE) for case, session in ((old, ours), (now, theirs))]
    return old["kind"] == now["kind"] == "timed" and machines[0] != machines[1]


def _lasting(machine: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in machine.items() if key not in _PASSING}


def _picked(mapping: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: mapping.get(key) for key in keys}


def _frameworks(pairs: _Pairs) -> Iterator[Fact]:
    """What the workers said of themselves, once for each framework rather than for each case."""
    seen: list[Fact] = []
    for old, now in pairs:
        if not old["software"] or not now["software"]:  # one of them never ran
            continue
        for fact in facts(old["software"], now["software"], now["framework"]):
            if fact not in seen:
                seen.append(fact)
                yield fact


def _edited(pairs: _Pairs) -> Iterator[Fact]:
    seen: list[Fact] = []
    for old, now in pairs:
        for fact in facts(_picked(old, _CLAIM), _picked(now, _CLAIM), now["claim"]):
            if fact not in seen:
                seen.append(fact)
                yield fact


def _changed(old: _Case, now: _Case) -> VerdictChange:
    return VerdictChange(
        id=now["id"],
        claim=now["claim"],
        framework=now["framework"],
        a=old["verdict"],
        b=now["verdict"],
        reason=now["reason"],
        worse=RANK[now["verdict"]] > RANK[old["verdict"]],
    )


def _lone(case: _Case) -> Lone:
    return Lone(case["id"], case["claim"], case["framework"], case["verdict"])


def _figure_worse(figure: Figure) -> str:
    share = "" if figure.relative is None else f" ({figure.relative:+.1%})"
    return f"{figure.id}: {figure.a.value:.6g} -> {figure.b.value:.6g} {figure.unit}{share}"
