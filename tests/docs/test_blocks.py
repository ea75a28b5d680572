"""The checker of the documentation finds what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import BlockFailed, blocks, commands, failures, matches, starts_empty

CLAIM = """schema: claim/1
id: m-top1
model: m
dataset: d
metric: top_k_accuracy
value: 75.1
unit: "%"
direction: higher
source: {title: A paper, where: table 2, figure: "75.1", read: 2026-11-24}
"""


def document(folder: Path, *fenced: str) -> Path:
    path = folder / "page.md"
    path.write_text("# A page\n\n" + "\n".join(fenced), encoding="utf-8")
    return path


def fence(language: str, text: str, mark: str = "") -> str:
    return (f"<!-- {mark} -->\n" if mark else "") + f"```{language}\n{text.rstrip()}\n```\n"


def test_a_true_page_has_no_failures(tmp_path: Path) -> None:
    page = document(
        tmp_path,
        fence("yaml", CLAIM, "file: claims/mine.yml"),
        fence("yaml", "steps:\n  - resize: {size: 224}", "fragment"),
        fence("toml", "[tool.pytest.ini_options]\nmlms_offline = true"),
        fence("ini", "[pytest]\nmlms_offline = true"),
        fence("json", '{"mlms": {}}'),
        fence("python", "import pytest_mlmodelscope\nassert pytest_mlmodelscope.__version__"),
        fence("console", "$ head -1 claims/mine.yml\nschema: claim/1\n$ echo one two \\\n  three\none ... three"),
        fence("text", "anything { at all"),
        fence("yaml", "schema: claim/1\nmetrc: x", "broken file: claims/broken.yml"),
        fence("console", "$ tail -1 claims/broken.yml\nmetrc: x\n$ false", "status: 1"),
        fence("console", "$ false", "not run: it fails"),
    )

    assert failures(page, tmp_path) == []


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (fence("yaml", CLAIM.replace("metric:", "metrc:")), 'did you mean "metric"?'),
        (fence("yaml", "schema: clam/1"), 'no schema called "clam/1"'),
        (fence("yaml", "steps: []"), "not marked <!-- fragment -->"),
        (fence("yaml", "a: 1\na: 2", "fragment"), '"a" is given twice'),
        (fence("toml", "a = "), "Invalid"),
        (fence("ini", "a = 1"), "no section headers"),
        (fence("json", "{"), "Expecting"),
        (fence("python", "assert False, 'so'"), "AssertionError: so"),
        (fence("console", "$ false"), "`false` ended with status 1"),
        (fence("console", "$ true", "status: 1"), "`true` ended with status 0"),
        (fence("console", "$ false\n$ false", "status: 1"), "`false` ended with status 1"),
        (fence("console", "$ echo one\ntwo"), "-two\n+one"),
        (fence("console", "echo one"), "begin commands with `$ `"),
        (fence("console", "$ false", "not run"), "says not why"),
        (fence("ruby", "puts 1"), 'nothing checks "ruby"'),
    ],
)
def test_a_false_block_is_told_with_its_line(tmp_path: Path, block: str, said: str) -> None:
    (failure,) = failures(document(tmp_path, fence("text", "before"), block), tmp_path)

    assert failure.startswith("page.md:")
    assert said in failure


def test_a_failure_names_the_line_of_the_fence(tmp_path: Path) -> None:
    (failure,) = failures(document(tmp_path, fence("console", "$ false")), tmp_path)

    assert failure.startswith("page.md:3: ")


def test_a_fence_that_is_never_closed_is_told(tmp_path: Path) -> None:
    page = document(tmp_path, "```yaml\na: 1\n")

    with pytest.raises(BlockFailed, match=r"page\.md:3: the fence is never closed"):
        list(blocks(page))


def test_a_block_may_be_indented_in_a_list(tmp_path: Path) -> None:
    (block,) = blocks(document(tmp_path, "1. like this\n\n   ```yaml\n   a:\n     b: 1\n   ```\n"))

    assert block.text == "a:\n  b: 1\n"


def test_a_mark_belongs_to_the_block_below_it_only(tmp_path: Path) -> None:
    page = document(tmp_path, fence("yaml", "a: 1", "fragment"), fence("yaml", "a: 1"))

    assert [block.mark for block in blocks(page)] == ["fragment", ""]


def test_commands_are_kept_apart_from_what_they_print() -> None:
    assert commands("$ a\n1\n2\n$ b \\\n  c\n3\n$ d\n") == [("a", "1\n2\n"), ("b \\\n  c", "3\n"), ("d", "")]


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("one\ntwo", "one\ntwo\n", True),
        ("one\n...\nfour", "one\ntwo\nthree\nfour", True),
        ("took ... s", "took 3.14 s", True),
        ("a  b", "a b", True),
        ("one", "one\ntwo", False),
        ("a.b", "axb", False),
        ("...", "", True),
    ],
)
def test_three_dots_stand_for_anything(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) is same


@pytest.mark.parametrize(
    ("line", "empty"), [("", False), ("<!-- project: empty -->", True), ("<!-- project: checkout -->", False)]
)
def test_a_document_says_in_which_project_it_starts(tmp_path: Path, line: str, empty: bool) -> None:
    assert starts_empty(document(tmp_path, line)) is empty


def test_a_document_that_asks_for_an_unknown_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(BlockFailed, match='not "emty"'):
        starts_empty(document(tmp_path, "<!-- project: emty -->"))


def test_a_package_can_be_put_on_the_path_as_if_it_were_installed(tmp_path: Path) -> None:
    project = '[project]\nname = "acme"\nversion = "1.0"\n[project.entry-points."mlms.steps"]\nacme_reverse = "acme"'
    page = document(
        tmp_path,
        fence("toml", project, "file: pyproject.toml"),
        fence("python", '"""Write it backwards."""\nOPTIONS = {}', "file: acme.py"),
        fence("console", "$ pip install -e .", "on the path: nothing is installed by tests"),
        fence("console", "$ mlms steps\n...\nacme_reverse   Write it backwards.\n..."),
    )

    assert failures(page, tmp_path) == []


def test_what_is_not_printed_is_found_missing_at_once():
    expected = "...\n".join(f"line {number} ..." for number in range(40)) + "never"
    printed = "\n".join(f"line {number} " * 40 for number in range(40))
    assert not matches(expected, printed)
