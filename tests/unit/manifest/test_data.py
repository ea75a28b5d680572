"""The items of a split: fetched, read, counted, sampled."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from pytest_mlmodelscope.core.errors import ChecksumError, DocumentError, MlmsError
from pytest_mlmodelscope.core.manifest import DatasetManifest, Split
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.manifest.data import read_split, sampled

from .conftest import asset_of

LINES = b"good day\ten\nguten Tag\tde\nbonjour\tfr\nhej\tsv\nhi\ten\n"
SPLIT = Split(
    "test", 5, "table", {"asset": "lines", "columns": {"input": 0, "label": 1}}, where="manifests/datasets/d.yml:12"
)


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "lines.tsv").write_bytes(LINES)
    asset = asset_of(LINES, "lines", path="lines.tsv", base=tmp_path)
    return DatasetManifest("greetings", "1", "MIT", "Greetings.", {"lines": asset}, {"test": SPLIT})


def numbered(count):
    return [Item(str(number), number) for number in range(count)]


def test_items_come_in_their_published_order(dataset, fetcher):
    items = read_split(dataset, SPLIT, fetcher)
    assert [item.input for item in items] == ["good day", "guten Tag", "bonjour", "hej", "hi"]
    assert [item.label for item in items] == ["en", "de", "fr", "sv", "en"]


def test_labels_may_be_left_out(dataset, fetcher):
    split = dataclasses.replace(SPLIT, items=2, exclude_labels=frozenset({"en", "sv"}))
    assert [item.label for item in read_split(dataset, split, fetcher)] == ["de", "fr"]


def test_labels_that_are_numbers_are_left_out_by_their_text(dataset, fetcher, tmp_path):
    data = b"a\t1\nb\t2\nc\t1\n"
    (tmp_path / "numbers.tsv").write_bytes(data)
    assets = {"lines": asset_of(data, "lines", path="numbers.tsv", base=tmp_path)}
    split = dataclasses.replace(
        SPLIT, items=1, options={**SPLIT.options, "label_type": "integer"}, exclude_labels=frozenset({"1"})
    )
    assert [item.label for item in read_split(dataclasses.replace(dataset, assets=assets), split, fetcher)] == [2]


@pytest.mark.parametrize("items", [4, 6, 1_797])
def test_another_number_of_items_is_told_where_the_manifest_says_it(dataset, fetcher, items):
    with pytest.raises(MlmsError, match="split test of greetings does not hold what its manifest says") as refused:
        read_split(dataset, dataclasses.replace(SPLIT, items=items), fetcher)
    assert refused.value.where == "manifests/datasets/d.yml:12"
    assert (refused.value.expected, refused.value.got) == (f"{items:,} items", "5 items")


def test_items_are_counted_after_labels_were_left_out(dataset, fetcher):
    with pytest.raises(MlmsError, match="does not hold"):
        read_split(dataset, dataclasses.replace(SPLIT, exclude_labels=frozenset({"en"})), fetcher)


def test_a_file_that_is_not_of_the_format_is_told_with_its_line(dataset, fetcher):
    split = dataclasses.replace(SPLIT, options={**SPLIT.options, "columns": {"input": 0, "label": 2}})
    with pytest.raises(DocumentError):
        read_split(dataset, split, fetcher)


def test_a_file_that_was_changed_is_not_read(dataset, fetcher, tmp_path):
    (tmp_path / "lines.tsv").write_bytes(LINES.replace(b"hej", b"hey"))
    with pytest.raises(ChecksumError):
        read_split(dataset, SPLIT, fetcher)


# -- samples ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [None, 10, 11, 1_000])
def test_everything_is_taken_where_as_much_is_asked_for(count):
    items = numbered(10)
    assert sampled(items, count, "data/test") == items


@pytest.mark.parametrize("count", [0, 1, 5, 99])
def test_a_sample_has_as_many_different_items_as_asked(count):
    found = sampled(numbered(100), count, "data/test")
    assert len({item.id for item in found}) == count


def test_a_sample_keeps_the_published_order():
    found = [item.input for item in sampled(numbered(1_000), 100, "data/test")]
    assert found == sorted(found)


def test_a_sample_is_always_the_same():
    assert sampled(numbered(1_000), 100, "data/test") == sampled(numbered(1_000), 100, "data/test")
    # On every machine and in every version of Python: a change would make recorded figures incomparable.
    assert [item.input for item in sampled(numbered(1_000), 5, "data/test")] == [116, 117, 289, 718, 876]


def test_datasets_and_sizes_have_draws_of_their_own():
    draws = [sampled(numbered(1_000), 5, "data/test"), sampled(numbered(1_000), 5, "other/test")]
    draws.append(sampled(numbered(1_000), 6, "data/test")[:5])
    assert len({tuple(item.id for item in draw) for draw in draws}) == 3


def test_a_sample_is_no_head_of_the_list():
    found = [item.input for item in sampled(numbered(10_000), 1_000, "data/test")]
    assert max(found) > 9_900
    tenths = Counter(number // 1_000 for number in found)
    assert min(tenths.values()) > 60


def test_a_sample_depends_on_places_and_not_on_what_the_items_hold():
    places = [item.input for item in sampled(numbered(50), 7, "data/test")]
    others = [Item(f"x{number}", number) for number in range(50)]
    assert [item.input for item in sampled(others, 7, "data/test")] == places


def test_taking_a_sample_leaves_the_items_as_they_were():
    items = numbered(20)
    sampled(items, 3, "data/test")
    assert items == numbered(20)
