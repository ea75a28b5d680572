"""What a hub says of the frameworks of a model before anybody asks: ready, first to be installed, or not to be had."""

from __future__ import annotations

import json

import pytest

from pytest_mlmodelscope.hub.views.playground import trial
from pytest_mlmodelscope.hub.views.readiness import readiness
from pytest_mlmodelscope.library.shelf import Shelf


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MLMS_CACHE", str(tmp_path))
    return tmp_path


def by_name(model):
    return {one.framework: one for one in readiness(Shelf().model(model))}


def test_what_the_hub_itself_has_is_ready_and_comes_first(write_digits, tmp_path):
    write_digits(tmp_path)
    (found,) = readiness(Shelf([tmp_path / "manifests"]).model("digits-means"))
    assert (found.framework, found.state, found.own) == ("onnxruntime", "ready", True)
    assert found.version


def test_what_is_not_here_yet_is_installed_first(empty_cache):
    found = by_name("fashion-cnn")
    assert found["caffe"].state == "first"
    assert found["caffe"].version == ""
    assert found["caffe"].size is None
    assert found["onnxruntime"].state == "ready"
    assert next(iter(found)) == "onnxruntime"
    assert trial(Shelf(), "fashion-cnn").chosen[0] == "onnxruntime"


def test_another_environment_of_the_same_framework_says_about_how_large_it_is(empty_cache):
    other = empty_cache / "envs" / "caffe-0.9"
    other.mkdir(parents=True)
    about = {"framework": "caffe", "version": "0.9", "bytes": 90_000_000, "packages": {}}
    (other / "mlms-environment.json").write_text(json.dumps(about))
    assert by_name("fashion-cnn")["caffe"].size == 90_000_000


def test_the_files_of_a_model_come_first_where_they_are_not_here(empty_cache):
    found = by_name("squeezenet-1.1")["onnxruntime"]
    assert (found.state, bool(found.version)) == ("first", True)
    assert 4_000_000 < found.size < 6_000_000


def test_a_pipeline_is_as_ready_as_the_least_of_its_stages(empty_cache):
    found = by_name("ppocr-v4")
    assert found["onnxruntime"].state == "first"
    assert found["onnxruntime"].framework == "onnxruntime"


def test_what_needs_a_device_that_is_not_here_says_so(monkeypatch):
    from pytest_mlmodelscope.hub.views import readiness as view
    from pytest_mlmodelscope.library.cards import TargetCard

    absent = TargetCard("gpu", "", False, None, None, None, None, (), "no GPU here", None)
    monkeypatch.setattr(view, "target", lambda name: absent)
    found = by_name("fashion-cnn")["tensorrt"]
    assert (found.state, found.why) == ("never", "no GPU here")
