"""What several kinds of test need."""

import gzip
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from pytest_mlmodelscope.core.errors import EnvironmentUnavailable

#: What may keep a test from running here. Any other skip fails the run: nobody would count it.
MAY_SKIP = (
    "no GPU here: no NVIDIA driver is installed",
    "there is a GPU: all of the suite runs",
    "an object for x86-64; CNTK is made for nothing else",
)
UNEXPECTED: list[str] = []
#: Options of a run of pytest that a test starts.
LEAN = "-p no:hypothesispytest -p no:anyio"


@pytest.fixture(scope="session", autouse=True)
def _runs_inside_stand_alone():
    """Runs inside the tests are nothing that the store of this machine should keep; the bundled claims, which are
    verified from here as well, are. Nor is a run of pytest that a test starts a worker of this one, and it goes
    without the plugins of others that take half of its start. No timed case waits for one of another process of
    tests, or of somebody else on this machine: what is tested is no figure.
    """
    # A short name: the manual shows what mlms doctor says of this folder in one line.
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="locks-") as locks:
        patch.setenv("MLMS_STORE", "off")
        patch.setenv("PYTEST_ADDOPTS", LEAN)
        patch.setenv("MLMS_LOCKS", locks)
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
            patch.delenv(name, raising=False)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A framework that this machine cannot have is no failure of the project: told of, and in CI one all the same."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, EnvironmentUnavailable):
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, line, f"Skipped: cannot be had here: {call.excinfo.value.what}")
    return report


def pytest_runtest_logreport(report):
    """Tests of a third party's suite are skipped in ``testing``, so the place of the skip says nothing."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = re.sub("^Skipped: ", "", report.longrepr[2])
        if report.nodeid.startswith("tests/") and reason not in MAY_SKIP:
            UNEXPECTED.append(f"{report.nodeid}: {reason}")


def pytest_collectreport(report):
    """A whole file can be skipped before it has tests."""
    if report.skipped and isinstance(report.longrepr, tuple):
        UNEXPECTED.append(f"{report.nodeid}: {report.longrepr[2]}")


def pytest_sessionfinish(session):
    """In CI a skip for an unknown reason is a failure; elsewhere it is only told."""
    if UNEXPECTED and "CI" in os.environ and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Say which tests were skipped for a reason that nobody wrote down."""
    for line in UNEXPECTED:
        terminalreporter.line(f"SKIPPED, and not in MAY_SKIP of tests/conftest.py: {line}", red=True)


@pytest.fixture(scope="session")
def copy_checkout():
    """Copies what git knows or would add, nothing that was built: ``copy_checkout(folder)``."""
    root = Path(__file__).resolve().parents[1]

    def copy(folder: Path) -> None:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (root / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, folder / name)

    return copy


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """This Python without ensurepip and without any package: what Debian's ``python3`` alone is."""
    prefix = tmp_path_factory.mktemp("bare")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = prefix / "lib" / version
    library.mkdir(parents=True)
    for entry in Path(shutil.__file__).parent.iterdir():
        if entry.name not in {"ensurepip", "site-packages", "dist-packages", "sitecustomize.py"}:
            (library / entry.name).symlink_to(entry)
    binary = prefix / "bin" / version
    binary.parent.mkdir()
    # Python finds its library from where it really lies, so a link would not do.
    shutil.copy2(Path(sys.executable).resolve(), binary)
    found = subprocess.run([binary, "-c", "import shutil; print(shutil.__file__)"], capture_output=True, text=True)
    assert found.stdout.strip() == str(library / "shutil.py"), found.stderr
    return str(binary)


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server."""
    from served import Postgres

    server = Postgres()
    yield server
    server.stop()


@pytest.fixture
def postgres_address(postgres):
    """The address of a new, empty database of a real PostgreSQL server."""
    return postgres.new()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request, tmp_path):
    """The address of a new, empty database: of SQLite, then of PostgreSQL."""
    if request.param == "sqlite":
        return str(tmp_path / "results.sqlite")
    return request.getfixturevalue("postgres_address")


@pytest.fixture(scope="session")
def digits():
    """Scikit-learn's 1,797 pictures of digits, 8 x 8."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


@pytest.fixture(scope="session")
def model_bytes(digits) -> bytes:
    """A linear classifier by nearest class mean, as an ONNX file."""
    from onnx import TensorProto, helper, numpy_helper

    pictures, labels = digits
    means = np.stack([pictures[labels == digit].mean(axis=0) for digit in range(10)]).astype(np.float32)
    bias = (-0.5 * (means**2).sum(axis=1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["pixels", "weights", "bias"], ["scores"])],
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(means.T.copy(), "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes, gzipped."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def asset(path: Path) -> str:
    """The keys of an asset that lies beside its manifest."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return f"{{path: {path.name}, sha256: {digest}, size: {len(data)}, license: BSD-3-Clause}}"


@pytest.fixture(scope="session")
def write_digits(digits, model_bytes):
    """Writes the manifests and files of a model and its data: ``write_digits(folder)``."""

    def write(folder: Path) -> Path:
        pictures, labels = digits
        models, datasets = folder / "manifests" / "models", folder / "manifests" / "datasets"
        models.mkdir(parents=True)
        datasets.mkdir()
        (models / "digits.onnx").write_bytes(model_bytes)
        (datasets / "pictures.gz").write_bytes(idx(pictures.reshape(-1, 8, 8)))
        (datasets / "labels.gz").write_bytes(idx(labels))
        (models / "digits-means.yml").write_text(
            dedent(f"""\
            schema: model/1
            name: digits-means
            version: "1"
            task: image_classification
            license: BSD-3-Clause
            description: Nearest class mean on pictures of digits.
            assets:
              graph: {asset(models / "digits.onnx")}
            inputs:
              - name: pixels
                dtype: float32
                shape: [batch, 64]
                steps: [flatten, cast: {{dtype: float32}}]
            outputs:
              - name: scores
                steps: [argmax]
            frameworks:
              onnxruntime: {{assets: {{model: graph}}}}
            """)
        )
        (datasets / "digits.yml").write_text(
            dedent(f"""\
            schema: dataset/1
            name: digits
            version: "1"
            license: BSD-3-Clause
            description: Pictures of digits, 8 x 8.
            assets:
              pictures: {asset(datasets / "pictures.gz")}
              labels: {asset(datasets / "labels.gz")}
            splits:
              test:
                items: 1797
                reader: {{idx: {{assets: {{inputs: pictures, labels: labels}}}}}}
            """)
        )
        return folder

    return write
