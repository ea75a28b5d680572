"""The same question to every model that comes with the package: what kind of answer each task gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import NotApplicable
from pytest_mlmodelscope.library.cards import ModelCard
from pytest_mlmodelscope.library.loaded import Loaded, load
from pytest_mlmodelscope.library.shelf import Shelf

#: Task -> what ``value`` is of one input, and whether ``top`` tells labels.
ANSWERS: dict[str, tuple[Any, bool]] = {
    "content_type_detection": (str, True),
    "face_description": (list, False),
    "face_detection": (list, False),
    "image_classification": ((int, list), True),
    "language_identification": (str, True),
    "sentiment": (float, False),
    "text_detection": (list, False),
    "text_recognition": (str, True),
    "time_series_classification": (str, True),
    "voice_activity_detection": (list, False),
}


def some(model: Loaded, png: Any) -> Any:
    """What such a model takes: nothing on a picture, a sentence, silence, zeros."""
    first = model._sut.inputs[0]
    lengths = [length for length in first.shape if isinstance(length, int)]
    if model.wants in ("text", "audio"):
        return "Where is the station?" if model.wants == "text" else np.zeros(16_000, np.float32)
    if model.wants == "picture" and model._intake._reads is not None:
        return png(np.full((64, 64, 3), 255, np.uint8))
    if model.wants == "picture":
        return np.zeros([length for length in lengths if length > 1] if len(lengths) > 1 else (8, 8), np.uint8)
    return np.zeros(lengths or (24,))


SHELF = Shelf()


def chosen(card: ModelCard) -> str:
    """One of a model's frameworks: that of this environment, where it has it."""
    return "onnxruntime" if "onnxruntime" in card.frameworks else card.frameworks[0]


#: Of each task, framework and precision the first model: the others differ in weights alone, and are claimed about.
KINDS = {
    (card.task, chosen(card), SHELF.precision_of(card.name)): card
    for card in reversed(SHELF.models())
    if not card.elsewhere
}


def test_every_task_is_here():
    assert {card.task for card in SHELF.models() if not card.elsewhere} == set(ANSWERS)


@pytest.mark.parametrize("card", [pytest.param(card, id=card.name) for card in KINDS.values()])
def test_a_model_answers_as_its_task_says(card, shelf, png):
    kind, labels = ANSWERS[card.task]
    data = "ucr-italy-power-demand" if "fit" in shelf.model(card.name).frameworks[chosen(card)].options else None
    with load(card.name, chosen(card), shelf=shelf, data=data) as model:
        found = model.predict(some(model, png), top=3)
    assert isinstance(found.value, kind)
    assert bool(found.top) == labels
    assert (found.model, len(found.answers)) == (card.name, 1)
    assert found.latency_s > 0
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["model"] == card.name


@pytest.mark.parametrize("card", [pytest.param(card, id=card.name) for card in SHELF.models() if card.elsewhere])
def test_a_model_that_nobody_has_says_so(card, shelf):
    with pytest.raises(NotApplicable, match="not at hand"):
        load(card.name, shelf=shelf)
