"""Read claim files.

A file holds one claim, or several under ``claims:``; what stands beside that key is the
default of every claim in the list, so that one source need not be written ten times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pytest_mlmodelscope.claim.pattern import pattern
from pytest_mlmodelscope.core.claim import (
    COUNTEREXAMPLES,
    OWN_REQUIREMENT,
    Claim,
    Conditions,
    DataUse,
    Hardware,
    Source,
    Tolerance,
)
from pytest_mlmodelscope.core.document import Document, Pointer, read_document, shown_path
from pytest_mlmodelscope.core.errors import DocumentError, UsageError, did_you_mean
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.schema import check, check_against
from pytest_mlmodelscope.core.units import factor
from pytest_mlmodelscope.interfaces.check import COMMON_OPTIONS

REQUIRED: Final = ("id", "model", "metric", "value", "unit", "source")
REQUIRED_OF_CHECKS: Final = ("id", "model")
#: What the claim of a figure has and that of a check has not.
OF_FIGURES: Final = ("metric", "value", "unit", "direction", "tolerance")
#: What a claim can ask of a GPU only.
OF_GPUS: Final = ("driver", "cuda", "compute_capability")
_BYTES: Final = {"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_NUMBER: Final = re.compile(r"[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")


def load_claims(path: Path) -> list[Claim]:
    """All claims of one file, in its order.

    Raises:
        DocumentError: with file and line, and the nearest known word for a misspelt one.
    """
    document = read_document(path)
    if not isinstance(document.data, dict):
        raise DocumentError("is not a claim file", where=document.at(), expected="a mapping with `schema: claim/1`")
    check(document, "claim")
    claims = [_claim(document, entry, at, line) for entry, at, line in _entries(document)]
    _refuse_twins(claims)
    return claims


def is_claim_file(path: Path) -> bool:
    """Whether a YAML file says of itself that it holds claims (looks at its start only)."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except OSError:
        return False
    return re.search(r"^schema:\s*[\"']?claim/", head, re.MULTILINE) is not None


def _entries(document: Document) -> list[tuple[dict[str, Any], Pointer, int]]:
    data = document.data
    if "claims" not in data:
        return [(data, (), 1)]
    shared = {key: value for key, value in data.items() if key != "claims"}
    return [
        ({**_inherited(shared, entry), **entry}, ("claims", index), document.item_line(entry))
        for index, entry in enumerate(data["claims"])
    ]


def _inherited(shared: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a claim takes of the keys beside `claims`: a check nothing of figures, a figure no check."""
    strange: tuple[str, ...] = ()
    if "check" in entry:
        strange = (*OF_FIGURES, "source")
    elif any(key in entry for key in OF_FIGURES):
        strange = ("check",)
    return {key: value for key, value in shared.items() if key not in strange}


def _refuse_twins(claims: list[Claim]) -> None:
    seen: dict[str, Claim] = {}
    for claim in claims:
        twin = seen.setdefault(claim.id, claim)
        if twin is not claim:
            raise DocumentError(
                f'two claims are called "{claim.id}"',
                where=f"{shown_path(claim.path)}:{claim.line}",
                hint=f"rename one; the other stands in line {twin.line}",
            )


def _claim(document: Document, entry: Mapping[str, Any], at: Pointer, line: int) -> Claim:
    if "check" in entry:
        return _check_claim(document, entry, at, line)
    _require(document, entry, REQUIRED, line)
    metric, options = _member(document, "metrics", entry["metric"], (*at, "metric"))
    _check_unit(document, metric, entry["unit"], at)
    source = _source(entry["source"])
    value = float(entry["value"])
    return Claim(
        id=entry["id"],
        model=entry["model"],
        metric=metric,
        metric_options=options,
        value=value,
        unit=entry["unit"],
        direction=entry.get("direction") or member("metrics", metric).DIRECTION,
        tolerance=_tolerance(document, entry, source, at),
        source=source,
        dataset=_data(entry.get("dataset")),
        conditions=_conditions(document, entry.get("conditions", {}), member("metrics", metric), at),
        note=entry.get("note"),
        on_request=entry.get("on_request", False),
        path=document.path,
        line=line,
    )


def _check_claim(document: Document, entry: Mapping[str, Any], at: Pointer, line: int) -> Claim:
    """The claim that a check finds no counterexample."""
    _require(document, entry, REQUIRED_OF_CHECKS, line)
    for key in OF_FIGURES:
        if key in entry:
            raise DocumentError(
                f'a check has no "{key}"',
                where=document.at((*at, key)),
                hint="its options stand with its name: `check: {name: NAME, ...}`",
            )
    name, options = _member(document, "checks", entry["check"], (*at, "check"))
    return Claim(
        id=entry["id"],
        model=entry["model"],
        metric=name,
        metric_options=options,
        value=0.0,
        unit=COUNTEREXAMPLES,
        direction="lower",
        tolerance=Tolerance("absolute", 0.0),
        source=_source(entry["source"]) if "source" in entry else _own_requirement(document, line),
        dataset=_data(entry.get("dataset")),
        conditions=_conditions(document, entry.get("conditions", {}), None, at),
        note=entry.get("note"),
        on_request=entry.get("on_request", False),
        path=document.path,
        line=line,
        group="checks",
    )


def _own_requirement(document: Document, line: int) -> Source:
    return Source(OWN_REQUIREMENT, "no counterexample", f"{shown_path(document.path)}:{line}", read="")


def _require(document: Document, entry: Mapping[str, Any], keys: Sequence[str], line: int) -> None:
    for key in keys:
        if key not in entry:
            raise DocumentError(
                f'key "{key}" is missing', where=f"{shown_path(document.path)}:{line}", hint=f'add "{key}:"'
            )


def _member(
    document: Document, group: str, given: str | Mapping[str, Any], at: Pointer
) -> tuple[str, Mapping[str, Any]]:
    """The name and the options of the metric or the check that a claim names."""
    name = given if isinstance(given, str) else given["name"]
    options = {} if isinstance(given, str) else {key: value for key, value in given.items() if key != "name"}
    if name not in names(group):
        raise DocumentError(
            f'no {group.removesuffix("s")} is called "{name}"',
            where=document.at(at),
            hint=did_you_mean(name, names(group)),
        )
    own_schema = _options_schema(group, name)
    if options or "required" in own_schema:
        check_against(document, own_schema, options, at)
    return name, options


def _options_schema(group: str, name: str) -> dict[str, Any]:
    own: dict[str, Any] = member(group, name).OPTIONS
    return own if group == "metrics" else {**own, "properties": {**COMMON_OPTIONS, **own.get("properties", {})}}


def _check_unit(document: Document, metric: str, unit: str, at: Pointer) -> None:
    try:
        factor(member("metrics", metric).BASE_UNIT, unit)
    except UsageError as error:
        raise DocumentError(
            f"{error.what} the metric {metric}",
            where=document.at((*at, "unit")),
            expected=error.expected,
            got=error.got,
            hint=error.hint,
        ) from None


def _source(data: Mapping[str, Any]) -> Source:
    return Source(**{**data, "authors": tuple(data.get("authors", ()))})


def _data(given: str | Mapping[str, Any] | None) -> DataUse | None:
    if given is None:
        return None
    if isinstance(given, str):
        return DataUse(given)
    published = given.get("published", {})
    return DataUse(
        name=given["name"],
        split=given.get("split", "test"),
        items=given.get("items"),
        relation=given.get("relation", "same"),
        published_name=published.get("name"),
        published_items=published.get("items"),
    )


def _conditions(document: Document, data: Mapping[str, Any], metric: Any, at: Pointer) -> Conditions:
    if not data and not hasattr(metric, "NEEDS"):
        return _DEFAULT_CONDITIONS
    fields = dict(data)
    fields.update({key: int(data[key]) for key in _WHOLE if key in data})  # 2.0 is whole too
    fields["frameworks"] = tuple(data.get("frameworks", ()))
    fields["hardware"] = _hardware(document, data.get("hardware", {}), at)
    fields.update(pattern(document, data, metric, at))
    return Conditions(**fields)


_DEFAULT_CONDITIONS: Final = Conditions()
_WHOLE: Final = ("batch", "threads", "runs", "queries")


def _hardware(document: Document, data: Mapping[str, Any], at: Pointer) -> Hardware:
    memory = data.get("memory")
    if "name" in data:
        try:
            re.compile(data["name"])
        except re.error as error:
            raise DocumentError(
                f"is not a regular expression: {error}", where=document.at((*at, "conditions", "hardware", "name"))
            ) from None
    place = (*at, "conditions", "hardware")
    _refuse_unknown_family(document, data, place)
    of_gpus = next((key for key in OF_GPUS if key in data), None)
    if of_gpus is not None and data.get("device") != "gpu":
        raise DocumentError(
            f"{of_gpus} is of GPUs alone", where=document.at((*place, of_gpus)), hint="add `device: gpu`"
        )
    fields = {**data, "features": tuple(data.get("features", ()))}
    fields.update({key: int(data[key]) for key in ("cores",) if key in data})  # 2.0 is whole too
    return Hardware(**{**fields, "memory": None if memory is None else _bytes(memory)})


def _refuse_unknown_family(document: Document, data: Mapping[str, Any], place: Pointer) -> None:
    if "microarchitecture" not in data:
        return
    from pytest_mlmodelscope.targets import microarchitectures

    known, name = microarchitectures(), data["microarchitecture"]
    if name not in known:
        raise DocumentError(
            f'no micro-architecture is called "{name}"',
            where=document.at((*place, "microarchitecture")),
            hint=did_you_mean(name, known),
        )


def _bytes(text: str) -> int:
    number = re.match(r"[0-9.]+", text)
    assert number is not None  # the schema's pattern says so
    return int(float(number[0]) * _BYTES[text[number.end() :].strip()])


def _tolerance(document: Document, entry: Mapping[str, Any], source: Source, at: Pointer) -> Tolerance:
    half = half_last_digit(source.figure, float(entry["value"]))
    if half is None:
        raise DocumentError(
            f'the printed figure "{source.figure}" does not hold the value {entry["value"]}',
            where=document.at((*at, "value")),
            hint="quote `source.figure` as printed, or correct the value",
        )
    given = entry.get("tolerance")
    if given:
        ((kind, amount),) = given.items()
        return Tolerance(kind, float(amount))
    return Tolerance("absolute", half, derived=True)


def half_last_digit(figure: str, value: float) -> float | None:
    """Half a unit of the last digit with which ``value`` was printed, in the value's unit.

    A printed fraction of a percentage (and the other way round) counts as the same figure. None
    when the figure does not hold the value.

    >>> half_last_digit("99.40 %", 99.4)
    0.005
    """
    for text in _NUMBER.findall(figure):
        printed = float(text.replace(",", ""))
        decimals = len(text.partition(".")[2])
        for shift in (0, 2, -2):
            if abs(printed * 10.0**shift - value) <= 1e-9 * max(1.0, abs(value)):
                return float(f"5e{shift - decimals - 1}")
    return None
