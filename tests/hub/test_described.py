"""The hub does what its description (OpenAPI) says, whatever is sent to it: schemathesis asks one that runs.

It is a pytest plugin, too, that doubles the start of every pytest: so it has an environment of its own, made once for
each set of pins and kept beside the cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import kept_runs
import pytest
from filelock import FileLock
from uv import find_uv_bin

from pytest_mlmodelscope.library.shelf import Shelf
from pytest_mlmodelscope.manifest.cache import Cache
from pytest_mlmodelscope.store.access import new_token
from pytest_mlmodelscope.store.database import Database

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PINS = ROOT / "constraints.txt"
OFTEN = "1000000/minute"
#: Requests that it makes up for each operation, beside those at the borders of what is described.
EXAMPLES = 5


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    """Its command line."""
    pinned = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = Cache().root.parent / "mlms-tests" / f"schemathesis-{pinned}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "made"
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            uv = find_uv_bin()
            subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
            pip = [uv, "pip", "install", "-q", "--python", folder / "bin/python"]
            subprocess.run([*pip, "-c", PINS, "--group", f"{ROOT / 'pyproject.toml'}:api"], check=True)
            made.touch()
    return folder / "bin/schemathesis"


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The address of a hub that ``mlms serve`` runs on some results, and a token that is good for everything there."""
    folder = tmp_path_factory.mktemp("described")
    with Database(folder / "hub.sqlite") as database:
        kept_runs.keep(database, Shelf())
        with database.writing() as session:
            token = new_token(session, "ann", ["admin"])
    command = [BIN / "mlms", "serve", "--port", "0", "--workers", "0", "--database", folder / "hub.sqlite"]
    command += ["--reading", OFTEN, "--writing", OFTEN]
    with (folder / "hub.log").open("w") as log:
        hub = subprocess.Popen([*map(str, command)], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = hub.stdout.readline()
        assert "http" in line, line + (folder / "hub.log").read_text()
        yield re.search(r"http://\S+", line)[0], token
    finally:
        hub.terminate()
        hub.stdout.close()
        ended = hub.wait(60)
    log = (folder / "hub.log").read_text()
    assert (ended, "Traceback" in log) == (0, False), log


@pytest.mark.parametrize("who", ["anybody", "an admin"])
def test_whatever_is_sent_is_answered_as_described(schemathesis, described, tmp_path, who) -> None:
    address, token = described
    command = [schemathesis, "run", f"{address}/openapi.json", "--no-color", "--continue-on-failure", "--no-shrink"]
    command += ["--seed", "20261126", "--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing,stateful"]
    command += ["--generation-database", "none", "--warnings", "off"]
    if who == "an admin":
        command += ["--include-path-regex", "^/api/(jobs|keys|records)"]
        command += ["--header", f"Authorization: Bearer {token}"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SCHEMATHESIS_"))}
    done = subprocess.run([*map(str, command)], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 100, done.stdout


@pytest.mark.parametrize("head", ["X-A: " + "a" * 1000 + "\r\n", "a" * 1000], ids=["many", "one"])
def test_a_head_without_an_end_is_refused_before_it_is_kept(described, head) -> None:
    place = urlsplit(described[0])
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):  # noqa: PT012
            for _ in range(100_000):
                connection.sendall(head.encode())
