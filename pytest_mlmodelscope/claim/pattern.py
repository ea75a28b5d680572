"""The load pattern that a timed claim is about: which keys go together, and what is taken where none is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from pytest_mlmodelscope.core.claim import Measures
from pytest_mlmodelscope.core.document import Document, Pointer
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.core.units import UNITS

#: The keys that only some scenarios and metrics know what to do with.
OF_SOME: Final = ("rate", "latency_bound", "samples_per_query")
USUAL: Final = "single_stream"
USUAL_PERCENTILE: Final = 50.0


def pattern(document: Document, given: Mapping[str, Any], metric: Any, at: Pointer) -> dict[str, Any]:
    """The fields of ``Conditions`` that say how a worker is loaded; ``metric`` is a member, None for a check.

    Raises:
        DocumentError: an unknown scenario, a key that it needs and has not, or has and does not know.
    """
    place = (*at, "conditions")
    name = str(given.get("scenario", getattr(metric, "SCENARIO", USUAL)))
    _refuse_unknown(document, name, (*place, "scenario"))
    scenario = member("scenarios", name)
    _refuse_other_scenario(document, metric, name, (*place, "scenario"))
    _require(document, given, _needed(scenario, metric), name, place)
    _refuse_idle(document, given, _known(scenario, metric), name, place)
    _refuse_unmeasured(document, given, scenario, name, place)
    of_query = given.get("samples_per_query") or getattr(scenario, "SAMPLES_PER_QUERY", None)
    if of_query and of_query % given.get("batch", of_query):
        raise DocumentError(
            f"a query of {of_query} samples is not made of whole batches",
            where=document.at((*place, "batch")),
            expected=f"a divisor of {of_query}",
            got=given["batch"],
        )
    return {
        "scenario": name,
        "percentile": given.get("percentile", getattr(scenario, "PERCENTILE", USUAL_PERCENTILE)),
        "samples_per_query": None if of_query is None else int(of_query),
        "latency_bound": seconds(given["latency_bound"]) if "latency_bound" in given else None,
    }


def seconds(text: str) -> float:
    """A time with its unit, such as 15 ms, in seconds."""
    number = re.match(r"[0-9.]+", text)
    assert number is not None  # the schema's pattern says so
    return float(number[0]) / UNITS[text[number.end() :].strip()][1]


def _needed(scenario: Any, metric: Any) -> Iterator[str]:
    """What the scenario needs, save what the metric finds out; and what the metric needs."""
    found = getattr(metric, "FINDS", ())
    yield from (key for key in getattr(scenario, "NEEDS", ()) if key not in found)
    yield from getattr(metric, "NEEDS", ())


def _known(scenario: Any, metric: Any) -> set[str]:
    of_query = {"samples_per_query"} if hasattr(scenario, "SAMPLES_PER_QUERY") else set()
    return {*_needed(scenario, metric), *of_query}


def _refuse_unknown(document: Document, name: str, at: Pointer) -> None:
    if name not in names("scenarios"):
        raise DocumentError(
            f'no scenario is called "{name}"', where=document.at(at), hint=did_you_mean(name, names("scenarios"))
        )


def _refuse_other_scenario(document: Document, metric: Any, name: str, at: Pointer) -> None:
    only = getattr(metric, "SCENARIO", name)
    if name != only:
        raise DocumentError("the metric is of another scenario", where=document.at(at), expected=only, got=name)


def _refuse_idle(document: Document, given: Mapping[str, Any], known: set[str], name: str, place: Pointer) -> None:
    for key in OF_SOME:
        if key in given and key not in known:
            raise DocumentError(
                f"{key} says nothing of this claim under {name}",
                where=document.at((*place, key)),
                hint="`mlms scenarios` and `mlms metrics` say what each takes; leave the key out",
            )


def _refuse_unmeasured(document: Document, given: Mapping[str, Any], scenario: Any, name: str, place: Pointer) -> None:
    able = getattr(scenario, "MEASURES", get_args(Measures))
    if given.get("measures", "model") not in able:
        raise DocumentError(
            f"{given['measures']} is not measured under {name}",
            where=document.at((*place, "measures")),
            expected=" or ".join(able),
        )


def _require(document: Document, given: Mapping[str, Any], keys: Iterator[str], name: str, place: Pointer) -> None:
    for key in keys:
        if key not in given:
            hint = 'add "latency_bound: 15 ms", or what the bound is' if key == "latency_bound" else f'add "{key}:"'
            raise DocumentError(
                f'key "{key}" is missing in the conditions of a claim under {name}',
                where=document.at(place),
                hint=hint,
            )
