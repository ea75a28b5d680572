"""Records that are not what they should be: each a clear message."""

from __future__ import annotations

import json

import pytest

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.record.build import read


@pytest.fixture
def refused(tmp_path):
    """A function that writes a file and gives the message with which it is refused."""

    def refuse(content):
        path = tmp_path / "record.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(DocumentError) as raised:
            read(path)
        assert "record.json" in raised.value.where
        return str(raised.value)

    return refuse


def changed(record, change):
    change(record)
    return json.dumps(record, indent=1)


def test_a_missing_file(tmp_path):
    with pytest.raises(DocumentError, match="No such file"):
        read(tmp_path / "none.json")


def test_a_folder(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file(refused, content):
    assert "is empty" in refused(content)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told_with_its_line(refused, record, share):
    text = json.dumps(record, indent=1)
    message = refused(text[: int(len(text) * share)])
    assert "is not valid JSON" in message
    assert int(message.split("record.json:")[1].split(":")[0]) > 1


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc"])
def test_bytes_that_are_no_text(refused, content):
    assert "not UTF-8" in refused(content)


@pytest.mark.parametrize("content", ["[]", "null", "3", '"text"', "{}", '{"mlmz": 1}'])
def test_something_else_altogether(refused, content):
    message = refused(content)
    assert "is not a record of claims" in message
    assert "--mlms-json" in message


def test_a_file_of_pytest_benchmark(refused, record):
    del record["mlms"]
    assert "is a file of pytest-benchmark without claims" in refused(json.dumps(record))


@pytest.mark.parametrize("version", [0, 2, "1", None, True, [1], 10**200])
def test_another_version(refused, record, version):
    message = refused(changed(record, lambda data: data["mlms"].update(schema_version=version)))
    assert "of another version" in message


@pytest.mark.parametrize("ours", [[], 1, None, "x"])
def test_something_else_under_our_key(refused, record, ours):
    assert "of another version" in refused(changed(record, lambda data: data.update(mlms=ours)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400", "9" * 5000, "9" * 400])
def test_numbers_that_are_none(refused, record, number):
    text = json.dumps(record).replace('"measured": 99.407', f'"measured": {number}')
    assert "out of range" in refused(text)


def test_nesting_without_end(refused):
    assert "nested too deeply" in refused("[" * 200_000)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", ""),
        ("id", 3),
        ("measured", "99.4"),
        ("measured", []),
        ("n", -1),
        ("n", 1.5),
        ("interval", {"low": 1}),
        ("interval", [1, 2]),
        ("verdict", "confirmd"),
        ("runs", "0.1"),
        ("latencies_s", [None]),
        ("source", None),
        ("tolerance", {"kind": "absolute"}),
        ("baseline", {"status": "fine", "reason": "", "value": None, "noise": None}),
        ("known", {"verdict": "no", "reason": "", "matched": True}),
        ("direction", "up"),
        ("census", "yes"),
        ("conditions", None),
        ("software", []),
        ("claim_file", None),
    ],
)
def test_wrong_values_in_a_case_are_told_with_their_place(refused, record, key, value):
    message = refused(changed(record, lambda data: data["mlms"]["cases"][0].update({key: value})))
    assert f"mlms.cases[0].{key}" in message


def test_the_line_of_a_wrong_value(refused, record, tmp_path):
    message = refused(changed(record, lambda data: data["mlms"]["cases"][1].update(verdict="fine")))
    line = int(message.split("record.json:")[1].split(":")[0])
    assert (tmp_path / "record.json").read_text().splitlines()[line - 1].strip().startswith('"verdict": "fine"')
    assert "confirmed" in message


@pytest.mark.parametrize("key", ["id", "claim", "verdict", "measured", "baseline"])
def test_a_missing_key_is_named(refused, record, key):
    assert f'key "{key}" is missing' in refused(changed(record, lambda data: data["mlms"]["cases"][0].pop(key)))


@pytest.mark.parametrize("key", ["machine_info", "commit_info", "benchmarks", "datetime", "version"])
def test_what_pytest_benchmark_needs_must_be_there(refused, record, key):
    assert f'key "{key}" is missing' in refused(changed(record, lambda data: data.pop(key)))


def test_an_entry_without_statistics_is_refused(refused, record):
    assert 'key "stats" is missing' in refused(changed(record, lambda data: data["benchmarks"][0].pop("stats")))


def test_keys_of_others_are_let_through(record, tmp_path):
    record["dashboard"] = {"id": 7}
    record["benchmarks"][0]["theirs"] = True
    (tmp_path / "record.json").write_text(json.dumps(record))
    assert read(tmp_path / "record.json") == record


def test_a_byte_order_mark_is_let_through(record, tmp_path):
    (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8-sig")
    assert read(tmp_path / "record.json") == record
