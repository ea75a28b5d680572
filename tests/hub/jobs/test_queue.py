"""The queue in the database: each job is run to its end once, whatever becomes of who runs it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pytest_mlmodelscope.hub.jobs import queue
from pytest_mlmodelscope.hub.jobs.bounds import Bounds
from pytest_mlmodelscope.store.tables import Job

BOUNDS = Bounds(attempts=2, queue=3)


@pytest.fixture
def session(database):
    with database.writing() as found:
        yield found


def put(session, kind="verify", asker=None, bounds=BOUNDS):
    return queue.submit(session, kind, {"claim": "a", "framework": None, "target": "cpu"}, asker=asker, bounds=bounds)


def now(session, job):
    session.expire_all()
    return session.get(Job, job.id)


def take(session, worker="w1", kinds=queue.KINDS):
    job = queue.take(session, worker, 15, kinds)
    return job if job is None else (job, queue.held(job))


def lose(session, job):
    """Let the lease of a job run out."""
    session.execute(update(Job).where(Job.id == job.id).values(lease=Job.lease))
    kept = now(session, job)
    kept.lease -= timedelta(seconds=60)
    session.flush()


def test_jobs_are_taken_in_the_order_in_which_they_came(session) -> None:
    first, second = put(session), put(session)
    assert [queue.position(session, job, apart=False) for job in (first, second)] == [1, 2]
    taken, _ = take(session)
    assert taken.id == first.id
    assert now(session, first).state == "running"
    assert queue.position(session, now(session, first), apart=False) is None
    assert queue.position(session, now(session, second), apart=False) == 1
    assert take(session)[0].id == second.id
    assert take(session) is None


def test_who_asks_for_one_job_does_not_wait_for_all_of_somebody_elses(session) -> None:
    many = Bounds(queue=20, each=20)
    alice = [put(session, asker="alice", bounds=many) for _ in range(4)]
    taken = [take(session)[0]]
    bob = [put(session, asker="bob", bounds=many) for _ in range(2)]
    carol = put(session, asker="carol", bounds=many)
    waits = [alice[1], bob[0], carol, alice[2], bob[1], alice[3]]
    assert [queue.position(session, now(session, job), apart=False) for job in waits] == [1, 2, 3, 4, 5, 6]
    taken += [take(session)[0] for _ in waits]
    assert [job.id for job in taken] == [job.id for job in (alice[0], *waits)]


def test_who_comes_back_again_and_again_takes_turns_with_who_came_with_many(session) -> None:
    many = Bounds(queue=20, each=20)
    alice = [put(session, asker="alice", bounds=many).id for _ in range(6)]
    order = []
    for _ in range(3):
        put(session, asker="bob", bounds=many)
        order += [take(session)[0].id in alice for _ in range(2)]
    assert order == [True, False] * 3


def test_kinds_apart_have_places_and_takers_of_their_own(session) -> None:
    many = Bounds(queue=20, each=20)
    jobs = [put(session, kind, bounds=many) for kind in ("verify", "verify", "predict", "verify", "predict")]
    assert [queue.position(session, job, apart=True) for job in jobs] == [1, 2, 1, 3, 2]
    assert [queue.position(session, job, apart=False) for job in jobs] == [1, 2, 3, 4, 5]
    assert take(session, kinds=["predict"])[0].id == jobs[2].id
    assert take(session, kinds=["verify"])[0].id == jobs[0].id
    take(session, kinds=["predict"])
    assert not queue.anything(session, ["predict"])
    assert take(session, kinds=["predict"]) is None
    assert queue.anything(session, ["verify"])


def test_nobody_fills_the_queue_alone(session) -> None:
    bounds = Bounds(queue=4, each=2)
    for _ in range(bounds.each):
        put(session, asker="alice", bounds=bounds)
    with pytest.raises(queue.QueueFull, match="of yours"):
        put(session, asker="alice", bounds=bounds)
    put(session, asker="bob", bounds=bounds)
    take(session)
    put(session, asker="alice", bounds=bounds)


def test_who_asked_is_forgotten_when_the_job_has_ended(session) -> None:
    job = put(session, asker="address 192.0.2.7")
    _, hold = take(session)
    queue.finish(session, hold, dict)
    assert now(session, job).asker is None


def test_an_id_cannot_be_guessed(session) -> None:
    ids = {put(session).id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(identity) == 32 for identity in ids)


def test_a_full_queue_takes_no_other_job(session) -> None:
    for _ in range(BOUNDS.queue):
        put(session)
    with pytest.raises(queue.QueueFull, match="the queue is full"):
        put(session)
    take(session)
    put(session)


def test_a_job_runs_tells_and_finishes(session) -> None:
    job = put(session)
    _, hold = take(session)
    version = now(session, job).version
    assert queue.tell(session, hold, 0.5, "half")
    assert queue.renew(session, hold, 15) == "kept"
    assert (now(session, job).progress, now(session, job).message, now(session, job).version) == (
        0.5,
        "half",
        version + 1,
    )
    assert queue.finish(session, hold, lambda: {"cases": []})
    ended = now(session, job)
    assert (ended.state, ended.progress, ended.result, ended.lease) == ("finished", 1.0, {"cases": []}, None)


def test_a_job_whose_worker_was_lost_is_taken_again_and_counts_once(session) -> None:
    job = put(session)
    _, lost = take(session, "w1")
    lose(session, job)
    assert queue.anything(session)
    queue.sweep(session, BOUNDS)
    assert now(session, job).state == "queued"
    _, hold = take(session, "w2")
    # The one that was thought dead comes back, and changes nothing.
    assert queue.renew(session, lost, 15) == "lost"
    assert not queue.tell(session, lost, 0.9, "still here")
    made = []
    assert not queue.finish(session, lost, lambda: made.append(1) or {})
    assert not made
    assert not queue.fail(session, lost, "no")
    assert queue.finish(session, hold, lambda: {"by": "w2"})
    assert not queue.finish(session, hold, lambda: {"by": "w2 again"})
    assert now(session, job).result == {"by": "w2"}


def test_the_same_worker_knows_its_earlier_attempt_from_its_later_one(session) -> None:
    job = put(session)
    _, early = take(session, "w1")
    lose(session, job)
    queue.sweep(session, BOUNDS)
    _, late = take(session, "w1")
    assert queue.renew(session, early, 15) == "lost"
    assert queue.renew(session, late, 15) == "kept"


def test_a_job_that_costs_every_worker_its_life_has_failed(session) -> None:
    job = put(session)
    for _ in range(BOUNDS.attempts):
        _, hold = take(session)
        queue.tell(session, hold, 0.1, "loading")
        lose(session, job)
        queue.sweep(session, BOUNDS)
    ended = now(session, job)
    assert ended.state == "failed"
    assert ended.message == "its worker was lost 2 times, the last time at: loading"
    assert take(session) is None


def test_a_job_that_is_given_back_has_lost_nothing(session) -> None:
    job = put(session)
    _, hold = take(session)
    assert queue.give_back(session, hold)
    assert (now(session, job).state, now(session, job).attempts) == ("queued", 0)
    assert not queue.give_back(session, hold)


def test_a_job_that_waits_is_cancelled_at_once(session) -> None:
    job = put(session)
    queue.cancel(session, job.id)
    assert now(session, job).state == "cancelled"
    assert take(session) is None


def test_the_worker_of_a_cancelled_job_is_told(session) -> None:
    job = put(session)
    _, hold = take(session)
    queue.cancel(session, job.id)
    assert queue.wanted(session, hold) == "unwanted"
    assert queue.renew(session, hold, 15) == "unwanted"
    assert not queue.tell(session, hold, 0.7, "loading")
    assert queue.let_go(session, hold)
    assert now(session, job).state == "cancelled"


def test_a_job_that_is_cancelled_while_its_worker_is_lost_is_not_taken_again(session) -> None:
    job = put(session)
    take(session)
    queue.cancel(session, job.id)
    lose(session, job)
    queue.sweep(session, BOUNDS)
    assert now(session, job).state == "cancelled"


def test_what_has_ended_stays_as_it_is(session) -> None:
    job = put(session)
    _, hold = take(session)
    queue.finish(session, hold, dict)
    queue.cancel(session, job.id)
    assert now(session, job).state == "finished"


def test_jobs_that_ended_long_ago_are_forgotten(session) -> None:
    old, new, waits = put(session), put(session), put(session)
    for _ in range(2):
        queue.finish(session, take(session)[1], dict)
    kept = now(session, old)
    kept.finished -= timedelta(seconds=BOUNDS.keep_s + 1)
    session.flush()
    queue.forget(session, BOUNDS)
    assert set(session.scalars(select(Job.id))) == {new.id, waits.id}


def test_a_message_is_kept_as_far_as_it_is_bearable(session) -> None:
    put(session)
    _, hold = take(session)
    queue.fail(session, hold, "a\0b" + "x" * 100_000)
    message = session.scalar(select(Job.message))
    assert message.startswith("abx")
    assert len(message) <= 4000
