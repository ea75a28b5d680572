"""What a person sees who waits: on a real terminal, in a pipe, and for a program."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

CODE = """
import sys
from pytest_mlmodelscope.cli.progress import progress
from pytest_mlmodelscope.core.progress import Part
with progress(as_json={as_json}) as say:
    say("building [a] thing")
    say(Part("fetching weights", 30, 60))
print("done")
"""


def run(as_json=False, **environment):
    """What comes on the standard error, which is a terminal, and on the standard output, which is a pipe."""
    leader, follower = pty.openpty()
    known = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE.format(as_json=as_json)],
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**known, "TERM": "xterm", **environment},
    )
    os.close(follower)
    out = process.stdout.read().decode()
    process.stdout.close()
    seen = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # so Linux says that the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(leader)
    assert process.wait(60) == 0
    return seen.decode(), out


def test_on_a_terminal_one_line_moves_and_is_gone_afterwards():
    seen, out = run()
    assert out == "done\n"
    assert "fetching weights" in seen
    assert "\x1b[2K" in seen  # erases a line
    assert "\x1b[3" in seen  # colour


def test_no_colour_where_none_is_wanted():
    seen, _ = run(NO_COLOR="1")
    assert "fetching weights" in seen
    assert "\x1b[3" not in seen


@pytest.mark.parametrize("how", [{"as_json": True}])
def test_a_program_gets_nothing(how):
    assert run(**how) == ("", "done\n")


def test_a_terminal_that_cannot_move_gets_lines():
    seen, _ = run(TERM="dumb")
    assert seen.replace("\r", "") == "building [a] thing\nfetching weights\n"


def test_a_pipe_gets_lines():
    done = subprocess.run([sys.executable, "-c", CODE.format(as_json=False)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "building [a] thing\nfetching weights\n")
