"""Every error that a user can meet, in one tree.

MlmsError
├── DocumentError         a YAML or JSON document is not what its schema says
├── UsageError            a command or an option is wrong
├── SignatureError        a record is not what was signed, or nobody trusted signed it
├── InputError            what a model was given is not what it takes
├── AssetError            a file of a model or a dataset cannot be used
│   ├── ChecksumError     its bytes are not the ones that the manifest names
│   └── OfflineError      it is not in the cache and the network is switched off
├── RemoteError           another machine cannot be reached, or fails
├── EnvironmentUnavailable  a framework cannot be had on this machine
├── NotApplicable         this machine is not what the claim is about
└── WorkerError           the model's process failed
├── ModelError        the framework refused the model or an input
├── WorkerDied        it crashed or was killed
└── WorkerTimeout     it did not answer in time
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

#: Characters of one part of a message.
LONGEST: Final = 4000


class MlmsError(Exception):
    """What is wrong, where, what was expected and got, and what to do next.

    ``where`` is a path, ``file:line`` or a command; ``hint`` is the next thing to try.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | Path | None = None,
        expected: object = None,
        got: object = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        what = _bounded(self.what)
        return self._with_rest(f"{self.where}: {what}" if self.where else what)

    def abroad(self) -> str:
        """What is told to somebody at another machine: not ``where``, a path of this one, nor what a worker printed."""
        return self._with_rest(_bounded(self.what))

    def _with_rest(self, first: str) -> str:
        lines = [first]
        if self.expected is not None:
            lines.append(f"  expected: {_bounded(self.expected)}")
        if self.got is not None:
            lines.append(f"  got:      {_bounded(self.got)}")
        if self.hint:
            lines.append(f"  try:      {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__))


def _bounded(value: object) -> str:
    # A name from a broken file may be as long as the file.
    text = str(value)
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} ... {text[-half:]}"


def _rebuild(cls: type[MlmsError], state: dict[str, object]) -> MlmsError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = (state["what"],)
    return error


class DocumentError(MlmsError):
    """A claim, manifest or other document is not what its schema says."""


class UsageError(MlmsError):
    """A command or an option is wrong."""


class InputError(MlmsError):
    """What a model was given is not what it takes."""


class SignatureError(MlmsError):
    """A record is not what was signed, or not by a key that is trusted here."""


class AssetError(MlmsError):
    """A file of a model or a dataset cannot be used."""


class ChecksumError(AssetError):
    """The bytes are not the ones that the manifest names."""


class OfflineError(AssetError):
    """The file is not in the cache and the network is switched off."""


class EnvironmentUnavailable(MlmsError):
    """A framework cannot be had on this machine."""


class RemoteError(MlmsError):
    """Another machine cannot be reached, or a command there failed."""


class NotApplicable(MlmsError):
    """This machine, its frameworks or its data are not what the claim is about."""


class WorkerError(MlmsError):
    """The process that runs a model failed; ``tail`` holds its last lines."""

    tail: tuple[str, ...] = ()

    def with_tail(self, tail: Iterable[str]) -> WorkerError:
        """The same error, knowing the last lines that the worker printed."""
        self.tail = tuple(tail)
        return self

    def __str__(self) -> str:
        text = super().__str__()
        if self.tail:
            text += "\n  last lines of the worker:" + "".join(f"\n    | {line}" for line in self.tail)
        return text


class ModelError(WorkerError):
    """The framework refused the model or an input."""


class WorkerDied(WorkerError):
    """The worker crashed or was killed."""


class WorkerTimeout(WorkerError):
    """The worker did not answer in time and was ended."""


def near(word: str, choices: Iterable[str]) -> str | None:
    """A sentence that offers the nearest of ``choices``; None where none is near."""
    found = difflib.get_close_matches(str(word), sorted(map(str, choices)), n=1, cutoff=0.6)
    return f'did you mean "{found[0]}"?' if found else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """A sentence that offers the nearest of ``choices``, or lists them when none is near.

    >>> did_you_mean("metrc", ["metric", "model"])
    'did you mean "metric"?'
    """
    known = sorted(str(choice) for choice in choices)
    nearest = near(word, known)
    if nearest or not known:
        return nearest
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"one of: {shown}"
