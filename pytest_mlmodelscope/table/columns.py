"""Which column of a table says what, from its header and what the user says of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.table.metric import CLAIMED, Heading, heading, named

#: What a column may say -> the headings that are taken to say it, the likeliest first.
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "model": ("model", "model_name", "network", "net", "architecture", "name"),
    "version": ("version", "model_version"),
    "framework": ("framework", "framework_name", "fw", "stack", "backend", "runtime", "engine", "library", "software"),
    "framework_version": ("framework_version", "fw_version", "backend_version", "runtime_version", "stack_version"),
    "machine": (
        "machine", "arch", "architecture", "hardware", "device", "target", "platform", "host", "system", "processor",
        "cpu", "gpu",
    ),
    "dataset": ("dataset", "data", "benchmark", "task", "test_set"),
    "split": ("split", "subset"),
    "precision": ("precision", "dtype", "quantization"),
    "batch": ("batch", "batch_size", "batchsize"),
    "metric": ("metric", "measure", "metric_name"),
    "value": ("value", "result", "score", "measured", "figure"),
    "unit": ("unit", "units"),
    "n": (
        "n", "items", "samples", "count", "images", "examples", "n_items", "n_samples", "n_images", "n_examples",
        "num_items", "num_samples", "num_images", "num_examples", "sample_size", "test_size",
    ),
    "published": (*CLAIMED, "published_value", "claimed_value"),
    "tolerance": ("tolerance", "tol"),
    "published_n": ("published_n", "claimed_n", "published_items", "claimed_items"),
}  # fmt: skip
#: Roles of which several columns are joined.
_JOINED: Final = ("machine",)
#: How alike a heading and the name of a role must be for one to be a slip of the other.
_NEAR: Final = 0.8


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of columns. ``wide`` maps the place of a column of figures to its heading, ``ignored``
    are the headings of which nothing is read.
    """

    roles: Mapping[str, tuple[int, ...]]
    wide: Mapping[int, Heading] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def layout(header: Sequence[str], where: str, given: Mapping[str, str], metrics: Sequence[str], claims: bool) -> Layout:
    """The layout of a table with this header.

    ``given`` maps roles to headings and ``metrics`` are headings of figures, both by the user's word;
    ``claims``: every figure is a claimed one.

    Raises:
        DocumentError: a column is needed and not there, or misspelt.
    """
    roles = _chosen(header, where, given)
    taken = {place for places in roles.values() for place in places}
    _guess(header, roles, taken)
    wide = {} if "metric" in roles and "value" in roles else _wide(header, taken, metrics, where)
    if not wide:
        roles = _with_value(_with_claim(header, roles, taken), claims)
    free = [text for place, text in enumerate(header) if place not in taken and place not in wide and text.strip()]
    _refuse_slips(free, roles, wide, where)
    _require(header, roles, wide, where)
    return Layout(roles, wide, tuple(free))


def _chosen(header: Sequence[str], where: str, given: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    for role, text in given.items():
        if role not in ROLES:
            raise DocumentError(f'no column is "{role}"', where=where, hint=did_you_mean(role, ROLES))
        if text not in header:
            raise DocumentError(f'no column is called "{text}"', where=where, hint=did_you_mean(text, header))
    return {role: (list(header).index(text),) for role, text in given.items()}


def _guess(header: Sequence[str], roles: dict[str, tuple[int, ...]], taken: set[int]) -> None:
    plain = [tidy(text) for text in header]
    for role, headings in ROLES.items():
        if role in roles:
            continue
        places = [plain.index(text) for text in headings if text in plain and plain.index(text) not in taken]
        if places:
            roles[role] = tuple(sorted(places)) if role in _JOINED else tuple(places[:1])
            taken.update(roles[role])


def tidy(text: str) -> str:
    """A heading in small letters, its words joined by underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")


def _wide(header: Sequence[str], taken: set[int], metrics: Sequence[str], where: str) -> dict[int, Heading]:
    for text in metrics:
        if text not in header:
            raise DocumentError(f'no column is called "{text}"', where=where, hint=did_you_mean(text, header))
    found = {}
    for place, text in enumerate(header):
        told = heading(text)
        if text in metrics and told is None:
            told = Heading(named(text), None, claimed=False)
        if told is not None and place not in taken:
            found[place] = told
    return found


def _with_claim(
    header: Sequence[str], roles: dict[str, tuple[int, ...]], taken: set[int]
) -> dict[str, tuple[int, ...]]:
    """A column such as `claimed accuracy` in a table with a line for each figure."""
    if "published" not in roles:
        for place, text in enumerate(header):
            told = heading(text)
            if place not in taken and told is not None and told.claimed:
                taken.add(place)
                return {**roles, "published": (place,)}
    return roles


def _with_value(roles: dict[str, tuple[int, ...]], claims: bool) -> dict[str, tuple[int, ...]]:
    """In a table of claims the claimed figure is the value."""
    if claims and "value" not in roles and "published" in roles:
        return {**{role: places for role, places in roles.items() if role != "published"}, "value": roles["published"]}
    return roles


def _refuse_slips(
    free: Sequence[str], roles: Mapping[str, tuple[int, ...]], wide: Mapping[int, Heading], where: str
) -> None:
    """A column that nearly is one of those that are missing is a slip, not a stranger."""
    missing = {name: role for role, names in ROLES.items() if role not in roles for name in names if len(name) > 2}
    for text in free:
        near = difflib.get_close_matches(tidy(text), missing, n=1, cutoff=_NEAR)
        if near and not (wide and missing[near[0]] in ("metric", "value", "published", "unit")):
            raise DocumentError(
                f'no column is called "{text}"',
                where=where,
                hint=f'did you mean "{near[0]}"? Else `--column {missing[near[0]]}=HEADING` says which one it is',
            )


def _require(
    header: Sequence[str], roles: Mapping[str, tuple[int, ...]], wide: Mapping[int, Heading], where: str
) -> None:
    if "model" not in roles:
        raise DocumentError(
            "no column names the model",
            where=where,
            expected=f"one of {', '.join(ROLES['model'])}",
            got=", ".join(header),
            hint="`--column model=HEADING` says which one it is",
        )
    if not any(not told.claimed for told in wide.values()) and "value" not in roles and not wide:
        raise DocumentError(
            "no column holds figures",
            where=where,
            expected="`metric` and `value`, or columns such as `top1`, `accuracy`, `latency_ms`",
            got=", ".join(header),
            hint="`--metric HEADING` names a column of figures",
        )
