"""``mlms new``: what is asked, what is written, and that nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner
from onnx import helper

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.manifest.load import load_dataset, load_model


def new(*arguments, answers=None):
    return CliRunner().invoke(cli, ["new", *map(str, arguments)], input=answers)


def lint():
    return CliRunner().invoke(cli, ["lint", "."]).output


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, shape, outputs=(1000,), kind=1):
    value = helper.make_tensor_value_info("x", kind, shape)
    given = helper.make_tensor_value_info("y", 1, [shape[0], *outputs])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [given])
    onnx.save(helper.make_model(graph), path)


def steps_of(name):
    (fed,) = load_model(Path(f"manifests/models/{name}.yml")).inputs
    return [(step.name, dict(step.options)) for step in fed.steps]


def test_questions_have_defaults_and_go_to_the_standard_error():
    write("net.onnx", ["n", 3, 224, 224])
    done = new("model", "net.onnx", answers="\n\n\nMIT\nA network.\nimagenet\n")
    assert done.exit_code == 0, done.output
    assert "What is it called? [net]" in done.stderr
    assert done.stdout.splitlines()[0] == "wrote manifests/models/net.yml"
    model = load_model(Path("manifests/models/net.yml"))
    assert (model.name, model.task, model.license) == ("net", "image_classification", "MIT")
    assert "1 file checked, 0 problems" in lint()
    assert [name for name, _ in steps_of("net")] == ["decode", "resize", "crop", "normalize", "layout"]
    assert [step.name for step in model.outputs[0].steps] == ["argmax"]


@pytest.mark.parametrize(
    ("shape", "kind", "steps"),
    [
        (["n", 224, 224, 3], 1, ["decode", "resize", "crop", "scale"]),
        (["n", 1, 28, 28], 1, ["decode", "resize", "scale", "layout"]),
        ([1, 3, 32, 32], 1, ["decode", "resize", "scale", "layout", "reshape"]),
        (["n", 32, 32, 3], 2, ["decode", "resize"]),
        (["n", 7], 1, ["cast"]),
        (["n", 7], 8, []),
    ],
)
def test_steps_are_those_that_such_an_input_usually_has(shape, kind, steps):
    write("net.onnx", shape, kind=kind)
    assert new("model", "net.onnx", "--yes").exit_code == 0
    assert [name for name, _ in steps_of("net")] == steps


def test_class_names_come_from_a_file():
    write("net.onnx", ["n", 4], [2])
    Path("names.txt").write_text("cat\ndog\n")
    assert new("model", "net.onnx", "--labels", "names.txt", "--yes").exit_code == 0
    model = load_model(Path("manifests/models/net.yml"))
    assert dict(model.outputs[0].steps[1].options) == {"asset": "labels"}
    assert "0 problems" in lint()


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_nothing_is_overwritten(kind, here):
    write("net.onnx", ["n", 4])
    Path("net.tsv").write_text("a\tb\n")
    file = Path(f"manifests/{kind}s/net.yml")
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    done = new(kind, "net.onnx" if kind == "model" else "net.tsv", "--yes")
    assert done.exit_code == 2
    assert "is there already, and nothing is overwritten" in done.stderr
    assert file.read_text() == "mine"


def test_what_cannot_be_answered_is_an_error_and_writes_nothing(here):
    write("net.onnx", ["n", 4])
    done = new("model", "net.onnx", answers="")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[1].startswith("error: --name was not answered")
    assert "--yes" in done.stderr
    done = new("claim", "--yes")
    assert done.exit_code == 2
    assert "--model is missing" in done.stderr
    assert not [path for path in here.rglob("*") if path.suffix == ".yml"]


def test_a_broken_answer_leaves_no_file(here):
    write("net.onnx", ["n", 4])
    done = new("model", "net.onnx", "--yes", "--input", "x=complex[batch,4]")
    assert done.exit_code == 2
    assert "dtype" in done.stderr
    assert [path.name for path in here.rglob("*") if path.is_file()] == ["net.onnx"]


@pytest.mark.parametrize("text", ["x", "x=float32", "y=float32[4]"])
def test_an_input_that_is_not_understood(text):
    write("net.onnx", ["n", 4])
    done = new("model", "net.onnx", "--yes", "--input", text)
    assert done.exit_code == 2
    assert "--input" in done.stderr or "no input is called" in done.stderr


def test_text_that_yaml_would_read_as_something_else_stays_text():
    write("net.onnx", ["n", 4])
    description = 'yes: "no" # {1} é'
    assert new("model", "net.onnx", "--yes", "--version", "1.0", "--description", description).exit_code == 0
    model = load_model(Path("manifests/models/net.yml"))
    assert (model.version, model.description) == ("1.0", description)


def test_a_function_of_a_package():
    done = new("model", "--entry", "py3langid:classify", "--package", "py3langid==0.4.0", "--result", "[0]", "--yes")
    assert done.exit_code == 0, done.output
    (model,) = Path("manifests/models").iterdir()
    use = load_model(model).frameworks["python"]
    assert use.packages == ("py3langid==0.4.0",)
    assert dict(use.options) == {"entry": "py3langid:classify", "result": "[0]"}
    assert "0 problems" in lint()


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("t.tsv", "de\tGuten Morgen\nfr\tBonjour\n", {"columns": {"input": 1, "label": 0}}),
        (
            "t.csv",
            'text,label\n"Hello, you",1\nBye,0\n',
            {
                "columns": {"input": "text", "label": "label"},
                "label_type": "integer",
                "separator": ",",
                "quoting": "minimal",
                "header": True,
            },
        ),
        ("t.txt", "one\ntwo\n", {"columns": {"input": 0}}),
    ],
)
def test_a_table_is_looked_at_read_and_counted(name, content, options):
    Path(name).write_text(content)
    done = new("dataset", name, "--yes")
    assert done.exit_code == 0, done.output
    split = load_dataset(Path("manifests/datasets/t.yml")).splits["test"]
    assert (split.items, split.reader) == (2, "table")
    assert dict(split.options) == {"asset": "items", **options}
    assert "0 problems" in lint()


def test_a_folder_whose_subfolders_are_labels(here):
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (here / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "pets" / name).write_bytes(b"x")
    done = new("dataset", "pets", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["file"] == "manifests/datasets/pets.yml"
    assert load_dataset(here / "manifests/datasets/pets.yml").splits["test"].items == 3
    assert "0 problems" in lint()


@pytest.mark.parametrize(("content", "told"), [(b"", "holds nothing"), (b"\xff\xfe\x00", "not UTF-8")])
def test_what_is_no_table(content, told):
    Path("t.csv").write_bytes(content)
    done = new("dataset", "t.csv", "--yes")
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_claim_on_what_is_here_needs_only_the_figure_and_its_source():
    write("net.onnx", ["n", 4])
    Path("t.csv").write_text("a,b,c,d,label\n1,2,3,4,0\n")
    assert new("model", "net.onnx", "--yes").exit_code == 0
    assert new("dataset", "t.csv", "--yes").exit_code == 0
    done = new("claim", answers="\n\n\n\n\n91.5\n91.50 %\nA paper\nTable 1\n2026-01-02\n")
    assert done.exit_code == 0, done.output
    text = Path("claims/net-accuracy.yml").read_text()
    for line in ("model: net", "dataset: t", "value: 91.5", 'figure: "91.50 %"', 'read: "2026-01-02"'):
        assert line in text
    assert "3 files checked, 0 problems" in lint()


def test_a_claim_about_the_speed_of_a_pipeline_says_that_all_of_it_is_timed(here):
    about = ("--model", "ppocr-v4", "--dataset", "drawn-text", "--split", "level", "--metric", "latency")
    done = new("claim", *about, "--value", "100", "--title", "A paper", "--where", "Table 1", "--yes")
    assert done.exit_code == 0, done.output
    assert "conditions: {measures: end_to_end}\n" in (here / "claims" / "ppocr-v4-latency.yml").read_text()
    assert "1 file checked, 0 problems" in lint()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--model", "eld-mm"], 'did you mean "eld-m"?'),
        (["--model", "eld-m", "--metric", "acuracy"], 'did you mean "accuracy"?'),
        (["--model", "eld-m", "--dataset", "eld-big"], 'did you mean "eld-big-test"?'),
        (
            [
                "--model",
                "eld-m",
                "--dataset",
                "eld-big-test",
                "--title",
                "A",
                "--where",
                "B",
                "--value",
                "1",
                "--read",
                "today",
            ],
            "read",
        ),
    ],
)
def test_a_claim_on_what_is_not_there(arguments, told, here):
    done = new("claim", *arguments, "--yes")
    assert done.exit_code == 2
    assert told in done.stderr
    assert not list(here.rglob("*.yml"))
