"""What can be tried with one click: of the data only what is here and may be shown, and it is what the model takes."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from pytest_mlmodelscope.hub.views import examples as view
from pytest_mlmodelscope.hub.views.playground import groups, trial
from pytest_mlmodelscope.library.intake import Intake
from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.manifest.fetch import Fetcher
from pytest_mlmodelscope.manifest.stages import front


@pytest.fixture(scope="module")
def shelf():
    return Shelf()


@pytest.fixture
def digits_claimed(tmp_path, write_digits):
    """A model with a dataset, and a claim that brings the two together; the dataset's licence may be changed."""

    def write(license_of_data="BSD-3-Clause"):
        write_digits(tmp_path)
        data = tmp_path / "manifests" / "datasets" / "digits.yml"
        data.write_text(
            data.read_text().replace("license: BSD-3-Clause\ndescription", f"license: {license_of_data}\ndescription")
        )
        (tmp_path / "claims.yml").write_text(
            "schema: claim/1\nmodel: digits-means\nclaims:\n"
            "  - {id: c, metric: {name: top_k_accuracy, k: 1}, value: 90, unit: '%', direction: higher,"
            " dataset: {name: digits, split: test, relation: same},"
            " source: {title: t, figure: 90 %, where: table 1, read: '2026-01-01'}}\n"
        )
        return Shelf([tmp_path / "manifests"], [tmp_path / "claims.yml"])

    return write


def test_items_of_the_data_are_offered_with_where_they_are_from(digits_claimed):
    found = view.examples(digits_claimed(), "digits-means", "picture")
    assert [example.origin for example in found] == [
        "digits, item 0 (BSD-3-Clause)",
        "digits, item 599 (BSD-3-Clause)",
        "digits, item 1198 (BSD-3-Clause)",
    ]
    for example in found:
        assert Image.open(io.BytesIO(example.content)).size == (8, 8)


def test_numbers_of_the_data_go_into_the_text_field(digits_claimed):
    found = view.examples(digits_claimed(), "digits-means", "array")
    assert len(json.loads(found[0].text)) == 8


def test_data_whose_licence_does_not_permit_it_are_not_shown(digits_claimed):
    assert view.examples(digits_claimed("NOASSERTION"), "digits-means", "picture") == ()


def test_a_note_on_the_licence_keeps_items_from_being_shown(shelf):
    found = view.examples(shelf, "squeezenet-1.1", "picture")
    assert [example.name for example in found] == ["a temple", "a flower", "rings"]
    assert found[0].origin == "photograph by danielbuechele (CC-BY-2.0), from scikit-learn"


def test_where_items_may_not_be_shown_numbers_as_many_are_made(shelf):
    data = shelf.dataset(shelf.data_of("1nn-euclidean").name)
    for asset in data.assets.values():
        Fetcher(Cache()).fetch(asset)  # as a job would have
    (wave,) = view.examples(shelf, "1nn-euclidean", "array")
    assert wave.name == "a sine wave"
    assert len(json.loads(wave.text)) == 251


def test_a_picture_that_is_made_is_for_models_that_take_any_size(shelf, tmp_path, write_digits):
    write_digits(tmp_path)
    assert view.examples(Shelf([tmp_path / "manifests"]), "digits-means", "picture") == ()


def test_every_model_that_is_offered_can_be_asked_about_its_made_examples(shelf):
    offered = [choice for group in groups(shelf) for choice in group.choices]
    assert len(offered) > 15
    for choice in offered:
        manifest = shelf.model(choice.card.name)
        use = shelf.data_of(choice.card.name)
        split = use and shelf.dataset(use.name).splits.get(use.split)
        intake = Intake(front(manifest, next(iter(manifest.frameworks.values()))), split)
        assert intake.wants == choice.wants
        for example in view.examples(shelf, choice.card.name, choice.wants):
            assert intake.items(example.content or example.text, "1", files=False), example.name


def test_a_form_has_targets_that_a_framework_drives_and_two_frameworks_to_begin_with(shelf):
    found = trial(shelf, "squeezenet-1.1")
    assert found.targets[0].name == "cpu"
    assert len(found.chosen) == 2
    assert [one.name for one in trial(shelf, "digits-mlp").targets] == ["fpga"]


def test_a_pipeline_is_asked_what_its_first_stage_takes_with_words_to_read(shelf):
    found = trial(shelf, "ppocr-v4")
    assert found.wants == "picture"
    assert found.examples[-1].name == "a sign"
    assert found.examples[-1].content.startswith(b"\x89PNG")
