"""What readers refuse that is no fault of a file."""

import pytest

from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.core.registry import member


@pytest.mark.parametrize(
    ("reader", "options"),
    [
        ("table", {"asset": "sentence", "columns": {"input": 0}}),
        ("ucr", {"asset": "sentence"}),
        ("files", {"asset": "sentence"}),
        ("audio", {"asset": "sentence", "rate": 8000}),
        ("idx", {"assets": {"inputs": "sentence"}}),
        ("drawn_text", {"asset": "sentence", "font": "sentences"}),
    ],
)
def test_an_unknown_asset_offers_the_nearest(reader, options, tmp_path):
    with pytest.raises(UsageError, match='no asset called "sentence"') as caught:
        list(member("datasets", reader).read({"sentences": tmp_path}, options))
    assert caught.value.hint == 'did you mean "sentences"?'


def test_an_unknown_encoding_is_refused(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(b"a")
    with pytest.raises(UsageError, match='no text encoding is called "utf-88"'):
        list(
            member("datasets", "table").read({"t": path}, {"asset": "t", "encoding": "utf-88", "columns": {"input": 0}})
        )


def test_a_pattern_without_a_group_for_the_label_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no group called label"):
        member("datasets", "files").read({"t": tmp_path}, {"asset": "t", "pattern": "(.*)"})


def test_a_missing_header_is_the_hint_when_columns_are_named(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(b"a\tb\n")
    from pytest_mlmodelscope.core.errors import DocumentError

    with pytest.raises(DocumentError, match='no column is called "text"') as caught:
        list(member("datasets", "table").read({"t": path}, {"asset": "t", "columns": {"input": "text"}}))
    assert "header: true" in caught.value.hint


def test_a_table_reads_every_line_of_a_large_file(tmp_path):
    path = tmp_path / "t"
    path.write_text("".join(f"l{n % 60}\ttext {n}\n" for n in range(60_000)))
    items = list(member("datasets", "table").read({"t": path}, {"asset": "t", "columns": {"label": 0, "input": 1}}))
    assert len(items) == 60_000
    assert (items[-1].id, items[-1].input, items[-1].label) == ("60000", "text 59999", "l59")
