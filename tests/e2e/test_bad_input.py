"""What strangers do to a project: broken files, places that are not there, a run that is ended."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from published import DIGITS

LONG = DIGITS.replace("metric: accuracy", "metric: latency").replace('unit: "%"', "unit: ms")
LONG += "conditions: {seconds: 60}\n"


@pytest.fixture(scope="module")
def whole(write_digits, tmp_path_factory) -> Path:
    """A project that is whole, in a folder with a blank and letters of other alphabets."""
    folder = write_digits(tmp_path_factory.mktemp("bad") / "a prójéct 漢")
    (folder / "claims").mkdir(exist_ok=True)
    (folder / "claims/digits.yml").write_text(DIGITS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return folder


@pytest.fixture
def project(whole, tmp_path) -> Path:
    """A copy of it that a test may break."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pytest", "--mlms", "-p", "no:cacheprovider", *map(str, arguments)]


def verify(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True)
    assert "Traceback" not in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr
    return done


# -- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["{project}/claims"], ["--rootdir", "{project}"], ["-c", "{project}/pytest.ini"]],
    ids=["path", "rootdir", "configuration"],
)
def test_a_project_is_verified_from_any_folder(whole, tmp_path, arguments):
    done = verify(tmp_path, *(text.format(project=whole) for text in arguments))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 confirmed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--mlms-manifests", "nowhere"], 4, "--mlms-manifests: there is no folder"),
        (["--mlms-claims", "nowhere"], 4, "nowhere"),
        (["--mlms-known", "nowhere.yml"], 4, "nowhere.yml: cannot be read"),
        (["--mlms-json", "claims"], 4, "is a folder; name a file"),
        (["--mlms-cache", "pytest.ini/cache"], 1, "the cache cannot be used"),
        (["--mlms-framework", "onnxruntime>=99"], 0, "no environment of onnxruntime fits"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_place_that_is_not_there_is_told(project, arguments, status, words):
    done = verify(project, *arguments)
    assert words in done.stdout + done.stderr
    assert done.returncode == status


def test_a_record_that_cannot_be_written_does_not_hide_what_was_found(project):
    done = verify(project, "--mlms-json", "pytest.ini/record.json")
    assert done.returncode == 4
    assert "the benchmark JSON could not be written" in done.stdout
    assert "1 confirmed" in done.stdout


# -- claim files ----------------------------------------------------------------------------------

BROKEN = {
    "empty": (b"", ":1: is not a claim file"),
    "tab": (b"schema: claim/1\n\tid: x\n", ":2: is not valid YAML"),
    "latin": (b"schema: claim/1\nid: \xff\n", ":2: is not UTF-8 text"),
    "utf-16": (DIGITS.encode("utf-16"), ":1: is not UTF-8 text"),
    "binary": (b"\0\1\2", ": is not valid YAML: unacceptable character"),
    "loop": (b"schema: claim/1\na: &a [*a]\n", ":2: is nested too deeply, or an alias stands inside its own anchor"),
    "absurd": (DIGITS.encode() + b"conditions: {batch: 1.0e+308}\n", ":10: "),
}
FOREIGN = {
    "windows": DIGITS.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + DIGITS,
    "whole numbers with a point": DIGITS + "conditions: {batch: 8.0, threads: 1.0}\n",
}


def test_every_broken_claim_file_is_told_with_its_place(project):
    for name, (content, _) in BROKEN.items():
        (project / f"claims/{name}.yml").write_bytes(content)
    done = verify(project)
    assert done.returncode == 2
    for name, (_, words) in BROKEN.items():
        assert f"claims/{name}.yml{words}" in done.stdout


def test_what_other_editors_write_is_read(project):
    for number, (name, content) in enumerate(FOREIGN.items()):
        text = content.replace("digits-accuracy", f"digits-{number}")
        (project / f"claims/{name}.yml").write_bytes(text.encode())
    done = verify(project)
    assert done.returncode == 0, done.stdout
    assert f"{1 + len(FOREIGN)} confirmed" in done.stdout


# -- files of models and data ---------------------------------------------------------------------


def test_a_size_that_is_wrong_is_told_though_the_file_was_seen_before(project):
    assert verify(project).returncode == 0
    manifest = project / "manifests/models/digits-means.yml"
    size = len((project / "manifests/models/digits.onnx").read_bytes())
    manifest.write_text(manifest.read_text().replace(f"size: {size}", f"size: {size + 1}"))
    done = verify(project)
    assert done.returncode == 1
    assert f"expected: {size + 1} bytes" in done.stdout


def test_the_files_of_another_framework_are_not_asked_for(project):
    manifest = project / "manifests/models/digits-means.yml"
    absent = f"  absent: {{path: absent.pt, sha256: {'a' * 64}, size: 1, license: MIT}}\n"
    text = manifest.read_text().replace("assets:\n", "assets:\n" + absent, 1)
    manifest.write_text(text)
    done = verify(project)
    assert done.returncode == 0, done.stdout


# -- a run that is ended --------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda sent: sent.name)
def test_a_run_that_is_ended_leaves_no_process_and_no_half_of_a_file(project, sent):
    (project / "claims/digits.yml").write_text(LONG)
    run = subprocess.Popen(
        command("--mlms-json", "record.json"),
        cwd=project,
        stdout=subprocess.DEVNULL,
        # Where the tests run in the background of a shell, what they start would take no notice of it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no other thread runs
    )
    workers = wait_for(lambda: psutil.Process(run.pid).children(recursive=True))
    run.send_signal(sent)
    assert run.wait(300) != 0
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    record = project / "record.json"
    assert not record.exists() or json.loads(record.read_text())["mlms"]
    assert not list(project.glob(".record.json*"))


def wait_for(found):
    """What a function finds, as soon as it finds something."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError("nothing came of it")
