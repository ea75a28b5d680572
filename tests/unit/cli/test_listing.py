"""``mlms metrics``, ``steps``, ``readers`` and ``scenarios``: what the registry has."""

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.registry import member, names


def invoke(*arguments):
    return CliRunner().invoke(cli, list(arguments))


@pytest.mark.parametrize(
    ("command", "group"),
    [("metrics", "metrics"), ("steps", "steps"), ("readers", "datasets"), ("scenarios", "scenarios")],
)
def test_members_of_an_extension_point_are_those_of_the_registry(command, group):
    rows = json.loads(invoke(command, "--json").stdout)
    assert [row["name"] for row in rows] == list(names(group))
    table = invoke(command)
    assert table.exit_code == 0, table.output
    for row in rows:
        assert row["name"] in table.stdout
        assert row["about"] == member(group, row["name"]).__doc__.splitlines()[0]


@pytest.mark.parametrize(("command", "group"), [("metrics", "metrics"), ("steps", "steps"), ("readers", "datasets")])
def test_every_option_is_listed_with_what_it_means(command, group):
    for row in json.loads(invoke(command, "--json").stdout):
        assert list(row["options"]) == list(member(group, row["name"]).OPTIONS.get("properties", {}))
        assert all(row["options"].values())


def test_a_metric_is_listed_with_its_units_and_what_is_better():
    rows = {row["name"]: row for row in json.loads(invoke("metrics", "--json").stdout)}
    assert (rows["throughput"]["units"], rows["throughput"]["direction"]) == (["1/s"], "higher")
    assert (rows["accuracy"]["units"], rows["accuracy"]["kind"]) == (["1", "%"], "items")
    assert (rows["latency"]["kind"], rows["latency"]["direction"]) == ("timed", "lower")


def test_a_row_is_one_line_where_no_terminal_bounds_it(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = invoke("models").stdout.splitlines()
    rows = json.loads(invoke("models", "--json").stdout)
    assert len(lines) == 2 + len(rows)
    monkeypatch.setenv("COLUMNS", "80")
    lines = invoke("models").stdout.splitlines()
    assert max(map(len, lines)) <= 80 < 2 * len(lines)


@pytest.mark.parametrize(
    ("command", "word", "near"),
    [
        ("models", "squezenet", "squeezenet-1.1"),
        ("claims", "vader-tweet-r", "vader-tweets-r"),
        ("datasets", "fashion-mnits", "fashion-mnist"),
        ("frameworks", "openvinno", "openvino"),
    ],
)
def test_a_word_that_finds_nothing_gets_the_nearest_name(command, word, near):
    done = invoke(command, word)
    assert done.exit_code == 1
    assert f'did you mean "{near}"?' in done.stderr
