"""``mlms judge``: a table in, findings and an exit code out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli

CLEAN = """model,framework,arch,n,top1,top5
net-a,caffe,amd64,50000,55.584,79.098
net-a,mxnet,amd64,50000,55.584,79.100
net-a,tensorflow,amd64,50000,55.582,79.098
net-b,caffe,amd64,50000,67.754,88.292
net-b,mxnet,amd64,50000,67.754,88.292
net-b,tensorflow,amd64,50000,67.756,88.290
"""
WRONG = CLEAN.replace("net-b,tensorflow,amd64,50000,67.756,88.290", "net-b,tensorflow,amd64,50000,64.100,86.020")


@pytest.fixture
def call(tmp_path, monkeypatch):
    """A function that writes tables and calls the command on the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")  # wide enough for a finding on one line

    def run(text, *options, **files):
        for name, content in {"table": text, **files}.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        return CliRunner().invoke(cli, ["judge", "table.csv", *options])

    return run


def test_a_clean_table_is_zero(call):
    done = call(CLEAN)
    assert done.exit_code == 0
    assert "12 figures of 2 models on 3 stacks" in done.output
    assert "0 findings; 12 consistent" in done.output


def test_a_finding_is_one_with_its_line(call):
    done = call(WRONG)
    assert done.exit_code == 1
    assert "OUTLIER, LARGE  net-b on tensorflow on amd64: top-1 accuracy 64.1 % is 3.65 points below" in done.output
    assert "line 7; p < 1e-12" in done.output
    assert "1 finding; 2 suspect, 10 consistent" in done.output


@pytest.mark.parametrize("how", [["--json"], ["--format", "json"]])
def test_a_program_gets_json_alone(call, how):
    found = json.loads(call(WRONG, *how).stdout)
    assert [(one["kind"], one["size"], one["cells"][0]["line"]) for one in found["findings"]] == [
        ("outlier", "large", 7)
    ]
    assert found["counts"]["suspect"] == 2
    figure = found["figures"][-1]
    assert (figure["model"], figure["metric"], figure["value"], figure["n"]) == (
        "net-b",
        "top-5 accuracy",
        0.8602,
        50_000,
    )
    assert figure["verdict"] == "suspect"
    assert figure["reason"]


def test_a_pull_request_gets_markdown(call):
    done = call(WRONG, "--format", "markdown")
    assert done.stdout.startswith("### 1 finding; 2 suspect, 10 consistent\n")
    assert "| outlier, large | net-b on tensorflow on amd64:" in done.stdout
    assert done.exit_code == 1


def test_claims_stand_beside_or_in_a_second_table(call):
    claims = "model,top1\nnet-a,57.1\nnet-b,67.7\n"
    done = call(CLEAN, "--claims", "claims.csv", "--same-items", claims=claims)
    assert done.exit_code == 1
    assert "CLAIM  net-a on tensorflow on amd64: top-1 accuracy 55.582 %" in done.output
    assert "against 57.1 % claimed; as well on 2 more" in " ".join(done.output.split())
    assert "3 refuted" in done.output
    tolerant = call(CLEAN, "--claims", "claims.csv", "--same-items", "--tolerance", "2", claims=claims)
    assert tolerant.exit_code == 0
    assert "6 confirmed" in tolerant.output


def test_what_is_allowed_can_be_chosen(call):
    slight = CLEAN.replace("67.756", "67.960")
    assert call(slight, "--flips", "0.1").exit_code == 1
    assert call(slight, "--flips", "2").exit_code == 0
    assert call(WRONG, "--unpaired").exit_code == 1


def test_a_column_of_another_name_is_read_where_one_says_so(call):
    strange = CLEAN.replace("model,framework", "who,where").replace("top1", "quality")
    assert "no column names the model" in call(strange).output
    done = call(strange, "--column", "model=who", "--column", "framework=where", "--metric", "quality")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--column", "modle=who"], 'did you mean "model"?'),
        (["--column", "model"], "ROLE=HEADING"),
        (["--column", "model=who"], 'no column is called "who"'),
        (["--metric", "top9"], 'no column is called "top9"'),
        (["--claims", "nowhere.csv"], "nowhere.csv: cannot be read"),
    ],
)
def test_a_mistake_in_the_call_is_two(call, options, says):
    done = call(CLEAN, *options)
    assert done.exit_code == 2
    assert says in done.stderr


def test_claims_of_other_models_are_a_mistake(call):
    done = call(CLEAN, "--claims", "claims.csv", claims="model,top1\nnet-aa,57.1\n")
    assert done.exit_code == 2
    assert 'did you mean "net-a"?' in done.stderr
