"""The worker's code runs on every interpreter that is found, without the host's packages."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

from pytest_mlmodelscope.agent.archive import archive
from pytest_mlmodelscope.agent.interpreters import fitting
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.worker import wire

INTERPRETERS = {f"{found.version.major}.{found.version.minor}": found.path for found in fitting(">=3.6")}
FRAMEWORKS = names("frameworks")
#: A framework that needs nothing: it repeats its inputs.
ECHO = """
class Predictor:
    def predict(self, inputs):
        return inputs

    def describe(self):
        import sys
        return {"path": sys.path, "version": list(sys.version_info[:2]), "modules": sorted(sys.modules)}


def load(request):
    return Predictor()
"""


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("echo")
    (folder / "predictor.py").write_text(ECHO)
    return folder


@pytest.fixture(scope="module", params=sorted(INTERPRETERS, key=Version))
def python(request):
    return INTERPRETERS[request.param]


def test_several_interpreters_are_tried(record_testsuite_property):
    """At least the host's own; how many there were is part of the report."""
    record_testsuite_property("interpreters", ", ".join(sorted(INTERPRETERS, key=Version)))
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in INTERPRETERS


def test_all_that_travels_compiles(python, tmp_path):
    for framework in FRAMEWORKS:
        with zipfile.ZipFile(io.BytesIO(archive(framework))) as file:
            file.extractall(tmp_path)
    done = subprocess.run([python, "-I", "-m", "compileall", "-q", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_worker_answers(python, echo, tmp_path):
    with _Worker(python, echo, tmp_path) as worker:
        header, _ = worker.ask("open", (), {"framework": "echo", "request": {}})
        hosts = {path for path in sys.path if "site-packages" in path and python != Path(sys.executable)}
        assert not hosts & set(header["describe"]["path"])
        assert "pytest" not in header["describe"]["modules"]
        _, [(_, texts)] = worker.ask("predict", [("t", ["a", "ß", "🙂", ""])])
        assert texts == ["a", "ß", "🙂", ""]
        header, _ = worker.ask("stats")
        assert header["peak_bytes"] > 1_000_000
        header, _ = worker.ask("nonsense")
        assert header["error"]["type"] == "AttributeError"


def test_numbers_travel_where_numpy_is(python, echo, tmp_path):
    has = subprocess.run([python, "-I", "-c", "import numpy"], capture_output=True).returncode == 0
    with _Worker(python, echo, tmp_path) as worker:
        worker.ask("open", (), {"framework": "echo", "request": {}})
        if has:
            _, [(_, found)] = worker.ask("predict", [("x", np.arange(3))])
            assert found.tolist() == [0, 1, 2]
        else:
            # It cannot even read the question, so it ends, and says why.
            with pytest.raises(EOFError):
                worker.ask("predict", [("x", np.arange(3))])
            assert "No module named 'numpy'" in worker.process.communicate()[1].decode()


class _Worker:
    """A worker without an agent, so that nothing but the wire stands between."""

    def __init__(self, python: Path, echo: Path, tmp_path: Path):
        code = tmp_path / "worker.zip"
        code.write_bytes(archive("echo", echo))
        self.process = subprocess.Popen(
            [python, "-I", str(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"MLMS_HOST": str(os.getpid()), "MLMS_MEMORY_BYTES": "1000000000"},
        )

    def ask(self, op, tensors=(), about=None):
        wire.send(self.process.stdin.fileno(), wire.encode({"op": op, "about": about or {}}, tensors))
        return wire.receive(self.process.stdout.fileno())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.communicate(timeout=20)


def test_the_archive_is_the_same_for_the_same_code(echo):
    assert archive("echo", echo) == archive.__wrapped__("echo", echo)


def test_a_describe_that_is_no_json_still_travels(echo, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "predictor.py").write_text(ECHO.replace("sorted(sys.modules)", "{1: object, 'n': sys.version_info}"))
    with _Worker(Path(sys.executable), folder, tmp_path) as worker:
        header, _ = worker.ask("open", (), {"framework": "echo", "request": {}})
    assert json.dumps(header["describe"])
