"""A mistake in the manifest of a real model, found with a real worker: by the engine, by pytest, by ``mlms why``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pytest_mlmodelscope.cli.main import cli
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.engine.explaining import printed

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


def test_the_command_names_the_mistake_of_a_claim_and_of_a_record(folder, transposed, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    path = claim(folder, transposed)
    options = ["--seconds", "300", "--offline", "--cache", str(tmp_path / "cache")]
    told = CliRunner().invoke(cli, ["why", str(path), *options])
    assert told.exit_code == 0, told.output
    assert "matches the claim within 0.1 pp when " in told.output
    as_json = CliRunner().invoke(cli, ["why", str(path), "digits-accuracy", "--json", *options])
    assert json.loads(as_json.output)[0]["cause"]["causes"][0]["mismatch"] == ["orientation"]


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
