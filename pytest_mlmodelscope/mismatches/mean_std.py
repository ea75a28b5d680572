"""Values are normalised by other figures, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import Stage, ceiling, changed, form_of, found, replaced, stages

TITLE: Final = "mean and standard deviation"
USUAL: Final = 1.0


#: Published figures of pictures from 0 to 1, with what they are called.
_PUBLISHED: Final = (
    ("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1.0),
    ("Inception (0.5)", (0.5,), (0.5,), 1.0),
    ("CIFAR-10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), 0.5),
    ("CIFAR-10 (0.2023)", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), 0.5),
    ("CIFAR-100", (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761), 0.4),
    ("CLIP", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), 0.4),
    ("SVHN", (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970), 0.2),
    ("MNIST", (0.1307,), (0.3081,), 0.6),
    ("Fashion-MNIST", (0.2860,), (0.3530,), 0.6),
    ("Caffe's ImageNet, without a deviation", (122.68 / 255, 116.67 / 255, 104.01 / 255), (1 / 255,), 0.6),
    ("Caffe's ImageNet (104, 117, 123)", (123 / 255, 117 / 255, 104 / 255), (1 / 255,), 0.6),
    ("VGG (123.68, 116.779, 103.939)", (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,), 0.6),
    ("EfficientNet-Lite (127, 128)", (127 / 255,), (128 / 255,), 0.4),
    ("127.5, without a deviation", (0.5,), (1 / 255,), 0.3),
)


#: Figures of each picture's own.
_OWN: Final = (
    ("each item has a mean of 0 and a deviation of 1 of its own", "unit_variance", 0.5),
    ("each item runs from 0 to 1", "unit_range", 0.2),
    ("each item has a mean of 0", "zero_mean", 0.2),
)


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """Published figures in place of those declared, its own mistaken for each other, and those of the data."""
    places = {number: at for number, at, _ in found(setup, "normalize")}
    for number, at in places.items():
        yield from _declared(setup, number, at)
    for stage in stages(setup, sight, "HWC", "CHW", "HW", "vector"):
        if stage.form != "vector" or "image" in sight.task:
            yield from _published(setup, sight, stage, places.get(stage.number))


def _declared(setup: Setup, number: int, at: int) -> Iterator[Variant]:
    """The figures that are there, used otherwise."""
    step = setup.inputs[number].steps[at]
    mean, std = (list(np.atleast_1d(step.options[key]).tolist()) for key in ("mean", "std"))

    def other(words: str, mean: list[float], std: list[float], usual: float = 0.7) -> Iterator[Variant]:
        if all(std):
            yield Variant(words, replaced(setup, number, at, changed(step, mean=mean, std=std)), usual)

    yield Variant("values are not normalised", replaced(setup, number, at), 1.0)
    yield from other("the mean is taken away and no deviation divided by", mean, [1.0])
    yield from other("values are divided by the deviation and no mean is taken away", [0.0], std)
    yield from other("mean and deviation are exchanged", std, mean, 0.4)
    if len(mean) > 1 or len(std) > 1:
        yield from other("the figures of the channels are in the other order", mean[::-1], std[::-1], 1.0)
        yield from other(
            "all channels have one mean and one deviation", [float(np.mean(mean))], [float(np.mean(std))], 0.4
        )
    for by in (255.0, 1 / 255.0):
        scale = "0 to 255" if by > 1 else "0 to 1"
        yield from other(
            f"mean and deviation are of values from {scale}", [v * by for v in mean], [v * by for v in std], 1.0
        )
        yield from other(f"the mean is of values from {scale}", [v * by for v in mean], std, 0.5)
        yield from other(f"the deviation is of values from {scale}", mean, [v * by for v in std], 0.5)
    yield from other("the deviation is a variance", mean, [v * v for v in std], 0.3)
    yield from other("the variance is a deviation", mean, [abs(v) ** 0.5 for v in std], 0.3)
    yield from other("the mean is added", [-v for v in mean], std, 0.3)
    yield from other("values are multiplied by the deviation", mean, [1 / v if v else 0.0 for v in std], 0.3)


def _published(setup: Setup, sight: Sight, stage: Stage, declared: int | None) -> Iterator[Variant]:
    """The figures of well-known data, of these data, and of each item."""
    spec = setup.inputs[stage.number]
    start, count, place = _place(spec.steps, stage.at, declared)
    values = sight.values(spec, start)
    if not len(values):
        return
    top = ceiling(np.asarray(values[0], np.float64))
    axis = _axis(np.shape(values[0]))
    channels = np.shape(values[0])[axis] if axis is not None else 1
    reverse = any(step.options.get("colour") == "BGR" or step.options.get("to") == "BGR" for step in spec.steps)
    for name, mean, std, usual in (*_PUBLISHED, *_of_data(sight, stage, start, axis, top)):
        if len(mean) in (1, channels) and len(std) in (1, channels):
            order = -1 if reverse and len(mean) > 1 else 1
            options: dict[str, Any] = {
                "mean": [v * top for v in mean[::order]],
                "std": [v * top for v in std[:: order if len(std) > 1 else 1]],
            }
            if axis not in (None, -1):
                options["axis"] = axis
            made = replaced(setup, stage.number, start, *place, Step("normalize", options), count=count)
            yield Variant(f"mean and deviation are those of {name}", made, usual)
    for words, to, usual in _OWN:
        each = replaced(setup, stage.number, start, *place, Step("standardize", {"to": to}), count=count)
        yield Variant(words, each, usual)


def _place(steps: Sequence[Step], first: int, declared: int | None) -> tuple[int, int, tuple[Step, ...]]:
    """Where normalising begins, how many steps it takes the place of, and those of them that stay."""
    arithmetic = [
        at for at, step in enumerate(steps) if at >= first and step.name in ("scale", "normalize", "standardize")
    ]
    if not arithmetic:
        return _before_axes(steps, first), 0, ()
    start, stop = arithmetic[0], arithmetic[-1] + 1
    kept = tuple(step for step in steps[start:stop] if step.name not in ("scale", "normalize", "standardize"))
    return start, stop - start, kept


def _before_axes(steps: Sequence[Step], first: int) -> int:
    """Before axes are moved and after pictures have their size."""
    places = [
        at for at, step in enumerate(steps) if at >= first and step.name in ("layout", "flatten", "reshape", "cast")
    ]
    return min(places, default=len(steps))


def _axis(shape: tuple[int, ...]) -> int | None:
    """The axis of the channels; None where there is none."""
    form = form_of(shape)
    return {"HWC": -1, "CHW": 0}.get(form)


def _of_data(
    sight: Sight, stage: Stage, upto: int, axis: int | None, top: float
) -> Iterator[tuple[str, list[float], list[float], float]]:
    """The figures of many items, of the training split where there is one."""
    values = [np.asarray(value, np.float64) / (top or 1) for value in sight.population(stage.spec, upto)]
    if not values:
        return
    flat = [
        value.reshape(-1, 1) if axis is None else np.moveaxis(value, axis, -1).reshape(-1, value.shape[axis])
        for value in values
    ]
    together = np.concatenate(flat)
    mean, std = together.mean(0), together.std(0)
    if std.all():
        yield "these data", mean.tolist(), std.tolist(), 0.6
        if len(mean) > 1:
            yield "these data, all channels together", [float(together.mean())], [float(together.std())], 0.4
        yield "these data, without a deviation", mean.tolist(), [1 / (top or 1)], 0.3
