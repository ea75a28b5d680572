"""Sentences for a person who waits: plain text, which may know how far the work is."""

from __future__ import annotations

from collections.abc import Callable

#: Gets a sentence now and then.
Progress = Callable[[str], None]


class Part(str):
    """A sentence about work of which ``done`` of ``total`` (both in one unit) is done; a total of 0 is not known."""

    __slots__ = ("done", "total")

    def __new__(cls, text: str, done: float, total: float) -> Part:
        """The text, and how far it is."""
        part = super().__new__(cls, text)
        part.done, part.total = done, total
        return part

    done: float
    total: float
