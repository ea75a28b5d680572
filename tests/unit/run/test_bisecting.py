"""What made the difference, really measured: real processes, real frameworks, real versions."""

from __future__ import annotations

import dataclasses
import hashlib
import re

import numpy as np
import pytest

from pytest_mlmodelscope.bisection.factors import Factor, factor
from pytest_mlmodelscope.core.errors import MlmsError, UsageError
from pytest_mlmodelscope.engine.bisecting import Bisector, plan
from pytest_mlmodelscope.engine.dating import Dating
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.engine.stacks import Unmeasured
from pytest_mlmodelscope.manifest.cache import Cache

#: Sleeps where it is told to, and says so in its answers where it is told otherwise.
TELLING = """\
import os
import time


class Model:
    def __init__(self):
        if os.environ.get("BROKEN"):
            raise RuntimeError("no model here")

    def __call__(self, word):
        time.sleep(0.003 if os.environ.get("SLOW") else 0.0003)
        ends = [os.environ.get(name, "") for name in ("ENDING", "OTHER")]
        return word.upper() + ends[0] + ("!" if all(ends) else "")
"""


@pytest.fixture
def telling(words):
    """The model of words, which the environment of its worker tells what to do."""
    (words.folder / "modules" / "word_model.py").write_text(TELLING)
    path = words.folder / "manifests" / "models" / "words.yml"
    # Nothing to construct it with.
    path.write_text(re.sub(r"construct: {kwargs: {.*?}}", "construct: {}", path.read_text()))
    return words


@pytest.fixture(scope="module")
def users():
    """An engine whose environments are kept for the next run of the tests, as a user's are."""
    with Engine(Settings(cache=Cache().root)) as found:
        yield found


@pytest.fixture
def said():
    return []


def bisect(engine, case, *texts, said, rounds=2, budget=600.0):
    return Bisector(engine, case, [factor(text) for text in texts], said.append, budget).bisect(rounds)


def words_of(found):
    return {share.name: share.word for share in found.shares}


def test_what_slows_a_worker_down_is_named_and_what_does_not_is_not(telling, engine, timed_case, said):
    case = timed_case()
    found = bisect(engine, case, "variable.SLOW=-,1", "variable.OTHER=-,1", said=said)
    assert found.made
    assert words_of(found)["variable.SLOW"] == "explains"
    assert words_of(found)["variable.OTHER"] != "explains"
    assert {len(runs) for runs in found.figures.values()} <= {2, 4}
    assert len(found.figures) == 4
    # To and fro: two of the same in a row where a round ends.
    order = [text for text in said if text.startswith("measuring")]
    assert order[:8] == order[:4] + order[:4][::-1]


def test_the_same_stack_twice_makes_no_change(telling, engine, timed_case, said):
    found = bisect(engine, timed_case(), "variable.OTHER=-,1", said=said)
    assert not found.made
    assert words_of(found)["variable.OTHER"] != "explains"


def test_answers_are_attributed_exactly_and_what_acts_together_is_seen(telling, engine, word_case, said):
    found = bisect(engine, word_case(), "variable.ENDING=-,X", "variable.OTHER=-,1", "variable.SLOW=-,1", said=said)
    # With an ending all of the 90 words that were right are wrong; the other one only adds to that.
    ending, other, slow = found.shares
    assert (found.of, found.change[0], ending.alone, other.alone, other.last) == ("figure", -90, -90, 0, 0)
    assert (ending.word, other.word, slow.word) == ("explains", "no part", "no part")
    assert (found.answers.differing, found.answers.lost) == (100, 90)


def test_of_many_differences_those_that_are_needed_are_found_first(telling, engine, word_case, said):
    idle = [f"variable.V{n}=-,1" for n in range(6)]
    found = bisect(engine, word_case(), *idle[:3], "variable.ENDING=-,X", *idle[3:], said=said)
    assert words_of(found) == {"variable.ENDING": "explains"}
    assert "needed for the change: variable.ENDING" in said
    assert len(found.figures) < 12


def test_a_stack_that_cannot_be_measured_says_why(telling, engine, word_case, said):
    with pytest.raises(Unmeasured) as error:
        bisect(engine, word_case(), "variable.OTHER=-,1", "variable.BROKEN=-,1", said=said)
    assert error.value.where == "A with variable.BROKEN - -> 1"
    assert "no model here" in str(error.value)


def test_a_budget_is_kept(telling, engine, timed_case, said):
    with pytest.raises(MlmsError, match="the budget of 0 s is spent"):
        bisect(engine, timed_case(), "variable.SLOW=-,1", said=said, budget=0.0)


def test_the_plan_counts_what_is_measured(timed_case, word_case):
    some = [Factor(f"variable.V{n}", None, "1") for n in range(5)]
    assert (plan(timed_case(), some[:2], 6).stacks, plan(timed_case(), some[:2], 6).runs) == (4, 24)
    assert plan(word_case(), some[:3], 6).runs == 8
    assert "ddmin" in plan(word_case(), some).how
    with pytest.raises(UsageError, match="nothing that can be swapped"):
        plan(word_case(), [])


def test_a_version_and_the_numpy_that_it_wants_are_swapped_together(users, case, said):
    made = dataclasses.replace(case(), requirement="==1.32.0")
    found = bisect(users, made, "version=1.32.0,1.17.3", "package.numpy=2.4.6,1.26.4", said=said)
    assert "that combination cannot be had: version+package.numpy" in said
    assert [share.name for share in found.shares] == ["version+package.numpy"]


def test_a_real_option_changes_real_outputs_and_is_named(users, case, accurate, said):
    found = bisect(users, accurate, "option.graph_optimization=all,none", "threads=1,2", said=said)
    assert words_of(found)["threads"] == "no part"


@pytest.fixture
def accurate(folder, case):
    """Digits by the nearest mean, of pictures to which is added what two rounding errors leave of a root and of a
    logarithm, made a million times as large: what ONNX Runtime rounds otherwise from 1.21 on decides.
    """
    rounding(folder)
    return case(data=None, model="rounding")


def rounding(folder):
    from onnx import TensorProto, helper, numpy_helper

    (old,) = (folder / "manifests" / "models").glob("digits-means.yml")
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Sqrt", ["pixels"], ["root"]),
                helper.make_node("Mul", ["root", "root"], ["square"]),
                helper.make_node("Sub", ["square", "pixels"], ["error"]),
                helper.make_node("Mul", ["error", "large"], ["amplified"]),
                helper.make_node("Add", ["pixels", "amplified"], ["noisy"]),
                helper.make_node("Gemm", ["noisy", "weights", "bias"], ["scores"]),
            ],
            "rounding",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
            [numpy_helper.from_array(array, name) for name, array in _weights(folder).items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    path = old.with_name("rounding.onnx")
    path.write_bytes(model.SerializeToString())
    before = (old.with_name("digits.onnx")).read_bytes()
    text = old.read_text().replace("digits-means", "rounding").replace("digits.onnx", "rounding.onnx")
    text = text.replace(hashlib.sha256(before).hexdigest(), hashlib.sha256(path.read_bytes()).hexdigest())
    text = text.replace(f"size: {len(before)}", f"size: {path.stat().st_size}")
    old.with_name("rounding.yml").write_text(text)


def _weights(folder):
    import onnx
    from onnx import numpy_helper

    held = onnx.load(folder / "manifests" / "models" / "digits.onnx").graph.initializer
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in held} | {"large": np.array(2e6, np.float32)}


VERSIONS = ("1.16.3", "1.17.3", "1.99.0", "1.20.0", "1.32.0")


def test_the_first_release_that_decides_otherwise_is_found(users, accurate, said):
    """1.99.0 does not exist, and is passed by."""
    found = Dating(users, accurate, VERSIONS, said.append, 600.0).date(rounds=2)
    assert found.by in ("figure", "decisions")
    assert (found.found.last_good, found.found.first_bad, found.found.between) == ("1.20.0", "1.32.0", ())
    assert found.answers["1.20.0"] == "good"
    assert set(found.answers) - set(VERSIONS) == set()


def test_releases_that_do_the_same_are_not_told_apart(users, case, said):
    found = Dating(users, case(), ("1.16.3", "1.17.3"), said.append, 600.0).date(rounds=2)
    assert (found.by, found.found) == (None, None)
    assert set(found.answers.values()) == {"good"}


def test_a_slower_release_is_found_by_its_time(telling, engine, timed_case, said, monkeypatch):
    """Versions that this machine does not have are made of one that it has, by what slows it down."""
    from pytest_mlmodelscope.agent.environment import Environments

    obtain = Environments.obtain

    def slow_from_three_on(self, use, requirement="", place=None):
        found = obtain(self, use)
        slow = {"SLOW": "1"} if requirement >= "==3" else {}
        return dataclasses.replace(found, key=f"python{requirement}", variables={**found.variables, **slow})

    monkeypatch.setattr(Environments, "obtain", slow_from_three_on)
    found = Dating(engine, timed_case(), ("1", "2", "3"), said.append, 600.0).date(rounds=3)
    assert (found.by, found.found.last_good, found.found.first_bad) == ("time", "2", "3")


def test_an_end_that_cannot_be_had_says_so(users, case, said):
    with pytest.raises(Unmeasured, match="cannot be measured") as error:
        Dating(users, case(), ("1.16.3", "1.17.99"), said.append, 600.0).date(rounds=2)
    assert error.value.absent
