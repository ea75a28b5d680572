"""A loaded model among threads, in a running event loop, interrupted, closed; and typed for whoever checks types."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from textwrap import dedent

import numpy as np
import pytest
from PIL import Image

import pytest_mlmodelscope as mlms
from pytest_mlmodelscope.core.errors import InputError, UsageError, WorkerError


def test_a_picture_of_pillow_is_one(pictures, png):
    pixels = np.random.default_rng(1).integers(0, 256, (230, 230, 3), np.uint8)
    assert pictures.predict(Image.fromarray(pixels)).answers == pictures.predict(png(pixels)).answers


def test_an_address_is_not_fetched(pictures):
    with pytest.raises(InputError, match="is an address, and nothing is fetched"):
        pictures.predict("https://example.org/cat.jpg")


def test_threads_that_ask_one_model_wait_for_each_other(clothes):
    given = [np.full((28, 28), value, np.uint8) for value in range(0, 240, 20)]
    alone = [clothes.predict(one).answers for one in given]
    with ThreadPoolExecutor(4) as threads:
        assert [found.answers for found in threads.map(clothes.predict, given)] == alone


def test_two_models_answer_two_threads(clothes, sentiment):
    blank = np.zeros((28, 28), np.uint8)
    with ThreadPoolExecutor(2) as threads:
        picture = threads.submit(lambda: [clothes.predict(blank).value for _ in range(20)])
        text = threads.submit(lambda: [sentiment.predict("I love it").value for _ in range(20)])
        assert (set(picture.result()), set(text.result())) == (
            {clothes.predict(blank).value},
            {sentiment.predict("I love it").value},
        )


def test_it_answers_inside_of_a_running_event_loop_as_notebooks_have(sentiment):
    async def asked():
        return sentiment.predict("I love it").value

    assert asyncio.run(asked()) > 0.5


def test_a_closed_model_is_not_asked_and_starts_nothing(shelf):
    import psutil

    with mlms.load("vader-3.3.2", shelf=shelf) as model:
        model.predict("fine")
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(UsageError, match=r"vader-3\.3\.2 is closed"):
        model.predict("fine")
    assert (model.model, model.framework, model.target, model.wants) == ("vader-3.3.2", "python", "cpu", "text")
    assert model.version
    model.close()
    assert set(psutil.Process().children(recursive=True)) == before


def test_after_an_interruption_the_next_answer_is_of_the_next_question(shelf):
    love, bad = "I love this wonderful day", "What a disappointment"
    with mlms.load("vader-3.3.2", shelf=shelf) as model:
        good = model.predict(love).value
        agent = model._bench.worker(model._sut).agent

        def interrupted(tensors):
            threading.Timer(0, os.kill, (os.getpid(), signal.SIGINT)).start()
            while True:  # whoever is interrupted here may have asked, and has not read the answer
                signal.pause()

        agent.predict = interrupted
        with pytest.raises(KeyboardInterrupt):
            model.predict(love)
        assert model.predict(bad).value < 0 < good
        assert model._bench.worker(model._sut).agent is not agent


def test_a_worker_that_was_killed_is_one_error_at_most_and_then_there_is_another(shelf):
    with mlms.load("vader-3.3.2", shelf=shelf) as model:
        first = model.predict("fine").value
        os.kill(model._bench.worker(model._sut).agent.pid, signal.SIGKILL)
        with suppress(WorkerError):  # it may be found dead before it is asked
            model.predict("fine")
        assert model.predict("fine").value == first


SCRIPT = """\
    from pathlib import Path

    import numpy as np

    import pytest_mlmodelscope as mlms


    def best(name: str, picture: Path) -> str:
        with mlms.load(name, framework="onnxruntime") as model:
            found: mlms.Prediction = model.predict(picture, np.zeros((28, 28)), top=3)
        scored: mlms.Scored = found.top[0]
        return f"{scored.label} {found.latency_s:.3f} {found.answers[1].value}"


    def verdicts(claim: str) -> list[str]:
        cases = mlms.verify(claim, sample=3)  # wrong: it takes no sample
        difference = mlms.diff(mlms.record_of(cases), "now.json")
        figure: mlms.Figure = mlms.evaluate("eld-m", "eld-big-test", "accuracy", sample=10)
        cards: list[mlms.ModelCard] = mlms.find_models("picture", framework="caffe2")
        return [case.verdict + case.reason for case in cases] + list(difference.worse()) + [figure.unit, cards[0].task]


    reveal_type(mlms.verify("x")[0].measured)
    reveal_type(mlms.diff("a.json", "b.json").verdicts)
"""


def test_a_script_of_a_user_is_checked_by_mypy_as_strictly_as_there_is(tmp_path):
    (tmp_path / "script.py").write_text(dedent(SCRIPT))
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ".cache", "--follow-imports", "silent"]
    done = subprocess.run([*command, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    told = [line for line in done.stdout.splitlines() if ": error:" in line or "Revealed" in line]
    assert len(told) == 3, done.stdout + done.stderr
    assert 'Unexpected keyword argument "sample" for "verify"' in told[0]
    assert "float | None" in told[1]
    assert "tuple[pytest_mlmodelscope.record.diff.VerdictChange, ...]" in told[2]
