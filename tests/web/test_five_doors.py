"""The same question through all five doors - pytest, command line, Python, REST, web pages - has the same answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from pytest_mlmodelscope.library.shelf import Shelf

BIN = Path(sys.executable).parent
CLAIM = "digits-means-accuracy"
MODEL = "digits-means"
#: What the doors are asked about a claim: of one case all that is no matter of time.
SAME = ("id", "verdict", "reason", "measured", "unit", "n", "interval", "published", "model_digest", "data_digest")
YAML = f"""\
schema: claim/1
id: {CLAIM}
model: {MODEL}
dataset: {{name: digits, split: test}}
metric: accuracy
value: 90.0
unit: "%"
tolerance: {{absolute: 1}}
source: {{title: Notes, where: line 1, figure: "90.0 %", read: "2026-11-26"}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, write_digits) -> Path:
    """A folder with a claim about a model of its own."""
    folder = write_digits(tmp_path_factory.mktemp("doors"))
    (folder / "claims").mkdir()
    (folder / "claims" / "digits.yml").write_text(YAML)
    return folder


@pytest.fixture(scope="module")
def run(project):
    """Runs a command of the project in its folder; what it prints."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}

    def call(*command):
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=project,
            env={**environ, "MLMS_STORE": "off"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


@pytest.fixture(scope="module")
def served(project):
    """The address of a hub that ``mlms serve`` started on the same claims."""
    command = [BIN / "mlms", "serve", "--port", "0", "--database", "hub.sqlite", "--manifests", "manifests"]
    command += ["--claims", "claims", "--workers", "1"]
    with (project / "hub.log").open("w") as log:
        hub = subprocess.Popen(
            list(map(str, command)), cwd=project, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
        )
    try:
        line = hub.stdout.readline()
        assert "http" in line, line + (project / "hub.log").read_text()
        yield re.search(r"https?://\S+", line)[0].rstrip("/")
    finally:
        hub.terminate()
        hub.stdout.close()
        assert hub.wait(60) == 0, (project / "hub.log").read_text()


def rest(address, path, asked=None):
    """What REST answers, as data."""
    body = None if asked is None else json.dumps(asked).encode()
    request = urllib.request.Request(address + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def finished(address, asked):
    """A job, once it has a result."""
    job = rest(address, "/api/jobs", asked)
    until = time.monotonic() + 240
    while job["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.2)
        job = rest(address, f"/api/jobs/{job['id']}")
    assert job["state"] == "finished", job
    return job


def told(case):
    return {name: case[name] for name in SAME}


@pytest.fixture(scope="module")
def by_python(project):
    import pytest_mlmodelscope as mlms

    shelf = Shelf([project / "manifests"], [project / "claims"])
    return mlms.verify(CLAIM, shelf=shelf)


def test_whether_a_claim_holds(run, project, served, browser, by_python):
    run("pytest", "--mlms", "--mlms-json", "pytest.json", "-q", "-p", "no:cacheprovider")
    by_pytest = json.loads((project / "pytest.json").read_text())["mlms"]["cases"]
    by_command = json.loads(run("mlms", "verify", CLAIM, "--manifests", "manifests", "--json"))["cases"]
    finished(served, {"kind": "verify", "claim": CLAIM})
    (stored,) = rest(served, f"/api/results?claim={CLAIM}")["results"]
    by_rest = rest(served, f"/api/records/{stored['record']}")["mlms"]["cases"]
    assert [*map(told, by_python)] == [*map(told, by_pytest)] == [*map(told, by_command)] == [*map(told, by_rest)]
    (case,) = by_python
    assert case["verdict"] == "confirmed"

    page = browser.new_page(base_url=served)
    page.goto(f"/claims/{CLAIM}")
    text = page.inner_text("main")
    page.close()
    assert "confirmed" in text
    assert f"{case['n']:,}" in text
    assert f"{case['measured']:.4f}"[:4] in text


def answers(found):
    """The answers in what a door says, wherever it has them."""
    if isinstance(found, dict):
        return found["answers"] if "answers" in found else answers(list(found.values()))
    return next((inner for one in found if (inner := answers(one))), None) if isinstance(found, list) else None


def test_what_a_model_says_of_an_input(run, project, served, browser, digits):
    import pytest_mlmodelscope as mlms

    picture = digits[0][17].astype(np.float32)
    with mlms.load(MODEL, shelf=Shelf([project / "manifests"])) as model:
        by_python = model.predict(picture).to_json()["answers"]
    np.save(project / "picture.npy", picture)
    by_command = json.loads(run("mlms", "predict", MODEL, "picture.npy", "--manifests", "manifests", "--json"))
    job = finished(served, {"kind": "predict", "model": MODEL, "input": {"array": picture.tolist()}})
    assert by_python == answers(by_command) == answers(job["result"])

    page = browser.new_page(base_url=served)
    page.goto(f"/jobs/{job['id']}")
    text = page.inner_text("main")
    page.close()
    assert re.search(rf"\b{by_python[0]['value']}\b", text)
