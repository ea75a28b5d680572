"""Hypothesis as a library: draws queries until one breaks the promise, then makes that one smaller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.interfaces.check import Query, Seen

#: The longest that a breach is made smaller, in seconds; what is smallest by then is shown.
SHRINK_SECONDS: Final = 20.0


@dataclass(slots=True)
class Found:
    """What a search came to: how many queries were drawn before a breach, the largest difference in them.

    ``query`` is the smallest that breaks the promise, ``seen`` what it shows. ``decided`` and
    ``differing`` count the items of all queries, ``differing_query`` is the first with a decision that
    differs. ``late`` says that the time was up before all were drawn, ``exhausted`` that there are no more.
    """

    examples: int = 0
    largest: float = 0.0
    query: Query | None = None
    seen: Seen | None = None
    decided: int = 0
    differing: int = 0
    differing_query: Query | None = None
    late: bool = False
    exhausted: bool = False
    remark: str = ""


class _Broken(Exception):
    """Told to Hypothesis: this query breaks the promise."""


class _Enough(BaseException):
    """Passes through Hypothesis: the time is up."""


class _Stop(BaseException):
    """Passes through Hypothesis: asking failed, so that nothing more can be asked."""


def search(
    strategy: Any,
    more: Iterable[Query],
    look: Callable[[Query], Seen],
    examples: int,
    seconds: float,
    home: Path,
) -> Found:
    """Look at so many queries, the same ones each time, then at ``more``; stop at the first breach, and
    make its query smaller.

    ``home`` is where Hypothesis may keep its tables.

    Raises:
        MlmsError: whatever ``look`` raises.
    """
    run = _Run(look, seconds)
    try:
        with _home(home):
            _hypothesis(strategy, run, examples)
        run.found.exhausted = run.found.seen is None and run.found.examples < examples
        for query in () if run.found.exhausted else more:
            run.once(query)
    except _Enough:
        run.found.late = run.found.seen is None
    except _Stop as stop:
        raise stop.args[0] from None
    except Exception:
        # A breach that does not come back each time is one all the same.
        if run.found.seen is None:
            raise
        run.simplest(more)
    return run.found


class _Run:
    """Looks at one query after another, and remembers."""

    def __init__(self, look: Callable[[Query], Seen], seconds: float) -> None:
        self._look = look
        self._until = time.monotonic() + seconds
        self.found = Found()

    def once(self, query: Query) -> None:
        """Look at a query; raises _Broken when it breaks the promise."""
        if time.monotonic() > self._until:
            raise _Enough
        try:
            seen = self._look(query)
        except Exception as error:  # noqa: BLE001  # raised again past Hypothesis
            raise _Stop(error) from None
        if self.found.seen is None:
            self._count(query, seen)
        if seen.breach is not None:
            self._keep(query, seen)
            raise _Broken

    def simplest(self, others: Iterable[Query]) -> None:
        """Keep a simpler one of these instead, where it breaks the promise too."""
        for query in others:
            assert self.found.query is not None  # there is a breach
            if _size(query) < _size(self.found.query):
                with suppress(_Broken, _Enough, _Stop):
                    self.once(query)

    def _count(self, query: Query, seen: Seen) -> None:
        found = self.found
        found.examples += 1
        found.largest = max(found.largest, seen.difference)
        found.decided += seen.decided
        found.differing += seen.differing
        found.remark = seen.remark
        if seen.differing and found.differing_query is None:
            found.differing_query = query

    def _keep(self, query: Query, seen: Seen) -> None:
        if self.found.seen is None:
            self._until = time.monotonic() + SHRINK_SECONDS
        # Hypothesis asks for nothing larger than the smallest that it has.
        self.found.query, self.found.seen = query, seen


def _size(query: Query) -> tuple[int, int, int]:
    """Items, elements, and how much there is to say: by these a query is simpler than another."""
    elements = sum(int(getattr(value, "size", len(value))) for item in query.items for value in item.values())
    return len(query.items), elements, sum(map(len, query.texts))


def _hypothesis(strategy: Any, run: _Run, examples: int) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(strategy)
    def each(query: Query) -> None:
        run.once(query)

    each()


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    """Let Hypothesis write below ``folder``, not where the user happens to be; as it was before, afterwards."""
    from hypothesis import configuration

    before = configuration.storage_directory(intent_to_write=False).home_directory
    configuration.set_hypothesis_home_dir(folder)
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(before)
