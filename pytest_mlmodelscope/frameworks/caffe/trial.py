"""Try in a child process what may end the process, and say why in a sentence.

Caffe ends its process at whatever it finds wrong with a network, after a line that says what.
"""

import json
import os
import re
import signal
from typing import Any, Callable

_KEPT = 1 << 16
_GOOD, _RAISED = 0, 1
#: What stands before the text of an exception, in JSON, as the last line of a child.
_MARK = b"raised: "
#: How glog writes what it ends a process for: "F20261125 19:45:53.132552 15092 blob.cpp:34] why".
_FATAL = re.compile(r"^F\d{4,8} [^\]]*\] (?:Check failed: )?(.*)$", re.MULTILINE)


def attempt(action: "Callable[[], Any]") -> None:
    """Run an action in a child of this process.

    Raises ValueError with what the action raised, or with what it said before it ended the child;
    MemoryError where an allocation failed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _run(action, writer)
    os.close(writer)
    said = _last(reader)
    _, status = os.waitpid(child, 0)
    if status:
        reason = _reason(said, status)
        raise (MemoryError if "allocation of size" in reason else ValueError)(reason)


def _run(action: "Callable[[], Any]", writer: int) -> None:
    """What the child does. It ends without any clean-up: that is its parent's."""
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    ended = _RAISED
    try:
        action()
        ended = _GOOD
    except BaseException as error:  # noqa: BLE001  # a process boundary
        text = (str(error) or repr(error))[:2000]
        os.write(writer, b"\n" + _MARK + json.dumps(text).encode("ascii"))
    finally:
        os._exit(ended)


def _last(reader: int) -> str:
    """What a child wrote until it ended; of much, the end only."""
    said = b""
    with os.fdopen(reader, "rb", 0) as pipe:
        for part in iter(lambda: pipe.read(_KEPT), b""):
            said = (said + part)[-_KEPT:]
    return said.decode("utf-8", "replace")


def _reason(said: str, status: int) -> str:
    lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    mark, last = _MARK.decode(), lines[-1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _RAISED and last.startswith(mark):
        return str(json.loads(last[len(mark) :]))
    fatal = _FATAL.findall(said)
    if fatal:
        return "Caffe refuses the model: %s" % fatal[-1]
    how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "status %d" % os.WEXITSTATUS(status)
    return "Caffe ended with %s on this model; it said last: %s" % (how, last)
