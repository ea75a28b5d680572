"""Large inputs go to a worker through memory that both see."""

import os

import numpy as np
import pytest

from pytest_mlmodelscope.agent import shared
from pytest_mlmodelscope.agent.shared import SharedMemory
from pytest_mlmodelscope.core.errors import ModelError
from pytest_mlmodelscope.worker import wire
from pytest_mlmodelscope.worker.window import Window

LARGE = wire.SHARED_BYTES // 4


def large(number, count=LARGE):
    return {"x": np.full((count,), number, dtype=np.float32)}


@pytest.fixture
def there():
    """Sends a message through a pipe and shared memory, and reads it at the other end."""
    memory = SharedMemory()
    window = Window(memory.descriptor)
    reader, writer = os.pipe()
    wire.widen(writer)

    def send(tensors):
        frame = wire.encode({}, tensors.items(), memory.put)
        memory.asked()
        wire.send(writer, frame)
        return dict(wire.receive(reader, window=window)[1]), sum(map(len, frame))

    send.memory = memory
    yield send
    os.close(reader)
    os.close(writer)


def test_a_large_array_arrives_and_its_bytes_are_not_in_the_pipe(there):
    sent = {"x": np.random.default_rng(0).random((8, 3, 50, 50), dtype=np.float32)}
    found, through_the_pipe = there(sent)
    assert np.array_equal(found["x"], sent["x"])
    assert through_the_pipe < 1000


def test_a_small_array_and_texts_take_the_pipe(there):
    found, through_the_pipe = there({"x": np.arange(6), "t": ["word " * 100_000]})
    assert found["x"].tolist() == list(range(6))
    assert through_the_pipe > 500_000


@pytest.mark.parametrize("view", [lambda x: x[::2], lambda x: x.reshape(2, -1).T, lambda x: x[::-1]])
def test_any_layout_arrives(there, view):
    values = view(np.arange(8 * LARGE, dtype=np.int32))
    assert np.array_equal(there({"x": values})[0]["x"], values)


def test_a_place_is_not_written_again_before_its_answer(there):
    first, second = there(large(1))[0]["x"], there(large(2))[0]["x"]
    assert (first == 1).all()
    there.memory.answered()
    third = there(large(3))[0]["x"]
    assert (second == 2).all()
    assert (third == 3).all()
    # What was the first question's is the third's now.
    assert (first == 3).all()


def test_a_larger_array_in_a_place_of_a_smaller_one_is_seen_whole(there):
    there(large(1, 3 * LARGE))
    there.memory.answered()
    assert (there(large(2, LARGE))[0]["x"] == 2).all()
    there.memory.answered()
    assert (there(large(3, 2 * LARGE))[0]["x"] == 3).all()


def test_what_does_not_fit_takes_the_pipe(there, monkeypatch):
    monkeypatch.setattr(shared, "MOST", 10)
    found, through_the_pipe = there(large(7))
    assert (found["x"] == 7).all()
    assert through_the_pipe > wire.SHARED_BYTES


def test_a_worker_cannot_make_it_smaller(there):
    there(large(1))
    with pytest.raises(PermissionError):
        os.ftruncate(there.memory.descriptor, 0)


def test_a_host_does_not_look_into_memory_that_a_worker_names():
    reader, writer = os.pipe()
    wire.send(writer, wire.encode({}, [("x", np.zeros(LARGE))], lambda data: 0))
    with pytest.raises(wire.WireError, match="shared memory"):
        wire.receive(reader)
    os.close(reader)
    os.close(writer)


def test_a_stream_of_large_arrays_keeps_their_values(worker):
    # Each batch is another size, so that places are taken by others all the time.
    batches = [large(number, LARGE + 977 * (number % 7)) for number in range(60)]
    found = [outputs["x"] for outputs, _ in worker("echo").predict_stream(batches)]
    assert [len(x) for x in found] == [len(batch["x"]) for batch in batches]
    assert all((x == number).all() for number, x in enumerate(found))


def test_after_a_stream_that_was_left_early_the_values_are_right(worker):
    agent = worker("echo")
    stream = agent.predict_stream(large(number) for number in range(1000))
    next(stream)
    stream.close()
    assert all((agent.predict(large(number))[0]["x"] == number).all() for number in range(20))


def test_after_refused_batches_the_memory_is_free_again(worker, monkeypatch):
    agent = worker("fail")
    for number in range(30):
        with pytest.raises(ModelError):
            agent.predict(large(number))
    assert os.fstat(agent._shared.descriptor).st_size == wire.SHARED_BYTES
