"""A target by what a user calls it."""

from __future__ import annotations

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.target import Target


def named(name: str) -> Target:
    """The target of this name; ``KIND://WHERE`` is one machine of a kind whose machines have addresses.

    Raises:
        UsageError: there is no such target, or the address is none.
    """
    kind, is_address, _ = name.partition("://")
    if kind not in names("targets"):
        raise UsageError(f'no target is called "{name}"', hint=did_you_mean(name, names("targets")))
    found = member("targets", kind)
    if is_address and not hasattr(found, "at"):
        raise UsageError(f"the target {kind} has no addresses", got=name, hint=f"--mlms-target {kind}")
    target: Target = found.at(name) if is_address else found
    return target
