"""The suite of readers can fail: one broken fake a rule, and each fails just that rule."""

import itertools
from types import SimpleNamespace

import pytest
from _pytest.outcomes import Failed

from pytest_mlmodelscope.core.errors import DocumentError
from pytest_mlmodelscope.interfaces.dataset import Item
from pytest_mlmodelscope.testing.datasets import Broken, Example, ReaderTests

CLOSED = {
    "type": "object",
    "additionalProperties": False,
    "required": ["asset"],
    "properties": {"asset": {"description": "its name", "type": "string"}},
}
EXAMPLE = Example({"t": b"a\nb"}, {"asset": "t"}, (Item("0", "a", 1), Item("1", "b", 2)))
BROKEN = Broken({"t": b"a\n\nb"}, {"asset": "t"}, "t", 2, "empty")
RULES = {name: getattr(ReaderTests, name) for name in dir(ReaderTests) if name.startswith("test_")}


def read(files, options):
    path = files[options["asset"]]
    for number, line in enumerate(path.read_text().split("\n")):
        if not line:
            raise DocumentError("an empty line", where=f"{path}:{number + 1}")
        yield Item(str(number), line, number + 1)


def changed(change):
    """The same reader, each of its items changed."""
    return lambda files, options: [change(item) for item in read(files, options)]


def by_call():
    calls = itertools.count()
    return lambda files, options: [Item(f"{next(calls)}", item.input, item.label) for item in read(files, options)]


def with_path(files, options):
    return [Item(f"{files['t']}#{item.id}", item.input, item.label) for item in read(files, options)]


def lenient(files, options):
    lines = files["t"].read_text().split()
    return [Item(str(number), line, number + 1) for number, line in enumerate(lines)]


def without_place(files, options):
    try:
        return list(read(files, options))
    except DocumentError as error:
        raise DocumentError(error.what) from None


def fake(**changes):
    """A reader that keeps its word, save for what is changed."""
    return SimpleNamespace(**{"__doc__": "Lines.", "OPTIONS": CLOSED, "read": read, **changes})


def failing(reader, folder):
    """The rules that a reader breaks."""
    members = {"reader": reader, "examples": (EXAMPLE,), "broken": (BROKEN,), "refused": ({},)}
    suite = type("Suite", (ReaderTests,), members)()
    broken = set()
    for name, rule in RULES.items():
        (folder / name).mkdir()
        try:
            rule(suite, *([folder / name] if "tmp_path" in rule.__annotations__ else []))
        except (AssertionError, Failed):
            broken.add(name)
    return broken


def test_a_reader_that_keeps_its_word_breaks_no_rule(tmp_path):
    assert failing(fake(), tmp_path) == set()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"OPTIONS": {"type": "object"}}, "test_options_have_a_schema_that_describes_each_and_refuses_others"),
        ({"__doc__": ""}, "test_it_says_what_it_is"),
        ({"read": lambda files, options: list(read(files, options))[::-1]}, "test_it_gives_the_items_in_their_order"),
        (
            {"read": changed(lambda item: Item(item.id, item.input, str(item.label)))},
            "test_it_gives_the_items_in_their_order",
        ),
        (
            {"read": changed(lambda item: Item(item.id, item.input.encode(), item.label))},
            "test_it_gives_the_items_in_their_order",
        ),
        ({"read": changed(lambda item: Item("0", item.input, item.label))}, "test_ids_are_text_and_tell_items_apart"),
        (
            {"read": changed(lambda item: Item(int(item.id), item.input, item.label))},
            "test_ids_are_text_and_tell_items_apart",
        ),
        ({"read": by_call()}, "test_the_same_files_give_the_same_items_again"),
        ({"read": with_path}, "test_the_same_files_give_the_same_items_again"),
        ({"read": lenient}, "test_what_is_not_of_the_format_is_refused_with_its_place"),
        ({"read": without_place}, "test_what_is_not_of_the_format_is_refused_with_its_place"),
    ],
)
def test_each_rule_notices_who_breaks_it(changes, rule, tmp_path):
    assert rule in failing(fake(**changes), tmp_path)


def test_a_reader_without_examples_is_not_tested(tmp_path):
    suite = type("Suite", (ReaderTests,), {"reader": fake()})()
    with pytest.raises(AssertionError, match="without an example"):
        suite.test_it_gives_the_items_in_their_order(tmp_path)
