"""YAML as it is read here: plain data, no surprises, a way back to the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlmodelscope.core.document import parse_document, read_document
from pytest_mlmodelscope.core.errors import DocumentError, did_you_mean


def parse(text: str):
    return parse_document(text, Path("x.yml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("Yes", "Yes"), ("true", True), ("FALSE", False), ("~", None), ("", None),
        ("12", 12), ("-3", -3), ("0x1F", 31), ("0o17", 15), ("012", 12), ("1e-3", 0.001), (".5", 0.5), ("1.", 1.0),
        ("-.inf", float("-inf")), ("2026-11-24", "2026-11-24"), ("12:30:45", "12:30:45"), ("1_000", "1_000"),
        ("'12'", "12"), ("== 2", "== 2"),
    ],
)  # fmt: skip
def test_words_are_what_they_look_like(text, value):
    read = parse(f"key: {text}").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_a_number_written_as_nan_is_one():
    value = parse("key: .nan").data["key"]
    assert value != value


def test_anchors_and_merges_work_and_the_nearer_value_wins():
    data = parse("a: &base {x: 1, y: 2}\nb: {<<: *base, y: 3}\nc: *base\n").data
    assert data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}


def test_every_place_has_its_line():
    document = parse("a: 1\nb:\n  - x\n  - y: 2\n    z: 3\n")
    assert document.line(("b", 1, "z")) == 5
    assert document.line(("b", 1, "missing")) == 4
    assert document.line(()) == 1
    assert document.at(("a",)) == "x.yml:1"


def test_the_items_of_a_top_list_know_their_lines():
    document = parse("claims:\n- {id: a}\n\n- {id: b}\n")
    assert [document.item_line(item) for item in document.data["claims"]] == [2, 4]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: 1\na: 2", 'x.yml:2: key "a" is given twice'),
        ("? [1, 2]\n: 3", "a key must be plain text"),
        ("a: !!binary aGk=", "is not allowed"),
        ("a: !own tag", "is not allowed"),
        ("a: *missing", "undefined alias"),
        ("a: &x [*x]", "nested too deeply, or an alias"),
        ("a: [1, 2\nb: 3", "is not valid YAML"),
        ("a: {<<: 3}", '"<<" takes a mapping'),
        ("a: 1\n---\nb: 2", "is not valid YAML"),
        ("[" * 5000 + "]" * 5000, "is nested too deeply"),
        ("[" * 500_000 + "]" * 500_000, "is nested too deeply"),
        ("- " * 200_000 + "x", "is nested too deeply"),
        ("a: " + "9" * 5000, "is not a int"),
    ],
)
def test_what_is_refused_is_refused_with_a_reason(text, what):
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert what in str(caught.value)


def test_an_alias_bomb_does_not_go_off():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(DocumentError, match="unfold without end"):
        parse("\n".join(lines))


def test_a_bomb_of_merges_does_not_go_off_either():
    lines = ["a0: &a0 {x: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}"]
    lines += [f"a{i}: &a{i} {{{', '.join(f'k{j}: {{<<: *a{i - 1}}}' for j in range(10))}}}" for i in range(1, 9)]
    with pytest.raises(DocumentError, match="unfold without end"):
        parse("\n".join(lines))


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    path = tmp_path / "x.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).data == {"a": 1}


def test_a_folder_is_not_a_document(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read"):
        read_document(tmp_path)


@pytest.mark.parametrize(
    ("word", "choices", "hint"),
    [
        ("metrc", ["metric", "model"], 'did you mean "metric"?'),
        ("zzz", ["b", "a"], "one of: a, b"),
        ("x", [], None),
    ],
)
def test_hints_offer_the_nearest_word_or_all(word, choices, hint):
    assert did_you_mean(word, choices) == hint
