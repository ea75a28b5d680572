"""What keeps a worker from the rest of the machine keeps an emulated one as well."""

import sys

import pytest

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.core.framework import Place
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.manifest.cache import Cache

from .conftest import ATTEMPTING, MECHANISMS, SMALL, Under

REQUEST = {
    "files": {}, "inputs": [], "outputs": [], "threads": 1, "device": "cpu", "precision": "fp32",
}  # fmt: skip


@pytest.fixture(scope="module")
def environment():
    place = Place("cpu", "linux-aarch64", "emulated")
    return Environments(Cache().root).obtain(FrameworkUse("onnxruntime"), place=place)


@pytest.fixture(params=MECHANISMS)
def attempt(request, held, environment, tmp_path):
    """Runs code in an emulated worker under each mechanism."""
    names = {"secret": str(tmp_path / "secret"), "python": sys.executable}
    (tmp_path / "secret").write_text("mine")
    with Under(environment, SMALL, ATTEMPTING).under(held[request.param]) as agent:
        agent.open({**REQUEST, "options": names}, "attempting")
        yield lambda code: agent.predict({"code": [code]})[0]["said"][0]


def test_it_is_another_machine_that_reaches_nothing_of_this_one(attempt):
    assert attempt("import platform; result = platform.machine()") == "aarch64"
    assert attempt("result = open('/proc/cpuinfo').read().count('0xd08') > 0") == "True"
    assert attempt("open(secret)").startswith("refused")
    assert attempt("import socket; socket.create_connection(('127.0.0.1', 9), 1)").startswith("refused")
    # What an emulator starts is not emulated: a child would answer for the wrong machine.
    for program in ("python", "'/bin/sh'", "'/usr/bin/env'"):
        assert attempt(f"import subprocess; subprocess.run([{program}, '-c', ''], check=True)").startswith("refused")
    assert attempt("open('large', 'wb').write(bytes(2_000_000))").startswith("refused")
    with pytest.raises(ModelError, match="ran out of memory"):
        attempt("import numpy; numpy.ones(3_000_000_000, 'uint8')")
