"""What an emulated processor executes for one query, counted by the emulator itself."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pytest_mlmodelscope.agent import compiler, counter
from pytest_mlmodelscope.agent.agent import Agent
from pytest_mlmodelscope.agent.compiler import compile_library
from pytest_mlmodelscope.agent.counter import counting
from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.agent.install import InstallError
from pytest_mlmodelscope.claim.expand import expand
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.bundled import bundled_root
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable
from pytest_mlmodelscope.core.framework import Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.worker.counting import CALLS

ARM = Place("cpu", "linux-aarch64", "emulated")
CLAIMS = bundled_root() / "claims" / "fashion-cnn-instructions.yml"
#: ONNX Runtime takes some steps by how its memory happens to lie; others repeat to the last digit.
STEADY = 0.001
ROWS = {"name": "x", "dtype": "float32", "shape": ["batch", 64]}


def quiet(_):
    pass


@pytest.fixture(scope="module")
def plain():
    """The smallest environment for an emulated processor, of the user's cache."""
    return Environments(Cache().root).obtain(FrameworkUse("onnxruntime"), place=ARM)


@pytest.fixture(scope="module")
def environment(plain):
    return counting(plain, quiet)


@pytest.fixture
def instructions(environment, tmp_path):
    """What a fresh worker counts for one query of a model of so many products of matrices."""

    def counted(layers):
        names = ["x", *(f"h{number}" for number in range(layers))]
        weights = numpy_helper.from_array(np.full((64, 64), 0.01, np.float32), "w")
        nodes = [helper.make_node("MatMul", [one, "w"], [other]) for one, other in pairwise(names)]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 64]) for name in (names[0], names[-1])]
        graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], [weights])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m")
        request = {
            "files": {"model": str(tmp_path / "m")}, "options": {}, "inputs": [ROWS], "outputs": [{"name": names[-1]}],
            "threads": 1, "device": "cpu", "precision": "fp32",
        }  # fmt: skip
        with Agent(environment) as agent:
            assert agent.open(request)["arch"] == "aarch64"
            return agent.instructions({"x": np.ones((1, 64), np.float32)})

    return counted


def test_counting_twice_gives_the_same_and_a_larger_model_takes_more(instructions):
    once, again, larger = instructions(2), instructions(2), instructions(6)
    assert median(once) == pytest.approx(median(again), rel=STEADY)
    assert len(once) == CALLS
    # Four products of 64 by 64 more, on a processor that does four multiplications and additions at once.
    assert 4 * 64 * 64 / 4 < min(larger) - max(once) < 4 * 64 * 64 * 4
    assert min(larger) - max(once) > 10 * STEADY * median(once)


@pytest.fixture
def case():
    claims = load_claims(CLAIMS)
    claim = next(claim for claim in claims if claim.id == "fashion-cnn-instructions-arm-onnxruntime")
    (found,) = expand(claim, Catalogue([bundled_root() / "manifests"]))
    return found


def test_a_claim_on_instructions_is_judged_recorded_and_compared(environment, case, tmp_path):
    with Engine(Settings(baselines=tmp_path, record=True)) as engine:
        first = engine.verify(case)
    with Engine(Settings(baselines=tmp_path)) as engine:
        second = engine.verify(case)
    assert (first.verdict.word, second.verdict.word) == ("confirmed", "confirmed"), first.verdict.reason
    assert (first.measurement.kind, len(first.measurement.runs)) == ("counted", CALLS * case.claim.conditions.runs)
    assert first.measurement.value == pytest.approx(second.measurement.value, rel=STEADY)
    assert second.baseline.status == "same"
    assert [path.parent.name for path in tmp_path.rglob("*.json")] == ["aarch64-emulated-cortex-a72"]


def test_another_environment_takes_what_one_has(environment, tmp_path):
    home = tmp_path / "one"
    shutil.copytree(environment.python.parents[1] / Path(environment.launcher[0]).parent.name, home / "counter-0")
    (tmp_path / "other").mkdir()
    assert counter._copied(tmp_path / "other", tmp_path / "other" / "counter-0")
    loaders = [tmp_path / name / "counter-0" / "loader" for name in ("one", "other")]
    assert loaders[0].samefile(loaders[1])
    assert not counter._copied(tmp_path / "other", tmp_path / "other" / "counter-1")


def test_offline_it_is_not_there_and_nothing_is_left(plain, tmp_path):
    (tmp_path / "env" / "bin").mkdir(parents=True)
    elsewhere = dataclasses.replace(plain, python=tmp_path / "env" / "bin" / "python")
    with pytest.raises(EnvironmentUnavailable, match="instructions cannot be counted here") as refused:
        counting(elsewhere, quiet, offline=True)
    assert "cannot be fetched offline" in str(refused.value)
    assert [path.name for path in (tmp_path / "env").iterdir()] == ["bin"]


# -- the compiler ---------------------------------------------------------------------------------


def runs_with(plugin, environment):
    """Whether the emulator takes a plugin, and the program that it runs still does what it does."""
    words = [str(plugin) if word.endswith("counter.so") else word for word in environment.launcher]
    command = [*words, str(environment.python), "-I", "-S", "-c", "print(6 * 7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() == "42", done.stderr


@pytest.mark.parametrize("own", [True, False], ids=["own", "package"])
def test_any_compiler_makes_a_plugin_that_the_emulator_takes(environment, monkeypatch, tmp_path, own):
    if not own:
        monkeypatch.setattr(compiler, "COMPILERS", ())
    made, said = tmp_path / "plugin.so", []
    compile_library(counter._SOURCE, made, ["-DVERSION=1"], said.append)
    assert said == ([] if own else ["installing a C compiler for a moment"])
    assert runs_with(made, environment) == (True, "")


def test_a_plugin_of_another_interface_is_refused_by_the_emulator(environment, tmp_path):
    compile_library(counter._SOURCE, tmp_path / "plugin.so", ["-DVERSION=99"], quiet)
    works, said = runs_with(tmp_path / "plugin.so", environment)
    assert not works
    assert "version" in said


def test_without_a_compiler_the_line_that_gets_one_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(compiler, "COMPILERS", ())
    monkeypatch.setattr(compiler, "_PACKAGE", "no-such-compiler-of-mlmodelscope==1")
    with pytest.raises(InstallError, match=r"there is no C compiler .*; install a C compiler, such as Debian's gcc"):
        compile_library(counter._SOURCE, tmp_path / "plugin.so", [], quiet, offline=True)


def test_a_file_that_no_compiler_takes_is_an_error_with_its_words(tmp_path):
    (tmp_path / "wrong.c").write_text("int f(void) { return nothing_of_this_name; }\n")
    with pytest.raises(InstallError, match=r"wrong\.c cannot be compiled: .*nothing_of_this_name"):
        compile_library(tmp_path / "wrong.c", tmp_path / "made.so", [], quiet)
