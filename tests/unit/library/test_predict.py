"""The same question for every framework and task: what goes in, and what comes out."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import DocumentError, InputError, NotApplicable, UsageError
from pytest_mlmodelscope.core.manifest import Input, Step
from pytest_mlmodelscope.library.intake import GIVEN_AS, Intake
from pytest_mlmodelscope.library.loaded import load, predict


@pytest.fixture(scope="module")
def boot():
    """A picture that is brightest at its lower edge."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[14:, 4:24] = 200
    pixels[4:14, 14:22] = 180
    return pixels


def test_a_picture_is_the_same_as_a_file_as_bytes_as_an_array_and_as_text(clothes, boot, png, tmp_path):
    file = tmp_path / "boot.png"
    file.write_bytes(png(boot))
    np.save(tmp_path / "boot.npy", boot)
    given = [file, str(file), png(boot), boot, boot.tolist(), json.dumps(boot.tolist()), tmp_path / "boot.npy"]
    found = clothes.predict(*given)
    assert clothes.wants == "picture"
    assert len(found.answers) == len(given)
    assert len({answer.value for answer in found.answers}) == 1
    assert len({answer.top[0].score for answer in found.answers}) == 1


def test_the_likeliest_labels_have_names_and_shares(clothes, boot):
    found = clothes.predict(boot, top=10)
    best = found.top[0]
    assert best.index == found.value
    assert [one.label for one in found.top if one.label.isdigit()] == []
    assert sum(one.score for one in found.top) == pytest.approx(1, abs=1e-5)
    assert [one.score for one in found.top] == sorted((one.score for one in found.top), reverse=True)
    assert len(clothes.predict(boot, top=2).top) == 2


def test_what_is_told_of_a_prediction_is_plain_and_whole(clothes, boot):
    found = clothes.predict(boot)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["model"] == "fashion-cnn"
    assert (told["framework"], told["target"]) == ("onnxruntime", "cpu")
    assert told["answers"][0]["top"][0] == {
        "label": found.top[0].label,
        "score": found.top[0].score,
        "index": found.top[0].index,
    }
    assert 0 < told["latency_s"] < told["steps"]["predict"]
    assert set(told) == set(found.__slots__)


def test_a_decoded_picture_may_be_a_file_bytes_or_pixels(pictures, png, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (300, 260, 3), np.uint8)
    file = tmp_path / "noise.png"
    file.write_bytes(png(pixels))
    found = pictures.predict(str(file), file, png(pixels), pixels)
    assert pictures.wants == "picture"
    assert [answer.value for answer in found.answers] == [found.value] * 4
    assert found.value == [one.index for one in found.top]


def test_a_text_for_a_model_of_texts_is_never_a_file(sentiment, tmp_path):
    file = tmp_path / "good.txt"
    file.write_text("I love this wonderful day", encoding="utf-8")
    found = sentiment.predict("I love this wonderful day", str(file), file, b"I love this wonderful day")
    assert sentiment.wants == "text"
    love, path, of_file, of_bytes = (answer.value for answer in found.answers)
    assert love == of_file == of_bytes > 0.5
    assert path != love
    assert found.top == ()


def test_a_text_for_a_model_of_files_is_one_where_there_is_such_a_file(types, tmp_path):
    source = "import os\n\n\ndef main():\n    print(os.getcwd())\n\n\nmain()\n"
    file = tmp_path / "source.unknown"
    file.write_text(source, encoding="utf-8")
    found = types.predict(str(file), source, source.encode(), file)
    assert [answer.value for answer in found.answers] == ["python"] * 4
    assert found.top[0].label == "python"
    # What a stranger sends is never the name of a file here.
    assert types.predict(str(file), files=False).value != "python"


def wav(sound: np.ndarray, rate: int, channels: int = 1, width: int = 2) -> bytes:
    """A wav file of samples in -1 to 1, the same in each channel."""
    whole = np.repeat((sound * (2 ** (8 * width - 1) - 1)).astype(np.int64), channels)
    whole = whole + 128 if width == 1 else whole
    data = whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width].tobytes()
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setparams((channels, width, rate, 0, "NONE", ""))
        made.writeframes(data)
    return file.getvalue()


def test_a_recording_has_an_answer_for_each_of_its_frames(speech, shelf):
    split = shelf.dataset("librivox-speech").splits["test"]
    sound = np.sin(np.arange(16_000) / 16_000 * 2 * np.pi * 220) * np.linspace(0, 0.5, 16_000)
    plain = speech.predict(wav(sound, 16_000))
    assert speech.wants == "audio"
    assert len(plain.value) == 16_000 // split.options["frame"]
    assert all(0 <= share <= 1 for share in plain.value)
    # The same sound otherwise written.
    for same in (wav(sound, 16_000, channels=2), wav(sound, 16_000, width=3), wav(sound, 16_000, width=4)):
        assert speech.predict(same).value == pytest.approx(plain.value, abs=0.02)
    assert len(speech.predict(wav(sound, 8_000)).value) == 2 * 16_000 // split.options["frame"]
    # A single frame, with the samples before it.
    assert isinstance(speech.predict(np.zeros(576, np.float32)).value, float)


def test_the_frames_of_a_recording_are_those_of_the_data(speech, shelf):
    from pytest_mlmodelscope.engine.bench import Bench, Settings
    from pytest_mlmodelscope.manifest.data import read_split

    bench = Bench(Settings())
    dataset = shelf.dataset("librivox-speech")
    items = read_split(dataset, dataset.splits["test"], bench._fetcher)
    recordings = sorted(bench._fetcher.fetch(dataset.assets["recordings"]).glob("**/*.wav"))
    first = speech.predict(recordings[0]).value
    frames = [item.input for item in items[: len(first)]]
    assert [answer.value for answer in speech.predict(*frames).answers] == first


@pytest.mark.parametrize(
    ("model", "framework", "wants"),
    [
        ("squeezenet-1.1", "tensorflow", "picture"),
        ("efficientnet-lite0", "pytorch", "picture"),
        ("fashion-cnn", "litert", "picture"),
        ("digits-mlp", "da4ml", "picture"),
        ("eld-l", "python", "text"),
        ("guesslang", "tensorflow", "text"),
        ("magika", "onnxruntime", "text"),
        ("silero-vad", "pytorch", "audio"),
        ("1nn-euclidean", "python", "array"),
        ("jedi-linear", "da4ml", "array"),
    ],
)
def test_what_a_model_wants_is_read_off_its_manifest(shelf, model, framework, wants):
    manifest, use = shelf.model(model), shelf.data_of(model)
    split = None if use is None else shelf.dataset(use.name).splits.get(use.split)
    assert Intake(manifest.frameworks[framework].inputs or manifest.inputs, split).wants == wants
    assert wants in GIVEN_AS


def test_a_model_that_learns_is_trained_on_its_data(shelf):
    with load("1nn-euclidean", shelf=shelf, data="ucr-italy-power-demand") as model:
        assert model.predict([0.5] * 24).value in {"1", "2"}


def test_whoever_names_no_target_gets_the_device_that_the_framework_drives():
    found = predict("digits-mlp", np.zeros((8, 8), int))
    assert found.target == "fpga"
    assert found.value in range(10)


def test_a_model_that_nobody_has_says_where_it_is():
    with pytest.raises(NotApplicable, match="no open tool places"):
        load("jedi-linear")


@pytest.mark.parametrize(
    ("name", "framework", "target", "error", "said"),
    [
        ("squeezenet", None, None, DocumentError, "squeezenet-1.1"),
        ("eld-l", "pythn", None, UsageError, 'did you mean "python"'),
        ("eld-l", "openvino", None, UsageError, "one of: python"),
        ("eld-l", "python", "gpo", UsageError, "gpu"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(shelf, name, framework, target, error, said):
    with pytest.raises(error) as raised:
        load(name, framework, target, shelf=shelf)
    assert said in str(raised.value)


def test_nothing_is_left_behind(shelf):
    import psutil

    before = set(psutil.Process().children(recursive=True))
    with load("vader-3.3.2", shelf=shelf) as model:
        assert set(psutil.Process().children(recursive=True)) - before
        model.predict("fine")
    assert not set(psutil.Process().children(recursive=True)) - before


def test_the_bundled_claims_name_the_data_of_a_model(shelf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shelf.data_of("silero-vad").name == "librivox-speech"
    assert Path("claims").exists() is False


def test_numbers_that_a_model_cannot_take_are_refused_before_it_is_loaded(shelf):
    intake = Intake(shelf.model("fashion-cnn").inputs)
    intake.refuse(np.zeros((28, 28)))
    with pytest.raises(InputError, match="the input image give the wrong shape") as told:
        intake.refuse(np.zeros((27, 28)))
    assert (told.value.expected, told.value.got) == ([1, 28, 28], [1, 27, 28])
    with pytest.raises(InputError, match="the input image") as told:
        intake.refuse([1, 2, 3])
    assert told.value.expected == "what the steps of the manifest make image (float32 of [1, 28, 28]) of"


def test_what_depends_on_a_file_of_the_model_is_not_refused_without_it():
    step = Step("labels", {"asset": "names"})
    Intake([Input("x", "float32", ("batch", 1), steps=(step,))]).refuse([1])
