"""What is said of a model on other frameworks, as plain data and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_mlmodelscope.cause.beside import NAMED, Beside, NotTried, reaching
from pytest_mlmodelscope.cause.posterior import interval
from pytest_mlmodelscope.cause.unit import Unit


def plain(found: Sequence[Beside | NotTried], unit: Unit) -> list[dict[str, Any]]:
    """Everything that a record says of them; figures in the claim's unit."""
    return [_not_tried(one) if isinstance(one, NotTried) else _tried(one, unit) for one in found]


def causes(found: Sequence[Beside], unit: Unit) -> list[dict[str, Any]]:
    """Those that reach the published figure, as the record lists what explains it."""
    return [
        {
            "mismatch": ["framework"],
            "title": "framework",
            "words": f"it runs on {one.framework}",
            **_figure(one, unit),
            "n": one.n,
            "share": round(one.sure, 4),
            "changes": {"framework": one.framework},
        }
        for one in reaching(found)
    ]


def sentences(found: Sequence[Beside | NotTried], own: str, unit: Unit) -> Iterator[str]:
    """What came of it: of those that reach the figure first, then of the others together."""
    tried = [one for one in found if isinstance(one, Beside)]
    reached = reaching(tried)
    if reached:
        yield f"{_reaches(reached[0], unit)}; {_apart(reached[0], own)}"
    if reached[1:]:
        yield f"so it does on {_listed(one.framework for one in reached[1:])}"
    alike = [one for one in tried if one.word == "alike"]
    if alike:
        least = min(one.n for one in alike)
        most = max(len(one.otherwise) for one in alike)
        same = f"all but {most:,} of {least:,} items" if most else f"all of {least:,} items"
        verb = "decide" if len(alike) > 1 else "decides"
        yield f"{_listed(one.framework for one in alike)} {verb} {same} as {own} does: the framework is not the cause"
    yield from (_other(one, unit) for one in tried if one.word in ("otherwise", "open", "failed"))
    yield from _without(one for one in found if isinstance(one, NotTried))


def _reaches(one: Beside, unit: Unit) -> str:
    assert one.standing is not None  # there is a figure that it reaches
    figure = one.standing.figure
    told = f"({unit.text(figure)} on {one.n:,} items, {one.sure:.0%} sure)"
    return f"matches the claim within {unit.distance(figure)} when it runs on {one.framework} {told}"


def _apart(one: Beside, own: str) -> str:
    """In what it differs from the case's own framework."""
    more = ", ..." if len(one.otherwise) > NAMED else ""
    named = f": {', '.join(one.otherwise[:NAMED])}{more}" if one.otherwise else ""
    rightly = (
        "" if one.lost is None else f" ({one.won:,} that {one.framework} gets right, {one.lost:,} that it does not)"
    )
    return f"{own} decides {len(one.otherwise):,} of these items otherwise{rightly}{named}"


def _other(one: Beside, unit: Unit) -> str:
    if one.word == "failed":
        return f"{one.framework} gave no figure: {one.why}"
    if one.standing is None:
        return f"{one.framework} gave no answer in time"
    figure = f"{one.framework} gives {unit.text(one.standing.figure)} on {one.n:,} items"
    apart = f"deciding {len(one.otherwise):,} otherwise"
    if one.word == "open":
        return f"{figure}, {apart}: too few to tell whether the framework is the cause"
    return f"{figure}, {apart}: it does not reach the published figure either"


def _without(absent: Iterable[NotTried]) -> Iterator[str]:
    reasons: dict[str, list[NotTried]] = {}
    for one in absent:
        reasons.setdefault(one.why, []).append(one)
    for why, those in reasons.items():
        commands = list(dict.fromkeys(one.command for one in those if one.command))
        try_it = f" (try: {_one_command(commands)})" if commands else ""
        yield f"not tried: {_listed(one.framework for one in those)}, {why}{try_it}"


def _one_command(commands: Sequence[str]) -> str:
    """Plain builds as one command; those with packages of their own one after another."""
    build = "mlms env build "
    simple = [text.removeprefix(build) for text in commands if " --" not in text]
    rest = [text for text in commands if " --" in text]
    return " && ".join(([build + " ".join(simple)] if simple else []) + rest)


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _tried(one: Beside, unit: Unit) -> dict[str, Any]:
    return {
        "framework": one.framework,
        "word": one.word,
        **_figure(one, unit),
        "n": one.n,
        "otherwise": len(one.otherwise),
        "items": list(one.otherwise[:NAMED]),
        "won": one.won,
        "lost": one.lost,
        "seconds": round(one.seconds, 3),
        "why": one.why or None,
    }


def _figure(one: Beside, unit: Unit) -> Mapping[str, float | None]:
    if one.standing is None:
        return {"figure": None, "low": None, "high": None}
    low, high = interval(one.standing.draws)
    scale = unit.scale
    return {"figure": one.standing.figure * scale, "low": low * scale, "high": high * scale}


def _not_tried(one: NotTried) -> dict[str, Any]:
    return {"framework": one.framework, "word": "not tried", "why": one.why, "command": one.command or None}
