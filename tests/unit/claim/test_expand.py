"""From a claim to its cases: which frameworks, in which version, on which targets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from published import ACCURACY

from pytest_mlmodelscope.claim.expand import Requirement, Selection, expand, requirement, selection
from pytest_mlmodelscope.core.claim import Conditions, DataUse, Hardware
from pytest_mlmodelscope.core.errors import DocumentError, UsageError
from pytest_mlmodelscope.manifest.load import Catalogue

SHA = "a" * 64
MODEL = f"""\
schema: model/1
name: net
version: "1"
task: text_classification
license: MIT
description: A network.
assets:
  file: {{path: net.onnx, sha256: {SHA}, size: 1, license: MIT}}
inputs: [{{name: x, dtype: string, shape: [batch]}}]
outputs: [{{name: y}}]
frameworks:
  onnxruntime: {{assets: {{model: file}}}}
  python: {{entry: "net:Model"}}
"""
DATASET = f"""\
schema: dataset/1
name: lines
version: "1"
license: MIT
description: Lines.
assets:
  file: {{path: lines.txt, sha256: {SHA}, size: 1, license: MIT}}
splits:
  test: {{items: 1, reader: {{table: {{asset: file, columns: {{input: 0}}}}}}}}
  train: {{items: 1, reader: {{table: {{asset: file, columns: {{input: 0}}}}}}}}
"""
CLAIM = dataclasses.replace(
    ACCURACY, id="net-accuracy", model="net", dataset=DataUse("lines"), path=Path("claims/net.yml"), line=7
)


@pytest.fixture
def catalogue(tmp_path):
    for group, name, text in (("models", "net", MODEL), ("datasets", "lines", DATASET)):
        (tmp_path / group).mkdir()
        (tmp_path / group / f"{name}.yml").write_text(text)
        (tmp_path / group / "net.onnx").write_bytes(b"x")
        (tmp_path / group / "lines.txt").write_bytes(b"x")
    return Catalogue([tmp_path])


def claim(**conditions):
    return dataclasses.replace(CLAIM, conditions=Conditions(**conditions))


def ids(found):
    return [case.id for case in found]


# -- frameworks -----------------------------------------------------------------------------------


def test_every_framework_of_the_model_is_a_case(catalogue):
    assert ids(expand(CLAIM, catalogue)) == ["net-accuracy-onnxruntime-cpu", "net-accuracy-python-cpu"]


def test_a_case_has_all_that_a_run_needs(catalogue):
    case = expand(CLAIM, catalogue)[0]
    assert (case.claim, case.model.name, case.framework.name, case.target) == (CLAIM, "net", "onnxruntime", "cpu")
    assert case.dataset.name == "lines"
    assert case.requirement == ""


@pytest.mark.parametrize(
    ("stated", "asked", "expected"),
    [
        ((), (), ["onnxruntime", "python"]),
        (("python",), (), ["python"]),
        (("python", "onnxruntime"), (), ["python", "onnxruntime"]),
        ((), ("python",), ["python"]),
        ((), ("onnxruntime", "python"), ["onnxruntime", "python"]),
        ((), ("pytorch",), []),
        (("python",), ("onnxruntime",), []),
        (("onnxruntime>=1.18",), (), ["onnxruntime>=1.18"]),
        ((), ("onnxruntime<2",), ["onnxruntime<2"]),
        (("onnxruntime>=1.18",), ("onnxruntime<2",), ["onnxruntime>=1.18,<2"]),
        (("onnxruntime>=1.18",), ("onnxruntime",), ["onnxruntime>=1.18"]),
        ((), ("onnxruntime==1.18", "onnxruntime==1.20"), ["onnxruntime==1.18", "onnxruntime==1.20"]),
        (("onnxruntime==1.18", "onnxruntime==1.20"), ("onnxruntime",), ["onnxruntime==1.18", "onnxruntime==1.20"]),
    ],
)
def test_what_the_claim_states_and_what_the_user_asks_for_both_count(catalogue, stated, asked, expected):
    found = expand(claim(frameworks=stated), catalogue, selection(asked))
    assert [case.framework.name + case.requirement for case in found] == expected


def test_cases_of_one_framework_in_two_versions_have_names_of_their_own(catalogue):
    found = ids(expand(CLAIM, catalogue, selection(["onnxruntime==1.18", "onnxruntime==1.20"])))
    assert found == ["net-accuracy-onnxruntime==1.18-cpu", "net-accuracy-onnxruntime==1.20-cpu"]


def test_a_framework_that_the_model_lacks_is_told_where_the_claim_states_it(catalogue):
    with pytest.raises(DocumentError, match='the model net has no framework "onnxruntme"') as refused:
        expand(claim(frameworks=("onnxruntme>=1",)), catalogue)
    assert refused.value.where == "claims/net.yml:7"
    assert refused.value.hint == 'did you mean "onnxruntime"?'


def test_a_stated_framework_is_checked_even_where_the_user_asks_for_another(catalogue):
    with pytest.raises(DocumentError, match="has no framework"):
        expand(claim(frameworks=("pytorch",)), catalogue, selection(["python"]))


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("pytorch", "pytorch", ""),
        ("pytorch>=2", "pytorch", ">=2"),
        (" pytorch >= 2 , < 3 ", "pytorch", ">=2,<3"),
        ("onnx-runtime==1.0.1", "onnx-runtime", "==1.0.1"),
        ("a_b!=1", "a_b", "!=1"),
    ],
)
def test_a_requirement_has_a_name_and_a_version(text, name, version):
    assert requirement(text) == Requirement(name, version)


PIPES = """\
schema: model/1
name: pipes
version: "1"
task: text_classification
license: MIT
description: Two networks.
pipeline:
  one: {model: net}
  two: {model: net, of: one}
"""
MIXED = "one=onnxruntime+two=python"


def test_the_stages_of_a_pipeline_are_put_on_frameworks_of_their_own(catalogue, tmp_path):
    (tmp_path / "models" / "pipes.yml").write_text(PIPES)
    of_pipes = dataclasses.replace(CLAIM, model="pipes")
    (case,) = expand(of_pipes, catalogue, selection([MIXED]))
    assert (case.id, case.framework.name) == (f"net-accuracy-{MIXED}-cpu", MIXED)
    assert [case.framework.of(stage).name for stage in case.model.stages] == ["onnxruntime", "python"]
    # Other models have no such stages, and this claim is about one framework.
    assert expand(CLAIM, catalogue, selection([MIXED])) == []
    stated = dataclasses.replace(of_pipes, conditions=Conditions(frameworks=("python",)))
    assert expand(stated, catalogue, selection([MIXED])) == []


def test_a_claim_may_be_about_stages_on_several_frameworks(catalogue, tmp_path):
    (tmp_path / "models" / "pipes.yml").write_text(PIPES)
    of_pipes = dataclasses.replace(claim(frameworks=(MIXED,)), model="pipes")
    assert ids(expand(of_pipes, catalogue)) == [f"net-accuracy-{MIXED}-cpu"]
    assert ids(expand(of_pipes, catalogue, selection([MIXED]))) == [f"net-accuracy-{MIXED}-cpu"]
    with pytest.raises(DocumentError, match="no framework is chosen for the stage two") as refused:
        expand(dataclasses.replace(of_pipes, conditions=Conditions(frameworks=("one=python",))), catalogue)
    assert refused.value.where.endswith(f":{CLAIM.line}")


@pytest.mark.parametrize("text", ["", "  ", ">=2", "==1.0"])
def test_a_requirement_without_a_name_is_refused(text):
    with pytest.raises(UsageError, match="is not a framework") as refused:
        requirement(text)
    assert "pytorch>=2" in refused.value.hint


# -- what a user asks for -------------------------------------------------------------------------


def test_asking_for_nothing_is_asking_for_everything():
    assert selection() == Selection()


@pytest.mark.parametrize(
    ("frameworks", "targets", "words", "hint"),
    [
        (["pytroch"], [], 'no framework is called "pytroch"', 'did you mean "pytorch"?'),
        (["pytroch>=2"], [], 'no framework is called "pytroch"', 'did you mean "pytorch"?'),
        (["python", "toaster"], [], 'no framework is called "toaster"', "one of: "),
        ([], ["gpus"], 'no target is called "gpus"', 'did you mean "gpu"?'),
        ([], ["cpu", "toaster"], 'no target is called "toaster"', "one of: arm, cpu, fpga, gpu, ppc"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(frameworks, targets, words, hint):
    with pytest.raises(UsageError, match=words) as refused:
        selection(frameworks, targets)
    assert refused.value.hint.startswith(hint)


# -- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hardware", "target"),
    [
        (Hardware(), "cpu"),
        (Hardware(name="Xeon"), "cpu"),
        (Hardware(memory=1), "cpu"),
        (Hardware(device="cpu"), "cpu"),
        (Hardware(device="gpu"), "gpu"),
        (Hardware(device="fpga"), "fpga"),
        (Hardware(device="cpu", arch="x86_64"), "cpu"),
        (Hardware(device="cpu", arch="aarch64"), "arm"),
        (Hardware(device="cpu", arch="ppc64le"), "ppc"),
        (Hardware(arch="aarch64"), "arm"),
        (Hardware(arch="ppc64le"), "ppc"),
        (Hardware(device="gpu", arch="aarch64"), "gpu"),
        (Hardware(device="gpu", name="H200", memory=10**11), "gpu"),
    ],
    ids=str,
)
def test_without_a_wish_a_claim_runs_on_the_target_that_it_is_about(catalogue, hardware, target):
    found = expand(claim(hardware=hardware, frameworks=("python",)), catalogue)
    assert [case.target for case in found] == [target]


@pytest.mark.parametrize(
    ("hardware", "asked", "expected"),
    [
        (Hardware(), ["gpu"], ["gpu"]),
        (Hardware(), ["gpu", "cpu"], ["gpu", "cpu"]),
        (Hardware(), ["arm", "ppc", "fpga"], ["arm", "ppc", "fpga"]),
        (Hardware(device="gpu"), ["cpu"], []),
        (Hardware(device="gpu"), ["cpu", "gpu"], ["gpu"]),
        (Hardware(device="cpu", arch="aarch64"), ["cpu", "arm"], ["arm"]),
        (Hardware(device="tpu"), ["cpu", "gpu", "fpga", "arm", "ppc"], []),
    ],
    ids=str,
)
def test_of_the_targets_asked_for_those_remain_that_the_claim_admits(catalogue, hardware, asked, expected):
    found = expand(claim(hardware=hardware, frameworks=("python",)), catalogue, selection(targets=asked))
    assert [case.target for case in found] == expected


def test_frameworks_and_targets_multiply(catalogue):
    found = ids(expand(CLAIM, catalogue, selection(targets=["cpu", "gpu"])))
    assert found == [f"net-accuracy-{name}-{target}" for name in ("onnxruntime", "python") for target in ("cpu", "gpu")]


# -- model and data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words", "hint"),
    [
        ({"model": "nett"}, 'no model is called "nett"', 'did you mean "net"?'),
        ({"dataset": DataUse("line")}, 'no dataset is called "line"', 'did you mean "lines"?'),
        ({"dataset": DataUse("lines", "tset")}, 'has no split "tset"', 'did you mean "test"?'),
        ({"dataset": DataUse("lines", "zzz")}, 'has no split "zzz"', "one of: test, train"),
        ({"dataset": None}, "the metric accuracy needs data", 'add "dataset:"'),
        ({"dataset": None, "metric": "latency"}, "the metric latency needs data", 'add "dataset:"'),
        ({"dataset": None, "metric": "instructions"}, "the metric instructions needs data", 'add "dataset:"'),
    ],
    ids=str,
)
def test_what_is_not_there_is_told_at_the_claims_line(catalogue, changes, words, hint):
    with pytest.raises(DocumentError, match=words) as refused:
        expand(dataclasses.replace(CLAIM, **changes), catalogue)
    assert refused.value.where == "claims/net.yml:7"
    assert refused.value.hint.startswith(hint)


def test_a_figure_of_the_model_itself_needs_no_data(catalogue):
    found = expand(dataclasses.replace(CLAIM, dataset=None, metric="file_size", unit="B"), catalogue)
    assert [case.dataset for case in found] == [None, None]


def test_a_figure_of_the_model_itself_may_name_data_all_the_same(catalogue):
    found = expand(dataclasses.replace(CLAIM, metric="file_size", unit="B"), catalogue)
    assert found[0].dataset.name == "lines"


def test_the_split_that_the_claim_names_is_there(catalogue):
    found = expand(dataclasses.replace(CLAIM, dataset=DataUse("lines", "train")), catalogue)
    assert len(found) == 2
