"""What ends a child process is said in a sentence, and its parent goes on."""

import subprocess
import sys

import pytest

from pytest_mlmodelscope.frameworks.caffe import trial

SCRIPT = """
import os, signal, sys
sys.path.insert(0, {folder!r})
from trial import attempt

def action():
    {action}

try:
    attempt(action)
    print("good")
except Exception as error:
    print(type(error).__name__ + ": " + str(error))
"""
#: As glog writes it.
FATAL = r"""os.write(2, b"I2026 1 net.cpp:1] fine\nF20261125 19:45 12 net.cpp:7] Check failed: a == b {}\n***\n")"""

CASES = {
    "all is well": ("pass", "good"),
    "it prints": ("print('x' * 10 ** 6, flush=True)", "good"),
    "an exception": ("raise KeyError('k')", "ValueError: 'k'"),
    "an exception after much was said": (
        "os.write(2, b'no\\n' * 10 ** 6); raise TypeError('of two\\nlines \\u00e9')",
        "ValueError: of two\nlines \u00e9",
    ),
    "an exception without a word": ("raise RuntimeError", "ValueError: RuntimeError()"),
    "the last word of glog": (
        FATAL.format("(1 vs. 2) Too much.") + "; os.abort()",
        "ValueError: Caffe refuses the model: a == b (1 vs. 2) Too much.",
    ),
    "memory": (
        FATAL.format("host allocation of size 8 failed") + "; os.abort()",
        "MemoryError: Caffe refuses the model: a == b host allocation of size 8 failed",
    ),
    "a signal": (
        "os.write(2, b'on layer 7\\n'); os.kill(os.getpid(), signal.SIGSEGV)",
        "ValueError: Caffe ended with SIGSEGV on this model; it said last: on layer 7",
    ),
    "an end without a word": (
        "os._exit(3)",
        "ValueError: Caffe ended with status 3 on this model; it said last: it said nothing",
    ),
    "an end that looks like a refusal": (
        "os.write(2, b'not json\\n'); os._exit(1)",
        "ValueError: Caffe ended with status 1 on this model; it said last: not json",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_child_does_is_told_in_a_sentence(name):
    action, said = CASES[name]
    script = SCRIPT.format(folder=trial.__file__.rpartition("/")[0], action=action)
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == said + "\n", done.stderr
