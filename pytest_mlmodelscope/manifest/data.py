"""The items of a split: fetched, read, counted, and where wanted a sample of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_mlmodelscope.core.errors import MlmsError
from pytest_mlmodelscope.core.manifest import DatasetManifest, Split
from pytest_mlmodelscope.core.registry import member
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.fetch import Fetcher


def read_split(dataset: DatasetManifest, split: Split, fetcher: Fetcher) -> list[Item]:
    """All items of a split, in their published order.

    Raises:
        AssetError: a file cannot be had, or is not the one that the manifest names.
        MlmsError: the reader finds another number of items than the manifest says.
    """
    named = set(texts(split.options))
    files = {name: fetcher.fetch(asset) for name, asset in dataset.assets.items() if name in named}
    items = list(member("datasets", split.reader).read(files, split.options))
    if split.exclude_labels:
        items = [item for item in items if str(item.label) not in split.exclude_labels]
    if len(items) != split.items:
        raise MlmsError(
            f"the split {split.name} of {dataset.name} does not hold what its manifest says",
            where=split.where,
            expected=f"{split.items:,} items",
            got=f"{len(items):,} items",
            hint="correct `items`, or the reader's options",
        )
    return items


def texts(value: Any) -> Iterator[str]:
    """Every text among options, however deep: those that are names of assets, and others."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)


def sampled(items: list[Item], count: int | None, of: str) -> list[Item]:
    """A fixed random sample in the published order, the same on every machine; all for None.

    ``of`` names what the items are: each dataset and each size has a draw of its own, so that one
    unlucky draw does not serve them all.
    """
    if count is None or count >= len(items):
        return items
    chosen = random.Random(f"{of}: {count} of {len(items)}").sample(range(len(items)), count)  # noqa: S311
    return [items[index] for index in sorted(chosen)]


def drawn(count: int, of: str) -> list[int]:
    """The indexes of so many items in a fixed random order, the same on every machine; ``of`` names the items."""
    return random.Random(f"{of}: all {count} in random order").sample(range(count), count)  # noqa: S311
