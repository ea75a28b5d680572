"""The trials that the mismatches make of a setup: each once, and none that a manifest could not say."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from pytest_mlmodelscope.cause.sight import OutOfTime, Sight
from pytest_mlmodelscope.cause.trial import Trial
from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import Input, Step
from pytest_mlmodelscope.core.registry import member, names
from pytest_mlmodelscope.interfaces.mismatch import Setup, Variant


def candidates(base: Trial, sight: Sight, known: Collection[str]) -> list[Trial]:
    """Trials that differ from a base by one more mistake undone, the likeliest first.

    ``known`` are the keys of trials that there are already. A mismatch with many variants makes each of
    them less likely, by the root of their number, so that trying more of them is not worth more. When the
    sight is out of time, those are given that were made by then.
    """
    seen = set(known)
    made: list[Trial] = []
    # The usual ones first: a variant that two mismatches make is named by the more telling.
    for kind in sorted(names("mismatches"), key=lambda kind: -member("mismatches", kind).USUAL):
        if kind in base.kinds:
            continue
        found = {trial.key: trial for trial in _of(kind, base, sight) if trial.key not in seen}
        seen.update(found)
        share = 1 / math.sqrt(max(1, len(found)))
        made += [dataclasses.replace(trial, prior=trial.prior * share) for trial in found.values()]
    return sorted(made, key=lambda trial: -trial.prior)


def title(kind: str) -> str:
    """What a mismatch is called in a sentence."""
    return str(member("mismatches", kind).TITLE)


def _of(kind: str, base: Trial, sight: Sight) -> Iterator[Trial]:
    module = member("mismatches", kind)
    for variant in _variants(module, base.setup, sight):
        try:
            setup = _conformed(variant.setup, base.setup, sight)
        except OutOfTime:
            return
        if setup is not None:
            words = f"{base.words}, and {variant.words}" if base.words else variant.words
            prior = (base.prior if base.kinds else 1.0) * module.USUAL * variant.usual
            yield Trial((*base.kinds, kind), words, setup, prior)


def _variants(module: Any, setup: Setup, sight: Sight) -> Sequence[Variant]:
    try:
        return list(module.variants(setup, sight))
    except (MlmsError, ArithmeticError, ValueError, LookupError, TypeError):
        # Data that a mismatch was not made for has none of its variants; the others are tried all the same.
        return []


def _conformed(setup: Setup, base: Setup, sight: Sight) -> Setup | None:
    """The setup with a cast where a step gives another type; None where an input would get another shape."""
    inputs = []
    for spec, old in zip(setup.inputs, base.inputs, strict=True):
        fitting = spec if spec.steps == old.steps else _fitting(spec, sight)
        if fitting is None:
            return None
        inputs.append(fitting)
    return dataclasses.replace(setup, inputs=tuple(inputs))


def _fitting(spec: Input, sight: Sight) -> Input | None:
    values = sight.first(spec)
    if not len(values):
        return None
    if spec.dtype == "string":
        return None if isinstance(values[0], np.ndarray) else spec
    array = np.asarray(values[0])
    if array.dtype.kind not in "biuf" or not _has_shape(array, spec):
        return None
    if array.dtype == spec.dtype:
        return spec
    return dataclasses.replace(spec, steps=(*spec.steps, Step("cast", {"dtype": spec.dtype})))


def _has_shape(array: Any, spec: Input) -> bool:
    shape = spec.shape[1:] if spec.batched else spec.shape
    if not shape:
        return True
    lengths = zip(array.shape, shape, strict=False)
    return len(shape) == array.ndim and all(isinstance(want, str) or want == have for have, want in lengths)
