"""The kinds of machine that there are, and what is behind them here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, NotApplicable, RemoteError
from pytest_mlmodelscope.library.cards import TargetCard
from pytest_mlmodelscope.targets import machines, named

#: What is also told of the first machine by itself, as that is the usual one.
_FIRST: Final = ("nature", "machine_class", "device", "memory")


def target_card(name: str) -> TargetCard:
    """What is told of one target, which is looked for now.

    Raises:
        UsageError: there is no such target; offers the nearest.
    """
    target = named(name)
    about = (target.__doc__ or "").strip().partition("\n")[0]
    try:
        found = tuple({**machine.identity, "facts": _plain(machine.facts)} for machine in machines(target))
    except (NotApplicable, EnvironmentUnavailable, RemoteError) as error:
        none: Any = dict.fromkeys(_FIRST)
        return TargetCard(name, about, here=False, **none, machines=(), reason=error.what, hint=error.hint)
    first: Any = {key: found[0][key] for key in _FIRST}
    return TargetCard(name, about, here=True, **first, machines=found, reason=None, hint=None)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in facts.items()}
