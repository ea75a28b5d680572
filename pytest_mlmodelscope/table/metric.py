"""What a column's heading says: which metric, in which unit, measured or claimed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pytest_mlmodelscope.core.units import UNITS
from pytest_mlmodelscope.table.cells import Metric

#: Words of a heading that make it a claim.
CLAIMED: Final = ("claimed", "claim", "published", "reported", "reference", "expected", "paper", "author", "official")
_SCORES: Final = ("map", "f1", "iou", "miou", "auc", "auroc", "ap", "mcc", "dice", "bleu", "rouge", "recall")
_NUMBERS: Final = (
    "latency", "throughput", "time", "runtime", "duration", "seconds", "memory", "energy", "power", "fps", "qps", "ips",
)  # fmt: skip
_UNIT: Final = re.compile(r"[\s_]*[\(\[]\s*([^()\[\]]+?)\s*[\)\]]\s*$")
_SUFFIX: Final = re.compile(r"[\s_](pct|percent|%|ms|us|ns)$|(%)$", re.IGNORECASE)
_PERCENT: Final = ("%", "pct", "percent", "pp")
#: The unit of a share that is printed as one.
FRACTION: Final = "1"


@dataclass(frozen=True, slots=True)
class Heading:
    """A metric, the unit that the heading gives (None: none), and whether it is of a claim."""

    metric: Metric
    unit: str | None
    claimed: bool


def heading(text: str) -> Heading | None:
    """What a heading says; None where it names no metric that is known.

    >>> heading("Top-5 (%)").metric.k
    5
    """
    rest, unit = _split_unit(text)
    words = [word for word in re.split(r"[\s_\-@.:/]+", rest.lower()) if word]
    claimed = any(word in CLAIMED for word in words)
    found = _metric([word for word in words if word not in CLAIMED])
    return None if found is None else Heading(found, unit, claimed)


def named(text: str) -> Metric:
    """The metric of this name, of which nothing is known but that it is a number where it is a stranger."""
    found = heading(text)
    return Metric(text.strip(), "other") if found is None else found.metric


def is_amount(metric: Metric) -> bool:
    """Whether a figure is above 0 by its nature, as a latency is."""
    return metric.kind == "other" and any(word in metric.name for word in _NUMBERS)


def unit_of(text: str) -> str | None:
    """A unit as it is called here; None where there is none."""
    tidy = text.strip()
    if tidy.lower() in _PERCENT:
        return "%"
    if tidy.lower() in ("fraction", "share", "ratio", FRACTION):
        return FRACTION
    return tidy or None


def _split_unit(text: str) -> tuple[str, str | None]:
    found = _UNIT.search(text)
    if found and (unit_of(found[1]) in UNITS or unit_of(found[1]) == "%"):
        return text[: found.start()], unit_of(found[1])
    found = _SUFFIX.search(text)
    if found:
        return text[: found.start()], unit_of(found[1] or found[2])
    return text, None


def _metric(words: Sequence[str]) -> Metric | None:
    """The metric of a name in small words."""
    name = "".join(words)
    error = re.search(r"err(or)?(rate)?", name) is not None
    bare = re.sub(r"err(or)?(rate)?|acc(uracy)?|prec(ision)?(?=\d)|val(idation)?", "", name)
    top = re.fullmatch(r"(?:top)?(\d+)", bare)
    if top and ("top" in name or re.search(r"acc|prec|err", name)):
        k = int(top[1])
        return Metric(f"top-{k} {'error' if error else 'accuracy'}", "share", k, error)
    if not bare and re.search(r"acc|err", name):
        return Metric("error rate" if error else "accuracy", "share", 1, error)
    stem = re.sub(r"\d+$", "", name)
    if any(word in _SCORES or re.sub(r"\d+$", "", word) in _SCORES for word in words):
        return Metric(" ".join(words), "score")
    if stem in _NUMBERS or any(word in name for word in _NUMBERS[:2]):
        return Metric(" ".join(words), "other")
    return None
