"""Reports in a terminal of any width."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from pytest_mlmodelscope.reports import terminal

WIDTHS = [40, 80, 119, 120, 160, 240]


def words(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(cases, changed, width):
    for text in (terminal.session(cases, width), terminal.difference(changed, width)):
        assert max(map(len, text.splitlines())) <= width
        assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_terminal_of_no_width_still_gets_something_to_read(cases):
    assert "vad-latency" in terminal.session(cases, 0)


@pytest.mark.parametrize("width", [80, 160])
def test_a_session_says_everything_that_a_reader_needs(cases, width):
    text = words(terminal.session(cases, width))
    for wanted in (
        "eld-m",
        "onnxruntime",
        "99.4 %",
        "99.407 % (all 60,000)",
        "0.12 ms [0.11, 0.13]",
        "500",
        "not applicable",
        "Efficient language detector",
        "METADATA, table 2",
        "the worker died of signal 11",
        "known: 99.348 is printed as 99.4 in the source",
    ):
        assert wanted.lower() in text.lower()


@pytest.mark.parametrize("width", [80, 160])
def test_known_verdicts_are_marked(cases, width):
    assert terminal.session(cases, width).lower().count("refuted (known)") == 1


def test_eighty_columns_hold_one_thought_a_line(cases):
    assert terminal.session(cases[:2], 80).splitlines() == [
        "CONFIRMED  eld-m, python",
        "    published 99.4 %, measured 99.407 % (all 60,000)",
        "    from Efficient language detector, METADATA, table 2",
        "CONFIRMED  vad-latency, onnxruntime",
        "    published 1 ms, measured 0.12 ms [0.11, 0.13], n = 500",
        "    from Efficient language detector, METADATA, table 2",
    ]


def test_wide_terminals_get_one_row_a_case(cases):
    lines = terminal.session(cases[:2], 160).splitlines()
    assert lines[0].split()[:4] == ["claim", "framework", "published", "measured"]
    assert len(lines) == 4
    columns = [line.index("confirmed") for line in lines[2:]]
    assert len(set(columns)) == 1


@pytest.mark.parametrize("width", [80, 160])
def test_figures_are_never_broken(cases, width):
    text = terminal.session(cases, width)
    assert "0.12 ms [0.11, 0.13]" in text
    assert "99.407 % (all 60,000)" in text


def test_long_names_are_whole(cases):
    joined = re.sub(r"\s+", "", terminal.session(cases, 80))
    assert cases[2]["claim"] in joined


def test_no_cases():
    assert terminal.session([], 80) == "no cases"


@pytest.mark.parametrize("width", [80, 160])
def test_colour_only_when_it_is_asked_for(cases, changed, width):
    for text in (terminal.session(cases, width), terminal.difference(changed, width)):
        assert "\x1b" not in text
    assert "\x1b[32m" in terminal.session(cases, width, colour=True)
    assert "\x1b[31m" in terminal.difference(changed, width, colour=True)


def test_colour_is_not_asked_for_by_the_environment(cases, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in terminal.session(cases, 80)


@pytest.mark.parametrize("width", [80, 160])
def test_what_a_record_says_is_never_obeyed(cases, width):
    cases[0].update(claim="[red]evil[/red]\x1b[2J", framework="a\x07b", reason="\x1b]0;title\x07", verdict="refuted")
    cases[0].update(unit="\x1b[31m%")
    cases[0]["source"]["title"] = "two\r\nlines :smile: [link=x]y"
    text = terminal.session(cases, width)
    assert not set(text) & set("\x1b\x07\r")
    assert "[red]evil[/red]" in text
    assert ":smile: [link=x]y" in words(text)


@pytest.mark.parametrize("width", [80, 160])
def test_a_difference_says_what_changed(changed, width):
    text = words(terminal.difference(changed, width))
    for wanted in (
        "a: before.json",
        "kernel 6.1 7.0",
        "numpy 2.0 2.4",
        "commit.id aaaaaaaaaaaa... bbbbbbbbbbbb...",
        "WORSE eld-m-python-cpu: confirmed -> refuted",
        "vanished crashing-python-cpu (error)",
        "new new-python-cpu (inconclusive)",
        "99.407 % (all 60,000) -> 98.000 % (all 60,000); -1.41 points (-1.42 % relative)",
        "0.12 ms [0.11, 0.13] -> 0.23 ms [0.22, 0.24]; +0.11 ms (+91.7 % relative), ratio [1.",
        "not comparable",
        "-> 000000000000...",
        "worse, 4 cases compared",
    ):
        assert wanted in text


def test_machine_comes_before_verdicts_and_these_before_figures(changed):
    text = terminal.difference(changed, 100)
    order = [text.index(part) for part in ("machine", "software", "confirmed -> refuted", "vanished", "\nfigures")]
    assert order == sorted(order)


def test_nothing_changed(unchanged):
    text = terminal.difference(unchanged, 80)
    assert "same machine, same software" in text
    assert text.endswith("nothing is worse in 6 cases")


def test_a_plain_table():
    text = terminal.listing(("name", "about"), [["[b]x", "y " * 60], ["z", ""]], 60)
    assert "[b]x" in text
    assert max(map(len, text.splitlines())) <= 60


def test_rich_is_imported_only_to_render():
    code = "import sys, pytest_mlmodelscope.reports.terminal; print('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_a_table_that_is_too_wide_breaks_at_blanks_and_between_the_parts_of_names():
    rows = [["squeezenet", "image_classification", "caffe, caffe2, cntk, jax, mxnet, onnxruntime", "MIT"]]
    text = terminal.listing(("name", "task", "frameworks", "license"), rows, 60)
    words = {word.strip(",") for line in text.splitlines()[2:] for word in line.split()}
    assert words >= {"squeezenet", "image_", "classification", "caffe2", "onnxruntime", "MIT"}
    assert max(map(len, text.splitlines())) <= 60
    assert max(map(len, terminal.listing(("a", "b"), [["x", "y" * 50]], 40).splitlines())) <= 40


def test_a_table_that_has_room_is_one_line_a_row():
    assert terminal.listing(("a", "b", "c"), [["x", "one two", ""], ["y", "", "three"]], 40).splitlines()[2:] == [
        "x   one two",
        "y             three",
    ]
