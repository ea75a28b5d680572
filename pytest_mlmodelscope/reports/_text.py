"""Figures, sources and facts in words: as many digits as the uncertainty bears."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_mlmodelscope.core.claim import COUNTEREXAMPLES
from pytest_mlmodelscope.core.result import WORDS
from pytest_mlmodelscope.record.compare import Fact, Figure, Value
from pytest_mlmodelscope.record.diff import Difference

#: Significant digits of a figure whose uncertainty is not known, or is nothing.
DIGITS: Final = 6
_LARGE, _SMALL = 1e15, 1e-9
_LONG: Final = 100
_DIGEST: Final = re.compile("[0-9a-f]{40,}")
JUDGEMENTS: Final = {
    "same": "within uncertainty",
    "equivalent": "equivalent",
    "inconclusive": "inconclusive",
    "better": "better",
    "worse": "WORSE",
    "not_comparable": "not comparable",
}


def measured(case: Mapping[str, Any]) -> str:
    """A case's figure with its unit and its interval, or a dash."""
    if case["measured"] is None:
        return "-"
    if case["unit"] == COUNTEREXAMPLES:
        return _checked(case)
    interval = case["interval"] or {"low": None, "high": None}
    value = Value(
        case["measured"], interval["low"], interval["high"], case["n"], bool(case.get("census")), case.get("kind")
    )
    told = case.get("evidence")
    # What the whole machine is stands beside its name.
    return figure(value, case["unit"]) + (f", {told}" if told and told != _nature(case) else "")


def _checked(case: Mapping[str, Any]) -> str:
    if case["measured"]:
        return "1 counterexample"
    apart = (case.get("check") or {}).get("largest_difference")
    return f"none in {case['n']:,}" + (f", at most {apart:.2g} apart" if apart else "")


def figure(value: Value, unit: str, least: int = 0) -> str:
    """``0.12 ms [0.11, 0.13]``, or ``99.407 % (all 60,000)`` where every item was evaluated; an uncertain one to
    ``least`` decimals at least.
    """
    places = decimals(value, unit)
    places = None if places is None else max(places, least)
    text = with_unit(number(value.value, places), unit)
    if value.kind in ("static", "check") or (value.kind == "counted" and value.low == value.high):
        return text
    if value.census:
        return f"{text} (all {value.n:,})"
    if value.low is None and value.high is None:
        return text
    return f"{text} [{_end(value.low, places, '-inf')}, {_end(value.high, places, 'inf')}]"


def published(case: Mapping[str, Any]) -> str:
    """The published figure with its unit, in its own digits; what a check promises."""
    if case["unit"] == COUNTEREXAMPLES:
        return "no counterexample"
    return with_unit(number(case["published"], None), case["unit"])


def with_unit(text: str, unit: str) -> str:
    """A number and its unit; a bare number where the unit is 1."""
    return text if unit == "1" else f"{text} {unit}"


def number(value: float, places: int | None) -> str:
    """To so many decimals (None: six significant digits), thousands apart, never a long tail."""
    if not math.isfinite(value):
        return str(value)
    if value and not _SMALL <= abs(value) < _LARGE:
        return f"{value:.4g}"
    if places is not None:
        return f"{value:,.{places}f}"
    if value and abs(value) < 1e-4:
        return f"{value:.{DIGITS}g}"
    short = f"{value:,.{max(0, DIGITS - 1 - _exponent(value))}f}"
    return short.rstrip("0").rstrip(".") if "." in short else short


def decimals(value: Value, unit: str) -> int | None:
    """How many decimals the uncertainty bears: one digit of it, of an interval two where the first is a 1."""
    resolution = _resolution(value, unit)
    if not resolution or not math.isfinite(resolution) or not math.isfinite(value.value):
        return None
    exponent = _exponent(resolution)
    if exponent < -15:
        return None
    if not value.census and resolution / 10.0**exponent < 1.95:
        exponent -= 1
    return max(0, -exponent)


def _resolution(value: Value, unit: str) -> float:
    """The width of the interval; one item's worth where there is no sampling error."""
    if value.census:
        return 0.0 if value.kind != "items" or not value.n else (100.0 if unit == "%" else 1.0) / value.n
    if value.low is None or value.high is None:
        return 0.0
    return value.high - value.low


def _exponent(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def _nature(case: Mapping[str, Any]) -> str:
    return str((case.get("machine") or {}).get("nature", "hardware"))


def _end(value: float | None, places: int | None, unbounded: str) -> str:
    return unbounded if value is None else number(value, places)


def change(figure: Figure) -> str:
    """Absolute change in the unit and relative change, with the interval of the ratio if known."""
    if not figure.absolute:
        return "unchanged"
    text = with_unit(f"{figure.absolute:+.3g}", {"%": "points"}.get(figure.unit, figure.unit))
    if figure.relative is not None and math.isfinite(figure.relative):
        text += f" ({100 * figure.relative:+.3g} % relative)"
    if figure.ratio is not None:
        text += f", ratio [{figure.ratio[0]:#.3g}, {figure.ratio[1]:#.3g}]"
    if figure.judgement == "inconclusive":
        text += f"; {figure.basis}"
    return text


def source(case: Mapping[str, Any]) -> str:
    """Title and place of what the figure was published in."""
    found = case["source"]
    year = f" ({found['year']})" if found.get("year") else ""
    return plain(f"{found['title']}{year}, {found['where']}")


def framework(case: Mapping[str, Any]) -> str:
    """The framework with the version that was asked for, and the target unless it is the CPU."""
    name = plain(f"{case['framework']}{case.get('requirement') or ''}")
    nature = _nature(case)
    told = "" if nature == "hardware" else f" ({nature})"
    return name if case["target"] == "cpu" else f"{name} on {plain(case['target'])}{told}"


def verdict(case: Mapping[str, Any]) -> str:
    """The verdict's words, and whether it is a known one."""
    word = str(case["verdict"]).replace("_", " ")
    known = case.get("known")
    if known is None:
        return word
    return f"{word} (known)" if known["matched"] else f"{word} (not as known)"


def remarks(case: Mapping[str, Any]) -> list[str]:
    """What a reader must know besides the figure: why it is not confirmed, what is accepted."""
    told = []
    if case["verdict"] != "confirmed":
        told.append(plain(case["reason"]))
    if (case.get("cause") or {}).get("sentence"):
        told.append(plain(f"why: {case['cause']['sentence']}"))
    if case.get("known"):
        told.append(plain(f"known: {case['known']['reason']}"))
    if case["baseline"]["status"] in {"worse", "better"}:
        told.append(plain(f"baseline: {case['baseline']['reason']}"))
    told += side_by_side(case.get("timing") or {})
    slowed = (case.get("watched") or {}).get("throttled")
    if slowed:
        told.append(plain(f"THROTTLED: the device was slowed down while it was timed ({', '.join(slowed)})"))
    told += disturbed(case)
    if case["failed"]:
        told.append(f"{case['failed']:,} items without an answer count as wrong")
    return told


def disturbed(case: Mapping[str, Any]) -> list[str]:
    """How many of a timed case's process runs something disturbed, and what; one line, or none."""
    found: dict[str, list[str]] = {}
    for run in (case.get("watched") or {}).get("runs") or ():
        if run["why"]:
            found.setdefault(run["use"], []).extend(run["why"][:1])
    if not found:
        return []
    what = ", ".join(f"{len(reasons):,} {use}" for use, reasons in found.items())
    return [plain(f"DISTURBED process runs: {what} ({next(iter(found.values()))[0]})")]


def side_by_side(timing: Mapping[str, Any]) -> list[str]:
    """What a timed case was found to be against another stack, or what the gate was found to be worth."""
    told = []
    if compared := timing.get("comparison"):
        told.append(plain(f"against {compared['against']}: {compared['text']}"))
    if found := timing.get("aa"):
        told += [plain(line) for line in _gate(found)]
    return told


def _gate(found: Mapping[str, Any]) -> Iterator[str]:
    low, high = (_share(end) for end in found["false_alarms_interval"])
    yield (
        f"gate against itself: false alarms {_share(found['false_alarms'])} (95 % interval {low} to {high}; "
        f"wanted: {_share(found['aims']['false_alarms'])} at most)"
    )
    low, high = (_share(end) for end in found["power_interval"])
    yield (
        f"a slowdown of {_share(found['change'])} is seen in {_share(found['power'])} ({low} to {high}; "
        f"wanted: {_share(found['aims']['power'])}); the smallest that is seen so often: {_smallest(found)}"
    )
    same, slower = found["seconds_a_decision"]
    said = ", ".join(f"{count} {word}" for word, count in found["decided"].items() if count) or "none"
    yield (
        f"{found['blocks']} blocks of two fresh processes in {found['seconds']:.0f} s, which spread by "
        f"{_share(found['spread'])}; a decision takes {same:.0f} s without a difference and {slower:.0f} s with that "
        f"slowdown; decisions one after another: {said}"
    )


def _smallest(found: Mapping[str, Any]) -> str:
    least, (low, high) = found["smallest"], found["smallest_interval"]
    if least is None:
        return "none up to a factor of 2"
    return f"{_share(least - 1)} ({_share(low - 1)} to {'more than 100 %' if high is None else _share(high - 1)})"


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value < 0.995 else f"{100 * value:.3g} %"


def counts(cases: Iterable[Mapping[str, Any]]) -> str:
    """``8 confirmed, 1 refuted``, in the order of the five words."""
    found = Counter(case["verdict"] for case in cases)
    return ", ".join(f"{found[word]:,} {word.replace('_', ' ')}" for word in WORDS if found[word]) or "no cases"


def moved(difference: Difference) -> tuple[list[Figure], str]:
    """The figures that are not the very same in both records, and how many others there are."""
    others = [figure for figure in difference.figures if figure.absolute or figure.differing]
    same = len(difference.figures) - len(others)
    return others, f"{same:,} more {'figure is' if same == 1 else 'figures are'} the same in both" if same else ""


def fact_groups(difference: Difference) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    """What differs around two records, under the headings that every report uses."""
    return (
        ("machine", difference.machine),
        ("software", difference.software),
        ("commit and settings", difference.settings),
        ("claims that were edited", difference.claims),
    )


def fact_rows(facts: Sequence[Fact]) -> list[tuple[str, str, str]]:
    """Place, a's and b's value of each, short enough for a table."""
    return [(plain(fact.place), shown(fact.a), shown(fact.b)) for fact in facts]


def shown(value: Any) -> str:
    """A plain datum as a person would write it; what is long is cut in the middle."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, None)
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return f"{value[:12]}..."
    if isinstance(value, Mapping):
        value = [f"{key}: {shown(inner)}" for key, inner in value.items()]
    text = ", ".join(map(shown, value)) if isinstance(value, (list, tuple)) else plain(str(value))
    return text if len(text) <= _LONG else f"{text[: _LONG // 2]}...{text[-_LONG // 4 :]}"


def plain(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """Blanks in place of what has no picture."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
