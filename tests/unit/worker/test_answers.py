"""Answers that go together: none is lost, none waits for a question that may never come."""

import os

import numpy as np
import pytest

from pytest_mlmodelscope.worker import serve, wire
from pytest_mlmodelscope.worker.serve import Answers


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    for descriptor in (reader, writer):
        os.set_blocking(descriptor, False)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def answer(number):
    return wire.encode({"number": number}, [("y", np.full(2, number, np.float32))])


def received(reader):
    """The numbers of the answers that can be read now, each with the tensor that belongs to it."""
    found = []
    while wire.is_waiting(reader):
        header, ((_, tensor),) = wire.receive(reader)
        assert tensor.tolist() == [header["number"]] * 2
        found.append(header["number"])
    return found


def test_quick_answers_go_a_few_at_a_time_and_in_order(pipe):
    reader, writer = pipe
    answers = Answers(writer)
    seen = []
    for number in range(2 * serve._TOGETHER):
        answers.add(answer(number))
        seen.append(len(received(reader)))
    assert seen == [*[0] * (serve._TOGETHER - 1), serve._TOGETHER] * 2


def test_what_is_held_goes_when_it_is_told_to(pipe):
    reader, writer = pipe
    answers = Answers(writer)
    answers.add(answer(7))
    assert received(reader) == []
    answers.send()
    assert received(reader) == [7]
    answers.send()
    assert received(reader) == []


def test_an_answer_does_not_wait_for_slow_ones(pipe, monkeypatch):
    reader, writer = pipe
    answers = Answers(writer)
    now = 0
    monkeypatch.setattr(serve, "clock", lambda: now)
    answers.add(answer(1))
    assert received(reader) == []
    now += serve._LONGEST_HELD_NS + 1
    answers.add(answer(2))
    assert received(reader) == [1, 2]


def test_fewer_go_together_than_are_asked_ahead():
    """Else the host would wait for the worker and the worker for the host's next question."""
    from pytest_mlmodelscope.agent import stream

    assert serve._TOGETHER < stream.AHEAD


def test_a_closed_pipe_can_be_read():
    reader, writer = os.pipe()
    assert not wire.is_waiting(reader)
    os.close(writer)
    assert wire.is_waiting(reader)
    os.close(reader)
