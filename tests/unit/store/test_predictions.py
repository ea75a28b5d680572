"""Predictions of single items: kept whole, named by what they are."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlmodelscope.store.predictions import keep, read

IDS = ["1", "2", "3"]


def rows_of(kept):
    return list(read(Path(kept["file"])))


def test_what_was_kept_is_read_back_in_order(tmp_path):
    kept = keep(tmp_path, IDS, ["a", None, 3], ["a", "b", 4])
    assert rows_of(kept) == [("1", "a", "a"), ("2", None, "b"), ("3", 3, 4)]
    assert kept["items"] == 3


def test_a_file_is_named_by_its_digest(tmp_path):
    kept = keep(tmp_path, IDS, [1, 2, 3], [1, 2, 3])
    path = Path(kept["file"])
    assert path == tmp_path / kept["sha256"][:2] / f"{kept['sha256']}.jsonl.gz"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_the_digest_is_that_of_the_lines_before_compression(tmp_path):
    kept = keep(tmp_path, IDS, [1, 2, 3], [1, 2, 3])
    text = gzip.decompress(Path(kept["file"]).read_bytes())
    assert hashlib.sha256(text).hexdigest() == kept["sha256"]
    assert text.splitlines()[0] == b'["1",1,1]'


def test_the_same_predictions_are_kept_once(tmp_path):
    first = keep(tmp_path, IDS, [1, 2, 3], [1, 2, 3])
    before = Path(first["file"]).stat()
    assert keep(tmp_path, IDS, [1, 2, 3], [1, 2, 3]) == first
    assert Path(first["file"]).stat().st_ino == before.st_ino
    assert Path(first["file"]).stat().st_mtime_ns > before.st_mtime_ns  # it was used again


def test_the_same_predictions_make_the_same_file_in_another_place(tmp_path):
    one, other = (keep(tmp_path / name, IDS, [1, 2, 3], [1, 2, 3])["file"] for name in ("one", "other"))
    assert Path(one).read_bytes() == Path(other).read_bytes()


@pytest.mark.parametrize(
    ("ids", "predictions", "references"),
    [
        (["1", "2", "9"], [1, 2, 3], [1, 2, 3]),
        (IDS, [1, 2, 4], [1, 2, 3]),
        (IDS, [1, 2, None], [1, 2, 3]),
        (IDS, [1, 2, "3"], [1, 2, 3]),
        (IDS, [1, 2, 3], [1, 2, 4]),
        (["2", "1", "3"], [2, 1, 3], [2, 1, 3]),
    ],
)
def test_whatever_differs_gives_another_digest(tmp_path, ids, predictions, references):
    usual = keep(tmp_path, IDS, [1, 2, 3], [1, 2, 3])
    assert keep(tmp_path, ids, predictions, references)["sha256"] != usual["sha256"]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(7), 7),
        (np.float64(0.5), 0.5),
        (np.float32(0.25), 0.25),
        (np.bool_(True), True),
        (np.str_("word"), "word"),
        (np.array([1, 2]), [1, 2]),
        (np.array([[0.5], [1.5]]), [[0.5], [1.5]]),
        (np.array(3), 3),
        ({"label": np.int64(1), "score": np.float32(0.5)}, {"label": 1, "score": 0.5}),
        ([np.uint8(1), None], [1, None]),
        (Path("a/b"), "a/b"),
    ],
    ids=repr,
)
def test_values_of_numpy_are_kept_as_plain_ones(tmp_path, value, plain):
    kept = keep(tmp_path, ["1"], [value], [None])
    assert rows_of(kept) == [("1", plain, None)]
    assert keep(tmp_path, ["1"], [plain], [None])["sha256"] == kept["sha256"]


def test_a_figure_that_is_not_a_number_is_kept_as_such(tmp_path):
    ((_, prediction, reference),) = rows_of(keep(tmp_path, ["1"], [float("nan")], [float("inf")]))
    assert math.isnan(prediction)
    assert math.isinf(reference)


@pytest.mark.parametrize("text", ["Grüße", "日本語", "🙂", "a\u2028b", "tab\tand\nline", '"quoted"', "\x00", ""])
def test_text_of_every_kind_is_kept(tmp_path, text):
    assert rows_of(keep(tmp_path, [text], [text], [text])) == [(text, text, text)]


def test_an_item_whose_files_name_is_no_text_is_kept(tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert rows_of(keep(tmp_path, [name], [1], [1])) == [(name, 1, 1)]


def test_lists_of_another_length_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shorter"):
        keep(tmp_path, IDS, [1, 2], [1, 2, 3])


def test_several_sessions_may_keep_the_same_at_once(tmp_path):
    predictions = list(range(5_000))
    names = [str(number) for number in predictions]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: keep(tmp_path, names, predictions, predictions), range(16)))
    assert len({one["sha256"] for one in kept}) == 1
    assert len(rows_of(kept[0])) == 5_000
    assert list(tmp_path.rglob("*.part")) == []


def test_a_reader_meets_only_whole_files(tmp_path):
    for number in range(20):
        kept = keep(tmp_path, IDS, [number] * 3, [number] * 3)
        assert len(rows_of(kept)) == 3


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.text(), _values, _values), min_size=1, max_size=8))
def test_whatever_json_can_hold_comes_back_as_it_was(tmp_path_factory, rows):
    kept = keep(tmp_path_factory.getbasetemp() / "any", *map(list, zip(*rows, strict=True)))
    assert rows_of(kept) == rows
    json.dumps(kept)
