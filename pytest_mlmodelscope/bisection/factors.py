"""What can be swapped between two stacks, and what it makes of a case."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pytest_mlmodelscope.core.errors import UsageError, did_you_mean
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.result import Case

#: Conditions of a claim that can be swapped, and how a person's text is read.
CONDITIONS: Final[dict[str, Callable[[str], Any]]] = {
    "threads": int,
    "batch": int,
    "precision": str,
    "scenario": str,
    "measures": str,
}
#: What a name with a dot stands for.
DOTTED: Final = {
    "package": "a package beside the framework, by its version",
    "option": "an option of the framework's section in the manifest",
    "variable": "an environment variable of the worker",
}
_NOTHING: Final = ("-", "")


@dataclass(frozen=True, slots=True)
class Factor:
    """One difference: its name (``version``, ``threads``, ``package.numpy``...) and its value on either side.

    A value that is None means that this side has no such thing, or leaves it to the framework.
    """

    name: str
    a: Any
    b: Any


def factor(text: str) -> Factor:
    """A factor as a person writes it: ``threads=1,2`` or ``variable.OMP_WAIT_POLICY=-,ACTIVE``.

    Raises:
        UsageError: it is not of that form, or nothing of this name can be swapped.
    """
    name, _, sides = text.partition("=")
    values = [part.strip() for part in sides.split(",")]
    if len(values) != 2 or values[0] == values[1]:
        raise UsageError("--vary wants two different values", expected="NAME=A,B such as threads=1,2", got=text)
    head, dot, rest = name.partition(".")
    if name != "version" and name not in CONDITIONS and not (head in DOTTED and dot and rest):
        known = ["version", *CONDITIONS, *(f"{kind}.NAME" for kind in DOTTED)]
        raise UsageError(f'nothing called "{name}" can be swapped', hint=did_you_mean(name, known))
    return Factor(name, *(_read(name, value) for value in values))


def _read(name: str, text: str) -> Any:
    if text in _NOTHING:
        return None
    if name.startswith("option."):
        return {"true": True, "false": False}.get(text, int(text) if re.fullmatch("-?[0-9]+", text) else text)
    try:
        return CONDITIONS.get(name, str)(text)
    except ValueError:
        raise UsageError(f"{name} is a whole number", got=text) from None


def stack(case: Case, values: Mapping[str, Any]) -> Case:
    """The case with these values of factors, by their names."""
    for name, value in values.items():
        case = _with(case, name, value)
    return case


def _with(case: Case, name: str, value: Any) -> Case:
    head, _, rest = name.partition(".")
    _refuse_of_single(case, name)
    if name == "version":
        return dataclasses.replace(case, requirement=f"=={value}" if value else "")
    if name in CONDITIONS:
        return case.under(**{name: value})
    if head == "package":
        return _using(case, packages=_installed(case.framework, rest, value))
    # Neither is part of what a worker is known by: a model with other options is another one to it.
    marked = hashlib.sha256(f"{case.model.digest}{name}={value}".encode()).hexdigest()
    case = dataclasses.replace(case, model=dataclasses.replace(case.model, digest=marked))
    if head == "option":
        return _using(case, options=_set(case.framework.options, rest, value))
    return _using(case, variables=_set(case.framework.variables, rest, value))


def _refuse_of_single(case: Case, name: str) -> None:
    """Refuse to swap in a pipeline what its stages would not be told of.

    Raises:
        UsageError: it is of one model, or of one framework.
    """
    model = case.model
    if model.stages and name.partition(".")[0] in DOTTED:
        raise UsageError(
            f"{name} is not swapped in {model.name}, which is a pipeline: its stages would not be told of it",
            hint="bisect a claim about the model of a stage: " + ", ".join(stage.model.name for stage in model.stages),
        )
    if case.framework.stages and name == "version":
        what = f"no version is swapped where the stages of {model.name} are on several frameworks"
        raise UsageError(what, got=case.framework.name)


def _using(case: Case, **changes: Any) -> Case:
    return dataclasses.replace(case, framework=dataclasses.replace(case.framework, **changes))


def _installed(use: FrameworkUse, name: str, version: str | None) -> tuple[str, ...]:
    others = tuple(text for text in use.packages if re.split(r"[=<>!~\[; ]", text)[0].lower() != name.lower())
    return (*others, f"{name}=={version}") if version else others


def _set(mapping: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    kept = {name: inner for name, inner in mapping.items() if name != key}
    return kept if value is None else {**kept, key: value}


def in_words(factors: Iterable[Factor]) -> str:
    """All of them, with both values."""
    return ", ".join(f"{one.name} {_shown(one.a)} -> {_shown(one.b)}" for one in factors)


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
