"""One result as plain data."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.claim.expand import requirement, use_of
from pytest_mlmodelscope.core.claim import Conditions
from pytest_mlmodelscope.core.result import BaselineComparison, Interval, Measurement, Verdict
from pytest_mlmodelscope.core.schema import schema
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.case import MAX_LATENCIES, case_record, conditions, json_ready, thinned
from pytest_mlmodelscope.record.diff import diff

ISSUE_KEYS = {
    "id", "claim", "model", "dataset", "framework", "target", "metric", "unit", "published", "tolerance",
    "measured", "n", "interval", "verdict", "reason", "baseline",
}  # fmt: skip


def test_a_case_holds_what_the_format_promises(accuracy_result):
    assert case_record(accuracy_result()).keys() >= ISSUE_KEYS


#: Keys that records of earlier versions do not have, and that can be read without.
LATER = {
    *("assets", "check", "machine", "made_of", "outputs", "turn", "watched", "plan", "timing", "cause", "evidence"),
    *("p", "p_adjusted", "stages"),
}


def test_a_case_has_exactly_the_keys_that_the_schema_describes(accuracy_result, timed_result):
    described = schema("record")["$defs"]["case"]
    for result in (accuracy_result(), timed_result()):
        assert set(case_record(result)) == set(described["properties"]) == {*described["required"], *LATER}


def test_a_case_tells_of_what_its_files_were_made(accuracy_result):
    catalogue = Catalogue([Path(__file__).parents[3] / "manifests"])
    made_of = []
    for name, framework in (("fashion-cnn", "caffe"), ("fashion-cnn-keras", "tensorflow"), ("magika", "onnxruntime")):
        model = catalogue.model(name, "here")
        result = accuracy_result()
        case = dataclasses.replace(result.case, model=model, framework=model.frameworks[framework])
        made_of.append(case_record(dataclasses.replace(result, case=case))["made_of"])
    # Two formats of one network, of its layers and its weights; and a model as its author published it.
    assert made_of[0] == made_of[1]
    assert [len(digests) for digests in made_of] == [2, 2, 0]


def of_reader(result, framework):
    """The record of a result as one of the pipeline that reads text, on a framework or on several."""
    model = Catalogue([Path(__file__).parents[3] / "manifests"]).model("ppocr-v4", "here")
    case = dataclasses.replace(result.case, model=model, framework=use_of(model, requirement(framework)))
    return case_record(dataclasses.replace(result, case=case))


def test_a_case_of_a_pipeline_lists_the_models_of_its_stages(accuracy_result):
    case = of_reader(accuracy_result(), "find=onnxruntime+read=openvino")
    told = {name: (stage["model"], stage["version"], stage["framework"]) for name, stage in case["stages"].items()}
    assert told == {"find": ("ppocr-v4-find", "4", "onnxruntime"), "read": ("ppocr-v4-read", "4", "openvino")}
    catalogue = Catalogue([Path(__file__).parents[3] / "manifests"])
    for stage, name in (("find", "ppocr-v4-find"), ("read", "ppocr-v4-read")):
        model = catalogue.model(name, "here")
        assert case["assets"][f"{stage}.model"] == model.assets["model"].sha256
        assert case["stages"][stage]["model_digest"] == model.digest
    assert case_record(accuracy_result())["stages"] is None


def test_two_records_of_a_pipeline_name_the_stage_whose_model_changed(accuracy_result, record):
    old, new = (of_reader(accuracy_result(), "onnxruntime") for _ in "ab")
    new["stages"]["read"].update(model="ppocr-v5-read", version="5")
    new["assets"]["read.model"] = "0" * 64
    new["measured"] = 50.0
    then, now = ({**record, "mlms": {**record["mlms"], "cases": [case]}} for case in (old, new))
    (explained,) = diff(then, now).explanations
    (cause,) = [cause for cause in explained.causes if cause.kind == "model"]
    places = [fact.place for fact in cause.facts]
    assert places == ["assets.read.model", "stages.read.model", "stages.read.version"]


def test_figures_over_items(accuracy_result):
    case = case_record(accuracy_result())
    assert case["id"] == "eld-m-python-cpu"
    assert case["dataset"] == "eld-big-test/test"
    assert (case["published"], case["measured"], case["unit"], case["n"]) == (99.4, 99.407, "%", 60_000)
    assert case["tolerance"] == {"kind": "absolute", "amount": 0.05, "derived": True, "margin": 0.05}
    assert case["interval"] == {"low": 99.407, "high": 99.407, "confidence": 1.0, "method": "every item evaluated"}
    assert case["census"] is True
    assert case["latencies_s"] is None
    assert case["claim_file"] == "claims/eld.yml:12"
    assert case["source"]["figure"] == "99.4 %"


def test_a_relative_tolerance_says_its_margin_in_the_unit(timed_result):
    assert case_record(timed_result())["tolerance"]["margin"] == pytest.approx(0.05)


def test_latencies_are_in_seconds(timed_result):
    case = case_record(timed_result(timings_ns=[100_000, 250_000]))
    assert case["latencies_s"] == [0.0001, 0.00025]
    assert case["latencies_thinned_from"] is None


def test_many_latencies_are_thinned_and_the_case_says_so(timed_result):
    case = case_record(timed_result(timings_ns=range(1, 100_002)))
    assert len(case["latencies_s"]) == MAX_LATENCIES
    assert case["latencies_thinned_from"] == 100_001
    assert case["latencies_s"][0] == 1e-9
    assert case["latencies_s"][-1] == pytest.approx(100_001e-9)


@pytest.mark.parametrize("count", [2, 3, 7, 10, 11, 12, 1000])
def test_thinning_keeps_the_order_and_both_ends(count):
    kept = list(thinned(range(count), 10))
    assert len(kept) == min(count, 10)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, count - 1)


def test_a_case_that_was_not_measured(accuracy_result):
    case = case_record(accuracy_result(measurement=None, verdict=Verdict("not_applicable", "no GPU here")))
    assert (case["measured"], case["interval"], case["n"], case["kind"]) == (None, None, 0, None)
    assert (case["verdict"], case["reason"]) == ("not_applicable", "no GPU here")


def test_nothing_infinite_reaches_json(accuracy_result):
    measurement = Measurement(math.nan, "%", 3, Interval(-math.inf, math.inf, 0.95, "one run"), runs=(1.0, math.inf))
    case = case_record(accuracy_result(measurement=measurement, steps={"predict": math.nan}))
    assert case["measured"] is None
    assert (case["interval"]["low"], case["interval"]["high"]) == (None, None)
    assert case["runs"] == [1.0, None]
    assert case["steps"] == {"predict": None}
    json.dumps(case, allow_nan=False)


def test_known_and_baseline_are_told(accuracy_result):
    baseline = BaselineComparison("worse", "99.3 % is worse than 99.4 %", 99.4, 0.002)
    known = {"verdict": "refuted", "reason": "the figure is rounded up", "matched": True}
    case = case_record(accuracy_result(baseline=baseline), known)
    assert case["known"] == known
    assert case["baseline"] == {
        "status": "worse", "reason": "99.3 % is worse than 99.4 %", "value": 99.4, "noise": 0.002,
    }  # fmt: skip


def test_a_claim_without_data(accuracy_result, make_case, make_claim):
    case = case_record(accuracy_result(case=make_case(make_claim(dataset=None)), data_digest=None))
    assert case["dataset"] is None
    assert case["conditions"]["relation"] is None


def test_conditions_are_what_json_would_give_back(make_claim):
    found = conditions(make_claim(conditions=Conditions(frameworks=("pytorch>=2",), threads=1, percentile=99)))
    assert found == json.loads(json.dumps(found))
    assert found["frameworks"] == ["pytorch>=2"]
    assert found["hardware"] == {"device": None, "arch": None, "name": None, "memory": None}


def test_conditions_tell_metric_options_and_the_kind_of_data_apart(make_claim):
    assert conditions(make_claim(metric_options={"k": 1})) != conditions(make_claim(metric_options={"k": 5}))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([1.0, np.nan]), [1.0, None]),
        ((1, (2,)), [1, [2]]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (True, True),
        ({1: {"a": math.inf}}, {"1": {"a": None}}),
        (complex(1, 2), "(1+2j)"),
    ],
)
def test_plain_data(value, plain):
    assert json_ready(value) == plain
    assert type(json_ready(value)) is type(plain)
