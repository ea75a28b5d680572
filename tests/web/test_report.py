"""The report that is one file: what it shows, that it asks for nothing, and that a browser takes it."""

from __future__ import annotations

import re
from datetime import timedelta

import kept_runs
import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.hub.report import html
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.record.build import write
from pytest_mlmodelscope.reports._comment import comment

MACHINE = next(iter(kept_runs.MACHINES))
HOSTILE = "</td><script>alert(1)</script>"


@pytest.fixture(scope="module")
def records():
    """Two runs of one machine, the newest first: the order of the arguments says nothing."""
    return [kept_runs.record_of(Shelf(), MACHINE, age) for age in (timedelta(0), timedelta(days=20))]


@pytest.fixture(scope="module")
def page_of_both(records):
    return html(records, "A release")


def test_it_says_what_the_session_found(records, page_of_both):
    for case in records[0]["mlms"]["cases"]:
        assert f'id="claim-{case["claim"]}"' in page_of_both
    assert "<h1>A release</h1>" in page_of_both
    assert records[0]["datetime"][:10] in page_of_both
    assert page_of_both.count('<svg class="drawing"') >= 4


def test_it_asks_for_nothing(page_of_both):
    assert "<script" not in page_of_both
    # Links to sources are for who clicks on them; nothing else has an address.
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page_of_both) == []
    assert "@import" not in page_of_both
    assert "url(" not in page_of_both


def test_what_is_worse_stands_first(records):
    now, before = records
    case = next(case for case in before["mlms"]["cases"] if case["verdict"] == "confirmed")
    cases = [{**one, "verdict": "refuted"} if one["id"] == case["id"] else one for one in now["mlms"]["cases"]]
    worse = {**now, "mlms": {**now["mlms"], "cases": cases}}
    for text in (html([worse, before]), comment([before, worse])):
        assert text.index("orse than before") < text.index(case["id"])


def test_names_of_strangers_stay_names(records):
    cases = [
        {**case, "claim": HOSTILE, "model": HOSTILE, "reason": HOSTILE, "framework": HOSTILE}
        for case in records[0]["mlms"]["cases"]
    ]
    record = {**records[0], "mlms": {**records[0]["mlms"], "cases": cases}}
    assert "<script" not in html([record])
    assert "alert(1)" in html([record])


def test_a_comment_is_no_longer_than_one_may_be(records):
    whole = comment(records)
    assert "<details>" in whole
    assert whole.count("\n|") > len(records[0]["mlms"]["cases"])
    short = comment(records, 2_000)
    assert len(short) <= 2_000
    assert "too long for a comment" in short
    assert len(comment(records, 50)) == 50


def test_the_command_writes_both(records, tmp_path):
    for number, record in enumerate(records):
        write(record, tmp_path / f"{number}.json")
    asked = [str(tmp_path / f"{number}.json") for number in range(2)]
    page, text = tmp_path / "report.html", tmp_path / "comment.md"
    done = CliRunner().invoke(cli, ["report", *asked, "--html", str(page), "--markdown", str(text)])
    assert done.exit_code == 0, done.output
    assert page.read_text().startswith("<!doctype html>")
    assert CliRunner().invoke(cli, ["report", *asked]).output.strip() == text.read_text().strip()


def test_a_browser_takes_it(any_page, accessible, fits, page_of_both, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(page_of_both, encoding="utf-8")
    any_page.goto(file.as_uri())
    assert any_page.title().startswith("A release")
    any_page.get_by_role("link", name="Claims").click()
    accessible(any_page)
    fits(any_page)
