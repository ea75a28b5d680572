"""Claims verified on a machine that has nothing but a shell and Python."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.agent.care import Care
from pytest_mlmodelscope.agent.environment import Environment, Environments
from pytest_mlmodelscope.agent.limits import Limits
from pytest_mlmodelscope.agent.remote_agent import RemoteAgent
from pytest_mlmodelscope.claim.expand import expand, selection
from pytest_mlmodelscope.claim.load import load_claims
from pytest_mlmodelscope.core.errors import EnvironmentUnavailable, RemoteError, WorkerDied, WorkerTimeout
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.engine.run import Engine, Settings
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.load import Catalogue
from pytest_mlmodelscope.remote.machine import remote
from pytest_mlmodelscope.targets import local_cpu, named

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "manifests/models/fashion-cnn/fashion-cnn.onnx"
MISBEHAVING = ROOT / "tests/unit/agent/misbehaving"
X = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
PICTURES = {"image": np.zeros((4, 1, 28, 28), np.float32)}


def request_for(options=(), **files):
    return {
        "files": {role: str(path) for role, path in files.items()}, "options": dict(options), "inputs": [],
        "outputs": [], "threads": 1, "device": "cpu", "precision": "fp32",
    }  # fmt: skip


@pytest.fixture(scope="module")
def said():
    """What was told of the progress."""
    return []


@pytest.fixture(scope="module")
def place(stranger):
    """The machine as a place where frameworks run; it has one Python, of those that ONNX Runtime takes."""
    stranger.give(">=3.11,<3.14")
    return named(stranger.address).probe().place


@pytest.fixture(scope="module")
def environments(said):
    return Environments(Cache().root, progress=said.append)


@pytest.fixture(scope="module")
def environment(environments, place) -> Environment:
    """ONNX Runtime there."""
    return environments.obtain(FrameworkUse("onnxruntime"), "", place)


@pytest.fixture
def misbehaving(environment, stranger):
    """A worker there that does what it is told; nothing of it is left at the end."""
    agent = RemoteAgent(environment, Limits(open_s=60, predict_s=60), MISBEHAVING)

    def opened(does, **limits):
        agent.limits = Limits(open_s=60, **{"predict_s": 60, **limits})
        agent.open(request_for({"does": does}), "misbehaving")
        return agent

    yield opened
    agent.close()
    assert stranger.workers_left() == []


def test_the_machine_says_what_it_is(place, stranger):
    machine, here = named(stranger.address).probe(), local_cpu()
    # It is this one by another way, so all that describes a machine has to be the same.
    assert (machine.machine_class, machine.arch, machine.name) == (here.machine_class, here.arch, here.name)
    assert machine.memory == here.memory
    assert {key: machine.facts[key] for key in here.facts} == here.facts
    assert machine.nature == "hardware"
    assert place.address == machine.facts["address"] == stranger.address


def test_a_name_of_the_users_own_configuration_will_do(place):
    assert named("ssh://lab").probe().machine_class == local_cpu().machine_class


def test_the_framework_is_run_by_the_strangers_own_python(environment, stranger):
    assert environment.python.parent == stranger.programs
    assert environment.there.site.startswith(f"{stranger.home}/.cache/mlmodelscope/")
    assert (Path(environment.there.site) / "onnxruntime").is_dir()
    assert set(environment.packages) >= {"onnxruntime", "numpy"}


def test_what_is_there_is_not_sent_again(environments, environment, place, said):
    told = len(said)
    assert environments.obtain(FrameworkUse("onnxruntime"), "", place) == environment
    assert said[told:] == []


def test_a_damaged_environment_is_sent_again(environments, environment, place, said):
    shutil.rmtree(Path(environment.there.site) / "onnxruntime")
    environments.obtain(FrameworkUse("onnxruntime"), "", place)
    assert (Path(environment.there.site) / "onnxruntime").is_dir()
    assert "sending onnxruntime" in said[-1]
    assert "again: " in said[-1]


def test_a_model_answers_as_it_does_here(environment):
    with RemoteAgent(environment) as agent:
        about = agent.open(request_for(model=MODEL))
        outputs, spent = agent.predict(PICTURES)
        streamed = list(agent.predict_stream([PICTURES] * 20))
    assert about["parameters"] == 20490
    assert outputs["logits"].shape == (4, 10)
    assert 0 < spent < 60e9
    assert all(np.array_equal(answer["logits"], outputs["logits"]) for answer, _ in streamed)


def test_a_model_file_with_other_bytes_is_noticed_before_it_is_used(environment, stranger):
    with RemoteAgent(environment) as agent:
        agent.open(request_for(model=MODEL))
        (kept,) = stranger.home.rglob("fashion-cnn.onnx")
        whole = kept.read_bytes()
        kept.chmod(0o644)
        kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        agent.open(request_for(model=MODEL))
    assert kept.read_bytes() == whole


def test_what_arrives_with_another_checksum_is_refused_and_not_kept(place, stranger):
    machine, target = remote(stranger.address), stranger.home / "parcel"
    wrong = machine.ask("store", "take", str(target), "3", "0" * 64, stdin=b"abc")
    short = machine.ask("store", "take", str(target), "4", "0" * 64, stdin=b"abc")
    assert wrong["state"] == short["state"] == "refused"
    assert "has the SHA-256 ba7816bf" in wrong["what"]
    assert short["what"] == "3 bytes came, not 4"
    assert [path.name for path in stranger.home.glob("parcel*")] == ["parcel.lock"]


def test_a_worker_that_crashes_is_told_by_its_signal(misbehaving):
    agent = misbehaving("segfault")
    with pytest.raises(WorkerDied, match="the worker was ended by SIGSEGV"):
        agent.predict(X)
    with pytest.raises(WorkerDied, match="ended with exit status 3"):
        misbehaving("leave").predict(X)
    assert np.array_equal(misbehaving("echo").predict(X)[0]["x"], X["x"])


def test_what_a_worker_prints_is_the_tail(misbehaving):
    agent = misbehaving("abort")
    with pytest.raises(WorkerDied) as died:
        agent.predict(X)
    assert "terminate called after throwing an instance of 'std::bad_alloc'" in died.value.tail


def test_a_worker_that_hangs_is_ended_there_too(misbehaving, stranger):
    agent = misbehaving("hang", predict_s=1)
    with pytest.raises(WorkerTimeout):
        agent.predict(X)
    assert stranger.workers_left() == []


def test_processes_that_a_worker_started_end_with_it(misbehaving, stranger):
    agent = misbehaving("fork")
    agent.predict(X)
    agent.close()
    assert stranger.workers_left() == []


def test_a_connection_that_breaks_is_told_and_leaves_nothing_behind(misbehaving, stranger):
    agent = misbehaving("hang")
    answers = agent.predict_stream(hanging_up(stranger))
    with pytest.raises(WorkerDied) as broke:
        list(answers)
    assert f"the connection to {stranger.address} broke while a model ran there" in str(broke.value)
    assert stranger.workers_left() == []
    # The next case makes a new one.
    assert np.array_equal(misbehaving("echo").predict(X)[0]["x"], X["x"])


def hanging_up(stranger):
    """One question, and then the network fails."""
    yield X
    stranger.hang_up()
    yield X


def test_a_worker_is_kept_from_the_network_and_the_files_there(environment):
    with RemoteAgent(environment, Limits(isolation="required")) as agent:
        held = agent.open(request_for(model=MODEL))["isolation"]
    assert (held["files"], held["network"]) == ("own view", "none")
    assert held["mechanism"] in ("namespaces", "landlock")


def test_without_isolation_the_limits_hold(environment):
    with RemoteAgent(environment, Limits(isolation="off")) as agent:
        assert agent.open(request_for(model=MODEL))["isolation"]["mechanism"] == "limits"
        assert agent.predict(PICTURES)[0]["logits"].shape == (4, 10)


def test_a_framework_that_takes_none_of_its_pythons_says_which_it_has(environments, place):
    with pytest.raises(EnvironmentUnavailable) as lacking:
        environments.obtain(FrameworkUse("caffe"), "", place)
    assert "has no Python on ssh://" in str(lacking.value)
    assert "on the PATH of a command by ssh" in str(lacking.value)


def test_another_version_is_not_taken_because_one_cannot_be_fetched(place, tmp_path):
    told = []
    use = FrameworkUse("onnxruntime", packages=("no-such-package==1",))
    with pytest.raises(EnvironmentUnavailable, match=r"onnxruntime 1\.32\.0 with no-such-package==1 cannot be built"):
        Environments(tmp_path, offline=True, progress=told.append).obtain(use, "", place)
    assert [text for text in told if "onnxruntime 1.32.0 with" not in text] == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


@pytest.fixture(scope="module")
def cases(stranger):
    catalogue = Catalogue([ROOT / "manifests"])
    claims = {claim.id: claim for claim in load_claims(ROOT / "claims/fashion-cnn.yml")}
    chosen = selection(["onnxruntime"], [stranger.address])
    return {name: case for name, claim in claims.items() for case in expand(claim, catalogue, chosen)}


def test_accuracy_and_latency_are_verified_there(place, cases, tmp_path):
    settings = Settings(sample=2000, baselines=tmp_path, record=True, care=Care("ignore"))
    with Engine(settings) as engine:
        accuracy = engine.verify(cases["fashion-cnn-accuracy"])
        latency = engine.verify(cases["fashion-cnn-latency"])
    assert accuracy.verdict.word in ("confirmed", "inconclusive"), accuracy.verdict
    assert accuracy.measurement.n == 2000
    assert latency.verdict.word == "confirmed", latency.verdict
    assert len(latency.measurement.runs) == 3
    # What went on there was looked at there; nobody chose cores.
    assert len(latency.watched["runs"]) == 3
    for run in latency.watched["runs"]:
        assert run["worker_s"] > 0
        assert run["waited_s"] is not None
        assert (run["pinned"], run["cores"]) == ([], len(os.sched_getaffinity(0)))
    assert latency.watched["setup"].keys() >= {"governors", "virtual"}
    # They are the baselines of a machine of that class, however it was reached.
    kept = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json"))
    folder = local_cpu().machine_class
    assert kept == [f"{folder}/fashion-cnn-{what}-onnxruntime-cpu.json" for what in ("accuracy", "latency")]
    assert json.loads((tmp_path / kept[0]).read_text())["machine_class"] == folder


def test_the_name_of_a_case_can_be_a_files(cases, stranger):
    assert cases["fashion-cnn-accuracy"].id == (
        f"fashion-cnn-accuracy-onnxruntime-{stranger.address.replace('://', '-').replace('@', '-').replace(':', '-')}"
    )


def test_claims_about_other_hardware_are_about_other_hardware_there_too(cases):
    assert "fashion-cnn-accuracy-gpu" not in cases


def test_a_command_that_fails_there_is_told_with_what_it_said(place, stranger):
    with pytest.raises(RemoteError) as failed:
        remote(stranger.address).connection().run(["sh", "-c", "printf 'a \\033[2Jreason\\n' >&2; exit 4"])
    assert f"a command on {stranger.address} failed" in str(failed.value)
    assert "a [2Jreason" in str(failed.value)
