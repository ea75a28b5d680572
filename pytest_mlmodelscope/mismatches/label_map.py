"""Classes stand in another order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.core.manifest import Step
from pytest_mlmodelscope.interfaces.mismatch import Setup, Sight, Variant
from pytest_mlmodelscope.mismatches._steps import decisive, place_of, with_output, without

TITLE: Final = "label map"
USUAL: Final = 0.8

#: An order can be told from the data where each class has so many items.
_ITEMS_A_CLASS: Final = 8
_MOST_CLASSES: Final = 2000


def variants(setup: Setup, sight: Sight) -> Iterator[Variant]:
    """The order of the alphabet, of numbers as text, backwards, and the one that fits the answers best."""
    decided = decisive(setup)
    if decided is None:
        return
    steps = decided[1].steps
    for _, made in without(setup, "map"):
        yield Variant("labels are not mapped", made)
    named = place_of(decided[1], "labels")
    names = steps[named].options.get("names") if named is not None else None
    if names and named is not None:
        for words, order in _orders(names):
            if order != list(names):
                made = with_output(setup, *steps[:named], Step("labels", {"names": order}), *steps[named + 1 :])
                yield Variant(f"names of classes are in the order {words}", made)
    elif named is None:
        yield from _of_numbers(setup, sight, steps)
    yield from _fitted(setup, sight, steps)


def _orders(names: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    yield "of the alphabet", sorted(names, key=str)
    yield "of the alphabet, in either case", sorted(names, key=lambda name: str(name).lower())
    yield "backwards", list(names)[::-1]
    if all(str(name).lstrip("-").isdigit() for name in names):
        yield "of numbers", sorted(names, key=int)


def _of_numbers(setup: Setup, sight: Sight, steps: tuple[Step, ...]) -> Iterator[Variant]:
    """Class numbers as folders sort them (0, 1, 10, 11...), and backwards."""
    references = [value for value in sight.answers()[1] if value is not None]
    if not references or not all(isinstance(value, int) and not isinstance(value, bool) for value in references):
        return
    count = _classes(sight, references)
    if not 2 <= count <= _MOST_CLASSES:
        return
    as_text = [int(text) for text in sorted(str(number) for number in range(count))]
    inverse = sorted(range(count), key=lambda number: as_text[number])
    for words, order in (("of numbers as text (0, 1, 10...)", as_text), ("of numbers as text, the other way", inverse)):
        if order != list(range(count)):
            yield Variant(
                f"classes are in the order {words}", with_output(setup, *steps, Step("labels", {"names": order}))
            )
    backwards = list(range(count))[::-1]
    words = "the two classes are exchanged" if count == 2 else "classes are in the order backwards"
    yield Variant(words, with_output(setup, *steps, Step("labels", {"names": backwards})))


def _classes(sight: Sight, references: Sequence[int]) -> int:
    """How many scores the model gives, else how many classes there are."""
    widths = [int(np.shape(value)[-1]) for value in sight.outputs().values() if np.ndim(value) == 2]
    return max([*widths[:1], max(references) + 1])


def _fitted(setup: Setup, sight: Sight, steps: tuple[Step, ...]) -> Iterator[Variant]:
    """The one-to-one table from predictions to references that fits most of the answers."""
    pairs = [pair for pair in zip(*sight.answers(), strict=True) if None not in pair and not isinstance(pair[0], list)]
    if not pairs or not all(isinstance(value, (int, str)) for pair in pairs for value in pair):
        return
    given, wanted = (dict.fromkeys(column) for column in zip(*pairs, strict=True))
    labels = sorted({**given, **wanted}, key=str)
    if len(labels) > _MOST_CLASSES or len(pairs) < _ITEMS_A_CLASS * len(wanted):
        return
    table = _assigned(pairs, labels)
    differing = {str(old): new for old, new in table.items() if old != new}
    if differing:
        what = ", ".join(f"{old} is {new}" for old, new in list(differing.items())[:4])
        more = f" and {len(differing) - 4} more" if len(differing) > 4 else ""
        words = f"classes have other labels ({what}{more})"
        yield Variant(words, with_output(setup, *steps, Step("map", {"table": differing})), 0.5)


def _assigned(pairs: Sequence[tuple[Any, Any]], labels: Sequence[Any]) -> dict[Any, Any]:
    from scipy.optimize import linear_sum_assignment

    place = {label: number for number, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)))
    for prediction, reference in pairs:
        counts[place[prediction], place[reference]] += 1
    # Where counts leave it open a label stays what it is.
    rows, columns = linear_sum_assignment(counts + 0.5 * np.eye(len(labels)), maximize=True)
    return {labels[int(row)]: labels[int(column)] for row, column in zip(rows, columns, strict=True)}
