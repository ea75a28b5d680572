"""Reports for a pull request."""

from __future__ import annotations

import re

import pytest

from pytest_mlmodelscope.reports import markdown


def tables(text):
    """The cells of every table row, as Markdown splits them."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_a_session_is_one_table(cases):
    rows = tables(markdown.session(cases))
    assert rows[0] == ["claim", "framework", "published", "measured", "n", "verdict", "from"]
    assert len(rows) == 2 + len(cases)
    assert rows[2][:5] == ["eld-m", "python", "99.4 %", "99.407 % (all 60,000)", "60,000"]
    assert {len(row) for row in rows} == {7}


def test_a_session_says_how_many_of_each(cases):
    first = "**2 confirmed, 1 refuted, 1 inconclusive, 1 not applicable, 1 error**"
    assert markdown.session(cases).startswith(first)


def test_a_session_says_why(cases):
    text = markdown.session(cases)
    assert "- crashing-python-cpu: the worker died of signal 11" in text
    assert "known: 99.348 is printed as 99.4 in the source" in text


@pytest.mark.parametrize("evil", ["a|b", "a\\|b", "a\nb", "a\r\n| x |", "<script>", "`code|`", "| --- |"])
def test_nothing_breaks_out_of_its_cell(cases, evil):
    cases[0]["claim"] = evil
    cases[0]["source"]["title"] = evil
    rows = tables(markdown.session(cases))
    assert {len(row) for row in rows} == {7}
    assert len(rows) == 2 + len(cases)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\\b", r"a\\b"),
        ("**bold** `code`", r"\*\*bold\*\* \`code\`"),
        ("<b>", "&lt;b&gt;"),
        ("top_k_accuracy", "top_k_accuracy"),
        ("_emphasis_", r"\_emphasis\_"),
        ("[text](url)", r"\[text\](url)"),
        ("one\n\ntwo\x1b", "one two"),
    ],
)
def test_text_is_shown_as_it_is(text, shown):
    assert markdown.escaped(text) == shown


def test_a_difference_has_its_conclusion_on_top(changed, unchanged):
    assert markdown.difference(changed).splitlines()[0] == "### 5 worse"
    assert markdown.difference(unchanged).splitlines()[0] == "### Nothing is worse in 6 cases"


def test_a_difference_has_a_table_for_each_kind_of_change(changed):
    text = markdown.difference(changed)
    titles = re.findall(r"^#### (.+)$", text, re.MULTILINE)
    around = ["Machine", "Software", "Commit and settings", "Claims that were edited"]
    assert titles == [*around, "Verdicts", "Figures", "What may explain it"]
    rows = tables(text)
    assert ["kernel", "6.1", "7.0"] in rows
    assert ["crashing-python-cpu", "error", "vanished (worse)", ""] in rows
    assert ["new-python-cpu", "-", "inconclusive (new)", ""] in rows
    assert ["eld-m-python-cpu", "confirmed", "refuted (worse)", "98.0 % is within the claim"] in rows


def test_figures_of_a_difference(changed):
    figures = {row[0]: row for row in tables(markdown.difference(changed)) if len(row) == 5}
    assert figures["eld-m-python-cpu (top_k_accuracy)"][3:] == ["-1.41 points (-1.42 % relative)", "WORSE"]
    assert figures["vad-latency-onnxruntime-cpu (latency)"][1] == r"0.12 ms \[0.11, 0.13\]"
    assert any(row[4].startswith("not comparable (model_digest") for row in figures.values())


def test_what_did_not_change_has_no_table(unchanged):
    assert re.findall(r"^#### (.+)$", markdown.difference(unchanged), re.MULTILINE) == ["Figures"]
