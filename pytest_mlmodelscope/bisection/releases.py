"""Which of a series of versions is the first that behaves otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.version import InvalidVersion, Version

from pytest_mlmodelscope.core.errors import UsageError

#: *skip*: it cannot be had here; *unclear*: measured, and neither.
Answer = Literal["good", "bad", "skip", "unclear"]


@dataclass(frozen=True, slots=True)
class Found:
    """The last version that is good and the first that is bad; between them lie those that nobody could judge."""

    last_good: str
    first_bad: str
    between: tuple[str, ...]


def between(known: Iterable[str], good: str, bad: str) -> list[str]:
    """The versions from ``good`` to ``bad``, both included, in this order; no pre-releases.

    Raises:
        UsageError: one of the two is not a version, or both are the same.
    """
    first, last = _version(good), _version(bad)
    if first == last:
        raise UsageError("--good and --bad are the same version", got=good)
    low, high = sorted((first, last))
    found = {version: text for text in known if (version := _known(text)) is not None and low < version < high}
    inner = [found[version] for version in sorted(found)]
    return [good, *(inner if first < last else reversed(inner)), bad]


def _known(text: str) -> Version | None:
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    return None if version.is_prerelease or version.is_devrelease else version


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise UsageError("is not a version", where=text, hint="such as 1.16.3") from None


def steps(count: int) -> int:
    """How many versions between two ends are measured at the most, where none is skipped."""
    return max(0, count - 2).bit_length()


def first_bad(versions: Sequence[str], ask: Callable[[str], Answer]) -> Found:
    """Halve the versions between a good first and a bad last one; each is asked for once at the most.

    As every bisection it takes for granted that the behaviour changes once. One that cannot be judged is passed by
    for its nearest neighbour; where none is left between, they are named.
    """
    good, bad = 0, len(versions) - 1
    passed: set[int] = set()
    while open_ := [index for index in range(good + 1, bad) if index not in passed]:
        middle = min(open_, key=lambda index: abs(2 * index - good - bad))
        answer = ask(versions[middle])
        if answer == "good":
            good = middle
        elif answer == "bad":
            bad = middle
        else:
            passed.add(middle)
    return Found(versions[good], versions[bad], tuple(versions[good + 1 : bad]))
