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


#: What every scenario promises, in the words of the oldest Python; ``testing.scenarios`` has the whole of it.
LOADED = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
settings = dict(warmup=2, min_queries=30, min_seconds=0.02, max_seconds=20.0, samples=4, batch=1)
settings.update(samples_per_query=3, rate=2000.0, seed=1)
found = {}
for name in sys.argv[2:]:
    asked = []
    pattern = importlib.import_module("pytest_mlmodelscope.scenarios." + name)
    timings = pattern.run(asked.append, settings)
    found[name] = {key: value if isinstance(value, int) else list(value) for key, value in timings.items()}
    found[name]["asked"] = asked
print(json.dumps(found))
"""


def test_scenarios_keep_their_promises(python, echo, tmp_path):
    code = tmp_path / "worker.zip"
    code.write_bytes(archive("echo", echo))
    command = [python, "-I", "-c", LOADED, str(code), *names("scenarios")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for name, timings in json.loads(done.stdout).items():
        calls = 3 if name == "multi_stream" else 1
        count = len(timings["latencies_ns"])
        assert count >= 30
        assert timings["asked"][2 * calls :] == list(range(count * calls))
        assert timings["samples"] == count * calls
        assert timings["wall_ns"] >= 20_000_000
        assert all(isinstance(latency, int) and latency >= 0 for latency in timings["latencies_ns"])
        for due, issued, latency in zip(
            timings.get("scheduled_ns", ()), timings.get("issued_ns", ()), timings["latencies_ns"], strict=False
        ):
            assert due <= issued <= due + latency
    server = json.loads(done.stdout)["server"]
    assert server["scheduled_ns"][:2] == [72145, 1012223]  # the same under every Python
    assert len(server["scheduled_ns"]) == len(server["issued_ns"])


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
