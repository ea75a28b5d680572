"""``mlms show``: one thing by its name, and what to type next."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import COMMANDS, cli
from pytest_mlmodelscope.library.shelf import Shelf


def show(*arguments, width=100):
    return CliRunner(env={"COLUMNS": str(width)}).invoke(cli, ["show", *arguments])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "some"),
    [
        ("model", "squeezenet-1.1", {"task": "image_classification", "version": "1.1"}),
        ("claim", "eld-m-big-test", {"model": "eld-m", "metric": "accuracy", "value": 99.4}),
        ("dataset", "fashion-mnist", {"splits": {"train": 60000, "test": 10000}}),
        ("framework", "caffe2", {"roles": {"init_net": "required", "predict_net": "required"}}),
        ("target", "cpu", {"here": True, "device": "cpu"}),
    ],
)
def test_each_kind_by_name_alone_and_with_its_kind(kind, name, some):
    told = json.loads(show(name, "--json").stdout)
    assert told["kind"] == kind
    assert {key: told[key] for key in some} == some
    assert json.loads(show(kind, name, "--json").stdout).keys() == told.keys()
    assert told["next"]
    for line in told["next"]:
        program, command, *_ = line.split()
        assert program == "pytest" or command in COMMANDS


def test_a_model_is_told_with_what_goes_in_what_comes_out_and_what_was_claimed():
    model = Shelf().model("squeezenet-1.1")
    told = json.loads(show("squeezenet-1.1", "--json").stdout)
    assert [one["name"] for one in told["inputs"]] == [one.name for one in model.inputs]
    assert told["inputs"][0]["shape"] == ["batch", 3, 224, 224]
    assert [use["name"] for use in told["frameworks"]] == list(model.frameworks)
    assert {claim["id"] for claim in told["claims"]} == {c.id for c in Shelf().claims(model="squeezenet-1.1")}
    text = show("squeezenet-1.1").stdout
    for word in ("squeezenet-1.1", "image  dtype float32", "squeezenet-top1", "onnxruntime", "MIT", "next"):
        assert word in text
    assert "None" not in text


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", ["eld-m", "eld-m-big-test", "cpu", "pytorch"])
def test_no_line_is_wider_than_the_terminal_where_it_can_be_broken(name, width):
    lines = show(name, width=width).stdout.splitlines()
    assert lines
    assert not [line for line in lines if len(line) > width and " " in line.strip()[: width - 8]][:-4]


def test_what_nobody_knows_gets_the_nearest_name():
    done = show("squezenet-1.1")
    assert done.exit_code == 2
    assert 'called "squezenet-1.1"' in done.stderr
    assert 'did you mean "squeezenet-1.1"?' in done.stderr


def test_a_kind_that_nobody_knows():
    done = show("modle", "eld-m")
    assert done.exit_code == 2
    assert 'did you mean "model"?' in done.stderr


def test_a_name_of_two_kinds_wants_the_kind(tmp_path):
    (tmp_path / "manifests" / "datasets").mkdir(parents=True)
    (tmp_path / "manifests" / "datasets" / "eld-m.yml").write_text(
        "schema: dataset/1\nname: eld-m\nversion: '1'\nlicense: MIT\ndescription: None.\n"
        "splits: {test: {items: 1, reader: {table: {asset: t, columns: {input: 0}}}}}\n"
        f"assets: {{t: {{path: t.tsv, sha256: {'a' * 64}, size: 1, license: MIT}}}}\n"
    )
    done = show("eld-m")
    assert done.exit_code == 2
    assert '"eld-m" is a model and a dataset' in done.stderr
    assert "mlms show model eld-m" in done.stderr
    assert json.loads(show("dataset", "eld-m", "--json").stdout)["splits"] == {"test": 1}


def test_a_record_that_is_not_there_is_told_as_one():
    done = show("nowhere.json")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: nowhere.json")
