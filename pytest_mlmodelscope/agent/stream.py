"""Questions sent by one thread while another reads the answers."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Final, TypeVar

from pytest_mlmodelscope.core.errors import WorkerError

Question = TypeVar("Question")
Answer = TypeVar("Answer")

#: How many questions may be on their way, unless the caller says.
AHEAD: Final = 8


def answers(
    questions: Iterator[Question],
    send: Callable[[Question], None],
    receive: Callable[[], Answer],
    ahead: int = AHEAD,
) -> Generator[Answer, None, None]:
    """``receive`` once for each question that ``send`` took, in order.

    An exception of ``questions`` is raised after the answers to those before it. However the
    iteration ends, all answers are read, so that the wire is ready for the next question.
    """
    sent: queue.Queue[bool | BaseException] = queue.Queue(ahead)
    stop = threading.Event()
    writer = threading.Thread(target=_write, args=(questions, send, sent, stop), name="mlms-stream", daemon=True)
    writer.start()
    news: bool | BaseException = True
    try:
        while (news := sent.get()) is True:
            yield receive()
    finally:
        stop.set()
        while news is True:
            if (news := sent.get()) is True:
                with contextlib.suppress(WorkerError):
                    receive()
        writer.join()
    if isinstance(news, BaseException):
        raise news


def _write(
    questions: Iterator[Question],
    send: Callable[[Question], None],
    sent: queue.Queue[bool | BaseException],
    stop: threading.Event,
) -> None:
    """Put True before each question goes, at last False, or what went wrong instead."""
    try:
        for question in questions:
            if stop.is_set():
                break
            sent.put(True)
            # The reader tells why the other side is gone.
            with contextlib.suppress(BrokenPipeError):
                send(question)
    except BaseException as error:  # noqa: BLE001  # raised again in the thread that reads
        sent.put(error)
    else:
        sent.put(False)
