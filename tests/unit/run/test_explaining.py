"""A mistake in the manifest of a real model, found with a real worker: by the engine, by pytest, by ``mlms why``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.engine.explaining import printed
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record import build, machine
from pytest_mlmodelscope.record.case import case_record

RIGHT = "steps: [flatten, cast: {dtype: float32}]"
WRONG = "steps: [layout: {from: HW, to: WH}, flatten, cast: {dtype: float32}]"


@pytest.fixture
def transposed(folder, case, engine):
    """The project of digits with a model whose pictures are transposed, and the figure of the right one."""
    right = engine.verify(case(value=90.0)).measurement.value
    path = folder / "manifests" / "models" / "digits-means.yml"
    path.write_text(path.read_text().replace(RIGHT, WRONG))
    return round(right, 1)


def test_the_engine_names_the_mistake(engine, case, transposed):
    result = engine.explain(engine.verify(case(value=transposed)), 300)
    assert result.verdict.word == "refuted"
    assert result.cause["explained"]
    assert result.cause["causes"][0]["mismatch"] == ["orientation"]
    assert "steps" in next(iter(result.cause["causes"][0]["changes"]))


def test_only_figures_over_items_are_explained(engine, case):
    result = engine.verify(case("parameter_count", 650.0, unit="parameters"))
    with pytest.raises(UsageError, match="has no figure over items"):
        engine.explain(result, 1)


def test_data_that_are_gone_are_said_and_end_nothing(engine, case, folder, transposed):
    result = engine.verify(case(value=transposed))
    (folder / "manifests" / "datasets" / "labels.gz").write_bytes(b"")
    (folder / "manifests" / "datasets" / "pictures.gz").write_bytes(b"")
    explained = engine.explain(result, 5)
    assert explained.verdict == result.verdict
    assert explained.cause["sentence"]


def claim(folder, value):
    path = folder / "claims" / "digits.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"""\
schema: claim/1
id: digits-accuracy
model: digits-means
dataset: {{name: digits}}
metric: accuracy
value: {value}
unit: "%"
direction: higher
tolerance: {{absolute: 0.05}}
source: {{title: Notes, where: line 1, figure: "{value} %", read: "2026-11-26"}}
""")
    return path


@pytest.fixture
def why(folder, monkeypatch, tmp_path):
    """Runs ``mlms why`` in the project, with a cache of one's own."""
    monkeypatch.chdir(folder)
    options = ["--seconds", "300", "--offline", "--cache", str(tmp_path / "cache")]
    return lambda *words: CliRunner().invoke(cli, ["why", *map(str, words), *options])


def test_the_command_names_the_mistake_of_a_claim(folder, transposed, why):
    path = claim(folder, transposed)
    told = why(path)
    assert told.exit_code == 0, told.output
    assert "matches the claim within 0.1 pp when " in told.output
    as_json = why(path, "digits-accuracy", "--json")
    assert json.loads(as_json.output)[0]["cause"]["causes"][0]["mismatch"] == ["orientation"]


@pytest.fixture
def kept(folder, transposed, engine):
    """A record of the project's claim, which was refuted, and of one that was confirmed."""
    path = claim(folder, transposed)
    text = path.read_text()
    other = folder / "claims" / "other.yml"
    other.write_text(text.replace("digits-accuracy", "digits-low").replace(str(transposed), "10.0"))
    catalogue = Catalogue([folder / "manifests"])
    loaded = [one for file in (path, other) for one in load_claims(file)]
    cases = [case_record(engine.verify(case)) for one in loaded for case in expand(one, catalogue)]
    assert [case["verdict"] for case in cases] == ["refuted", "confirmed"]
    record = folder / "kept.json"
    told = build.build(cases, machine.machine_facts(), machine.software_facts(), None, {"offline": True})
    record.write_text(json.dumps(told))
    return record


def test_the_command_looks_at_the_refuted_cases_of_a_record(kept, why):
    told = why(kept)
    assert told.exit_code == 0, told.output
    assert told.output.startswith("digits-accuracy-onnxruntime-cpu: refuted\n  matches the claim within 0.1 pp when ")
    assert "digits-low" not in told.output


def test_of_a_record_the_case_that_is_named_is_looked_at_whatever_its_verdict(kept, why):
    told = why(kept, "digits-low-onnxruntime-cpu", "--json")
    assert told.exit_code == 0, told.output
    (found,) = json.loads(told.output)
    assert (found["id"], found["verdict"]) == ("digits-low-onnxruntime-cpu", "confirmed")


def test_a_record_without_what_is_asked_for_is_refused(kept, why):
    told = why(kept, "digits-lw")
    assert told.exit_code == 2
    assert 'no case over items of the record is "digits-lw"' in told.output
    assert 'did you mean "digits-low"?' in told.output
    record = json.loads(kept.read_text())
    for case in record["mlms"]["cases"]:
        case["verdict"] = "confirmed"
    kept.write_text(json.dumps(record))
    told = why(kept)
    assert told.exit_code == 2
    assert "no case over items of the record was refuted" in told.output


def test_the_command_says_what_it_cannot_look_at(folder, transposed, monkeypatch):
    monkeypatch.chdir(folder)
    path = claim(folder, transposed)
    told = CliRunner().invoke(cli, ["why", str(path), "digits-acuracy"])
    assert told.exit_code == 2
    assert 'did you mean "digits-accuracy"?' in told.output


def test_half_a_unit_of_the_last_digit_is_that_of_the_figure_as_it_was_printed(make_claim):
    def half(figure, value):
        source = make_claim().source
        return printed(make_claim(value=value, source=type(source)("t", figure, "w", "2026-01-01")))

    assert half("99.4 %", 99.4) == pytest.approx(0.05)
    assert half("about 90", 90.0) == pytest.approx(0.5)
    assert half("0.912", 91.2) == pytest.approx(0.05)
    assert half("ninety", 90.0) == pytest.approx(0.05)  # the claim's own tolerance
