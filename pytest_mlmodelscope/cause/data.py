"""What is wrong with the data themselves, or with the model whatever is done before it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pytest_mlmodelscope.interfaces.dataset import Item

#: A model that gives one answer for this share of the items, and is wrong to, looks at none of them.
CONSTANT: Final = 0.95
#: Shares of items that are worth a word.
LEAKED: Final = 0.002
FEWEST: Final = 20


def of_predictions(predictions: Sequence[Any], references: Sequence[Any]) -> Iterator[str]:
    """Whether the model gives no answer, or nearly always the same."""
    if len(predictions) < FEWEST:
        return
    silent = sum(one is None for one in predictions)
    if silent > len(predictions) / 20:
        yield f"the model gives no answer for {silent / len(predictions):.0%} of the items"
    answers, wanted = (Counter(map(repr, values)) for values in (predictions, references))
    ((usual, count),) = answers.most_common(1)
    share, expected = count / len(predictions), wanted[usual] / len(references)
    if share > CONSTANT and expected < share - 0.1:
        yield f"the model answers {usual} for {share:.0%} of the items, whatever they are: its weights may be broken"


def of_labels(items: Sequence[Item]) -> Iterator[str]:
    """Whether the same input occurs with several labels."""
    labels: dict[bytes, set[str]] = {}
    digests = [digest(item.input) for item in items]
    for item, key in zip(items, digests, strict=True):
        labels.setdefault(key, set()).add(repr(item.label))
    unsure = sum(len(labels[key]) > 1 for key in digests)
    if unsure > LEAKED * len(items):
        yield f"{unsure:,} items have the input of another item that has another label"


def of_training(items: Sequence[Item], training: Sequence[Item], split: str) -> Iterator[str]:
    """Whether items are in the training split as well."""
    known = {digest(item.input) for item in training}
    both = sum(digest(item.input) in known for item in items)
    if both > LEAKED * len(items):
        yield f"{both:,} of the {len(items):,} items are also in the split {split} (leaked training data)"


def digest(value: Any) -> bytes:
    """Of an item's input: the content of a file, the elements of an array."""
    found = hashlib.blake2b(digest_size=16)
    for part in _parts(value):
        found.update(part)
    return found.digest()


def _parts(value: Any) -> Iterator[bytes]:
    if isinstance(value, Path):
        yield value.read_bytes()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        for name in sorted(value):
            yield str(name).encode()
            yield from _parts(value[name])
    elif isinstance(value, bytes):
        yield value
    else:
        yield repr(value).encode("utf-8", "surrogatepass")
