"""Claim files: what is read, and what a person is told about a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlmodelscope.claim.load import half_last_digit, is_claim_file, load_claims
from pytest_mlmodelscope.core.claim import Hardware
from pytest_mlmodelscope.core.errors import DocumentError

CLAIM = """\
schema: claim/1
id: digits-accuracy
model: digits
dataset: digits
metric: accuracy
value: 97.5
unit: "%"
source:
  title: A paper
  where: Table 1
  figure: "97.5 %"
  read: "2026-11-24"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str) -> Path:
        path = tmp_path / "claim.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def test_a_minimal_claim_gets_its_defaults(write):
    (claim,) = load_claims(write(CLAIM))
    assert (claim.id, claim.value, claim.unit, claim.direction) == ("digits-accuracy", 97.5, "%", "higher")
    assert claim.dataset is not None
    assert (claim.dataset.name, claim.dataset.split, claim.dataset.relation) == ("digits", "test", "same")
    assert claim.conditions.scenario == "single_stream"


def test_the_default_tolerance_is_half_a_unit_of_the_last_printed_digit(write):
    (claim,) = load_claims(write(CLAIM))
    assert claim.tolerance.derived
    assert claim.tolerance.amount == pytest.approx(0.05)
    assert claim.bounds == (pytest.approx(97.45), float("inf"))


def test_a_stated_tolerance_wins(write):
    (claim,) = load_claims(write(CLAIM + "tolerance: {relative: 0.01}\n"))
    assert not claim.tolerance.derived
    assert claim.tolerance.margin(claim.value) == pytest.approx(0.975)


def test_several_claims_share_what_stands_beside_the_list(write):
    shared, rest = CLAIM.split("id: digits-accuracy\n")
    text = (
        shared
        + rest.replace("value: 97.5\n", "")
        + "claims:\n- {id: a, value: 97.5}\n- {id: b, value: 97.5, model: c}\n"
    )
    first, second = load_claims(write(text))
    assert (first.id, first.model, second.id, second.model) == ("a", "digits", "b", "c")
    assert second.line == first.line + 1


@pytest.mark.parametrize(
    ("figure", "value", "half"),
    [
        ("99.4 %", 99.4, 0.05),
        ("99.40 %", 99.4, 0.005),
        (".881", 0.881, 0.0005),
        ("0.2000", 0.2, 0.00005),
        ("12,345 images/s", 12345, 0.5),
        ("0.753", 75.3, 0.05),
        ("75.3 %", 0.753, 0.0005),
        ("< 1 ms", 1, 0.5),
        ("top-1 75.1", 75.1, 0.05),
    ],
)
def test_the_printed_figure_says_how_exact_a_claim_is(figure, value, half):
    assert half_last_digit(figure, value) == pytest.approx(half)


def test_a_figure_that_does_not_hold_the_value_is_refused(write):
    with pytest.raises(DocumentError, match=r"claim.yml:6: the printed figure .* does not hold the value 97.4"):
        load_claims(write(CLAIM.replace("value: 97.5", "value: 97.4")))


MODEL = "model: digits"

MISTAKES = {
    "misspelt key": (("metric:", "metrc:"), 'unknown key "metrc"', 'did you mean "metric"', 5),
    "misspelt metric": (("accuracy\nvalue", "acuracy\nvalue"), 'no metric is called "acuracy"', '"accuracy"', 5),
    "missing value": (("value: 97.5\n", ""), 'key "value" is missing', 'add "value:"', 1),
    "value as text": (("value: 97.5", "value: '97.5'"), "has the wrong type", "a number", 6),
    "value as a list": (("value: 97.5", "value: [97.5]"), "has the wrong type", "a number", 6),
    "unit of another dimension": (('unit: "%"', "unit: ms"), 'unit "ms" does not fit', "%", 7),
    "unknown unit": (('unit: "%"', "unit: percent"), 'unit "percent"', "1 or %", 7),
    "key twice": (("value: 97.5\n", "value: 97.5\nvalue: 97.6\n"), 'key "value" is given twice', "remove", 7),
    "bad id": (("id: digits-accuracy", "id: 'digits[1]'"), "is not of the form wanted", "letters, digits", 2),
    "id as a number": (("id: digits-accuracy", "id: 7"), "has the wrong type", "text", 2),
    "wrong version": (("schema: claim/1", "schema: claim/2"), "claim/1", "claim/1", 1),
    "no source": (("source:", "sauce:"), 'unknown key "sauce"', 'did you mean "source"', 8),
    "source without a title": (("  title: A paper\n", ""), 'key "title" is missing', 'add "title:"', 8),
    "misspelt key of the source": (("  where:", "  were:"), 'unknown key "were"', '"where"', 10),
    "bad date": (("2026-11-24", "24 Nov"), "is not of the form wanted", "2026-11-24", 12),
    "direction": ((MODEL, "direction: up\n" + MODEL), "is not one of the choices", "higher", 3),
    "tolerance of both kinds": (
        (MODEL, "tolerance: {absolute: 1, relative: 1}\n" + MODEL), "too many properties", "absolute", 3,
    ),
    "negative tolerance": ((MODEL, "tolerance: {absolute: -1}\n" + MODEL), "less than the minimum", "unit", 3),
    "tolerance as a number": ((MODEL, "tolerance: 1\n" + MODEL), "has the wrong type", "a mapping", 3),
    "misspelt split": (("dataset: digits", "dataset: {name: digits, splt: test}"), 'unknown key "splt"', '"split"', 4),
    "relation": (("dataset: digits", "dataset: {name: digits, relation: some}"), "not one of the choices", '"same"', 4),
    "metric option": (("metric: accuracy", "metric: {name: accuracy, k: 5}"), 'unknown key "k"', "", 5),
    "scenario": ((MODEL, "conditions: {scenario: singlestream}\n" + MODEL), "no scenario", "single_stream", 3),
    "percentile": ((MODEL, "conditions: {percentile: 100}\n" + MODEL), "100", "percentile", 3),
    "threads": ((MODEL, "conditions: {threads: 0}\n" + MODEL), "less than the minimum", "threads", 3),
    "hardware memory": ((MODEL, "conditions: {hardware: {memory: lots}}\n" + MODEL), "form wanted", "GB", 3),
    "micro-architecture": (
        (MODEL, "conditions: {hardware: {microarchitecture: zen22}}\n" + MODEL), "no micro-architecture", '"zen2"', 3,
    ),
    "features": ((MODEL, "conditions: {hardware: {features: avx2}}\n" + MODEL), "has the wrong type", "a list", 3),
    "cores": ((MODEL, "conditions: {hardware: {cores: 0}}\n" + MODEL), "less than the minimum", "cores", 3),
    "compute capability": (
        (MODEL, "conditions: {hardware: {compute_capability: '8.0'}}\n" + MODEL), "is of GPUs alone", "device: gpu", 3,
    ),
    "driver": (
        (MODEL, "conditions: {hardware: {device: gpu, driver: new}}\n" + MODEL), "not of the form wanted", "535.54", 3,
    ),
    "hardware name": ((MODEL, "conditions: {hardware: {name: '('}}\n" + MODEL), "regular expression", "", 3),
    "server without a rate": (
        (MODEL, "conditions: {scenario: server}\n" + MODEL), 'key "rate" is missing', 'add "rate:"', 3,
    ),
    "rate of no arrivals": ((MODEL, "conditions: {rate: 5}\n" + MODEL), "rate says nothing", "leave the key out", 3),
    "rate of nothing": (
        (MODEL, "conditions: {scenario: server, rate: 0}\n" + MODEL),
        "less than or equal to the minimum", "queries that arrive", 3,
    ),
    "bound without a unit": (
        (MODEL, "conditions: {latency_bound: 15}\n" + MODEL), "has the wrong type", "15 ms", 3,
    ),
    "bound of no search": (
        (MODEL, "conditions: {latency_bound: 15 ms}\n" + MODEL), "latency_bound says nothing", "leave", 3,
    ),
    "end to end in a queue": (
        (MODEL, "conditions: {scenario: server, rate: 5, measures: end_to_end}\n" + MODEL),
        "end_to_end is not measured under server", "model", 3,
    ),
    "half a batch": (
        (MODEL, "conditions: {scenario: multi_stream, batch: 3}\n" + MODEL), "whole batches", "a divisor of 8", 3,
    ),
    "queries": ((MODEL, "conditions: {queries: 0}\n" + MODEL), "less than the minimum", "queries", 3),
    "tab": (("  title:", "\ttitle:"), "is not valid YAML", "indentation", 9),
    "unclosed quote": (('unit: "%"', 'unit: "%'), "is not valid YAML", "quotes", 11),
    "python object": (("97.5\n", "!!python/object/apply:os.system [ls]\n"), "is not allowed", "plain text", 6),
}  # fmt: skip


SERVER_RATE = CLAIM.replace("accuracy\n", "server_rate\n").replace('unit: "%"', "unit: 1/s")


def test_a_search_for_a_rate_is_of_the_server_and_needs_a_bound(write):
    (found,) = load_claims(write(SERVER_RATE + "conditions: {latency_bound: 15 ms}\n"))
    assert (found.conditions.scenario, found.conditions.latency_bound) == ("server", pytest.approx(0.015))
    assert (found.conditions.percentile, found.conditions.rate) == (99.0, None)


@pytest.mark.parametrize(
    ("conditions", "what"),
    [
        ("", 'key "latency_bound" is missing'),
        ("conditions: {latency_bound: 15 ms, scenario: offline}\n", "another scenario"),
        ("conditions: {latency_bound: 15 ms, rate: 10}\n", "rate says nothing"),
    ],
)
def test_a_search_for_a_rate_takes_nothing_else(write, conditions, what):
    with pytest.raises(DocumentError, match=what):
        load_claims(write(SERVER_RATE + conditions))


@pytest.mark.parametrize(
    ("conditions", "percentile", "of_query"),
    [
        ("{scenario: multi_stream}", 99.0, 8),
        ("{scenario: multi_stream, samples_per_query: 4, batch: 2, percentile: 90}", 90.0, 4),
        ("{scenario: server, rate: 100}", 99.0, None),
        ("{scenario: offline}", 50.0, None),
    ],
)
def test_a_scenario_has_a_percentile_and_a_size_of_its_own(write, conditions, percentile, of_query):
    (found,) = load_claims(write(f"{CLAIM}conditions: {conditions}\n"))
    assert (found.conditions.percentile, found.conditions.samples_per_query) == (percentile, of_query)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_the_way_out(write, mistake):
    (old, new), what, hint, line = MISTAKES[mistake]
    assert old in CLAIM
    with pytest.raises(DocumentError) as caught:
        load_claims(write(CLAIM.replace(old, new, 1)))
    message = str(caught.value)
    assert what in message
    assert hint in message
    assert f"claim.yml:{line}:" in message


def test_two_claims_of_one_name_in_a_file_are_refused(write):
    shared, rest = CLAIM.split("id: digits-accuracy\n")
    with pytest.raises(DocumentError, match='two claims are called "a"'):
        load_claims(write(shared + rest + "claims:\n- {id: a}\n- {id: a}\n"))


@pytest.mark.parametrize("text", ["", "- 1\n", "just text\n", "null\n", "42\n"])
def test_what_is_no_mapping_is_no_claim(write, text):
    with pytest.raises(DocumentError, match="is not a claim file"):
        load_claims(write(text))


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        load_claims(tmp_path / "nowhere.yml")


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "claim.yml"
    path.write_bytes(b"schema: claim/1\nid: \xff\xfe\n")
    with pytest.raises(DocumentError, match=r"claim.yml:2: is not UTF-8"):
        load_claims(path)


def test_claim_files_say_so_themselves(write, tmp_path):
    assert is_claim_file(write(CLAIM))
    assert not is_claim_file(write("version: 2\nservices: {}\n"))
    assert not is_claim_file(tmp_path / "nowhere.yml")


def test_hardware_is_read_as_it_is_written(write):
    wanted = "device: gpu, name: H200, memory: 16 GB, features: [avx2, fma], microarchitecture: zen2, cores: 4.0"
    versions = 'driver: "535.54", cuda: "12.2", compute_capability: "8.0"'
    (found,) = load_claims(write(f"{CLAIM}conditions: {{hardware: {{{wanted}, {versions}}}}}\n"))
    assert found.conditions.hardware == Hardware(
        device="gpu",
        name="H200",
        memory=16 * 10**9,
        microarchitecture="zen2",
        features=("avx2", "fma"),
        cores=4,
        driver="535.54",
        cuda="12.2",
        compute_capability="8.0",
    )
    assert isinstance(found.conditions.hardware.cores, int)
