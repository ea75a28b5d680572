"""What can be swapped, and what it makes of a case."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytest_mlmodelscope.bisection.factors import CONDITIONS, Factor, factor, stack
from pytest_mlmodelscope.bisection.recorded import differences, the_case
from pytest_mlmodelscope.claim.expand import requirement, use_of
from pytest_mlmodelscope.core.errors import UsageError
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.record.case import case_record
from pytest_mlmodelscope.record.causes import USUAL
from pytest_mlmodelscope.record.compare import Fact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("threads=1,2", Factor("threads", 1, 2)),
        ("version=1.0,2.0", Factor("version", "1.0", "2.0")),
        ("precision=fp32, int8", Factor("precision", "fp32", "int8")),
        ("package.numpy=1.26.4,2.0", Factor("package.numpy", "1.26.4", "2.0")),
        ("option.graph_optimization=all,none", Factor("option.graph_optimization", "all", "none")),
        ("option.fast=true,3", Factor("option.fast", True, 3)),
        ("variable.OMP_WAIT_POLICY=-,ACTIVE", Factor("variable.OMP_WAIT_POLICY", None, "ACTIVE")),
    ],
)
def test_a_difference_as_a_person_writes_it(text, expected):
    assert factor(text) == expected


@pytest.mark.parametrize(
    "text", ["threads", "threads=1", "threads=1,1", "threads=1,2,3", "threads=one,two", "treads=1,2", "variable.=1,2"]
)
def test_what_is_no_difference(text):
    with pytest.raises(UsageError):
        factor(text)


def test_the_nearest_name_is_offered():
    with pytest.raises(UsageError) as error:
        factor("treads=1,2")
    assert error.value.hint == 'did you mean "threads"?'


def test_each_kind_of_difference_changes_what_it_names(make_case):
    case = make_case(framework="onnxruntime")
    framework = dataclasses.replace(case.framework, packages=("numpy>=1.20", "pillow"), options={"x": 1})
    case = dataclasses.replace(case, framework=framework)
    swapped = stack(
        case,
        {
            "version": "1.2",
            "threads": 4,
            "batch": 8,
            "package.NumPy": "1.26.4",
            "option.y": 2,
            "variable.V": "1",
        },
    )
    assert swapped.requirement == "==1.2"
    assert (swapped.claim.conditions.threads, swapped.claim.conditions.batch) == (4, 8)
    assert swapped.framework.packages == ("pillow", "NumPy==1.26.4")
    assert (dict(swapped.framework.options), dict(swapped.framework.variables)) == ({"x": 1, "y": 2}, {"V": "1"})
    # A worker that has the model open with other options must not be taken for one that has it with these.
    assert swapped.model.digest != case.model.digest
    assert stack(swapped, {"option.x": None}).framework.options == {"y": 2}
    assert case.requirement == ""


@pytest.mark.parametrize(
    ("framework", "name", "said"),
    [
        ("onnxruntime", "package.numpy", "is a pipeline: its stages would not be told of it"),
        ("onnxruntime", "option.x", "is a pipeline"),
        ("onnxruntime", "variable.V", "is a pipeline"),
        ("find=onnxruntime+read=openvino", "version", "are on several frameworks"),
    ],
)
def test_what_the_stages_of_a_pipeline_would_not_be_told_of_is_refused(make_case, framework, name, said):
    model = Catalogue([Path(__file__).parents[3] / "manifests"]).model("ppocr-v4", "here")
    case = dataclasses.replace(make_case(), model=model, framework=use_of(model, requirement(framework)))
    with pytest.raises(UsageError, match=said):
        stack(case, {name: "1"})
    assert stack(case, {"threads": 2}).claim.conditions.threads == 2


@pytest.fixture
def two(timed_result):
    def make(**changes):
        base = {"framework": "onnxruntime", "version": "1.16.3", "threads": 1, "libraries": {"numpy": "1.26.4"}}
        old, now = (case_record(timed_result(software=about)) for about in (base, {**base, **changes}))
        return old, now

    return make


def test_what_two_records_differ_in_is_swapped_or_left_over(two):
    old, now = two(version="1.20.0", build="other", libraries={"numpy": "2.0.0"}, isolation={"mechanism": "none"})
    now["conditions"]["threads"] = 2
    around = [("machine", Fact("name", "One", "Other")), ("host", Fact("numpy", "1", "2"))]
    factors, left = differences(old, now, around)
    assert factors == (
        Factor("version", "1.16.3", "1.20.0"),
        Factor("package.numpy", "1.26.4", "2.0.0"),
        Factor("threads", 1, 2),
    )
    # The build follows from the version.
    assert {one.kind for one in left} == {"machine", "host", "isolation"}
    assert all(one.why for one in left)


def test_threads_that_nobody_asked_for_are_asked_of_both(two):
    old, now = two(threads=4)
    for case in (old, now):
        case["conditions"]["threads"] = None
    assert differences(old, now, [])[0] == (Factor("threads", 1, 4),)


def test_other_files_of_the_model_are_left_over(two):
    old, now = two()
    now["model_digest"] = "0" * 64
    factors, left = differences(old, now, [])
    assert (factors, [one.kind for one in left]) == ((), ["model"])


def test_a_case_is_found_by_its_id_or_its_claim(two):
    old, now = two()
    assert the_case([old], [now], "vad-latency") == (old, now)
    assert the_case([old], [now], old["id"]) == (old, now)


def test_a_case_that_is_not_in_both_is_refused_with_those_that_are(two):
    old, now = two()
    with pytest.raises(UsageError, match="neither record") as error:
        the_case([old], [now], "nothing")
    assert old["id"] in error.value.hint
    with pytest.raises(UsageError, match="in one of the records only"):
        the_case([old, {**old, "id": "lonely", "claim": "lonely"}], [now], "lonely")
    twins = [[case, {**case, "id": "other", "framework": "other"}] for case in (old, now)]
    with pytest.raises(UsageError, match="several cases"):
        the_case(*twins, "vad-latency")


def test_every_condition_that_is_swapped_is_known_to_the_causes():
    assert set(CONDITIONS) - set(USUAL) == {"scenario", "measures"}  # which are conditions like others
