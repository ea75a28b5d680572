"""Extension points: members by name, found through entry points, imported when used.

A group's built-in members and a third party's come the same way. An entry point of the
group ``mlms.<plural>`` names either an object or a module; of a module that holds one file
per member the built-in members are listed without importing any of them.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean

_PACKAGE = "pytest_mlmodelscope"


@functools.cache
def _members(group: str) -> dict[str, str]:
    """Name -> import path of every member, the built-in ones first."""
    folder = Path(__file__).parent.parent / group
    found = {
        info.name: f"{_PACKAGE}.{group}.{info.name}"
        for info in pkgutil.iter_modules([str(folder)])
        if not info.name.startswith("_")
    }
    for entry in metadata.entry_points(group=f"mlms.{group}"):
        found.setdefault(entry.name, entry.value)
    return found


@functools.cache
def names(group: str) -> tuple[str, ...]:
    """The names of all members of an extension point, sorted; imports none of them."""
    return tuple(sorted(_members(group)))


def location(group: str, name: str) -> str:
    """The import path of one member.

    Raises:
        UsageError: there is no such member; offers the nearest name.
    """
    members = _members(group)
    if name not in members:
        raise UsageError(f'no {group.rstrip("s")} is called "{name}"', hint=did_you_mean(name, members))
    return members[name]


@functools.cache
def member(group: str, name: str) -> Any:
    """The module or object of one member, imported now.

    Raises:
        UsageError: there is no such member; offers the nearest name.
    """
    module, _, attribute = location(group, name).partition(":")
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
