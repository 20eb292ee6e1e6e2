"""The work queue, by a clock that the test moves."""

from __future__ import annotations

import asyncio
import random

import pytest

from dspy_operator.queue import PATIENCE_SECONDS, Key, QueueClosed, WorkQueue

ONE = Key("agentworkspaces", "default", "one")
TWO = Key("agentworkspaces", "default", "two")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    return WorkQueue(clock, base=1.0, cap=8.0, rng=random.Random(1))


async def nothing_due(queue: WorkQueue) -> bool:
    getting = asyncio.ensure_future(queue.get())
    for _ in range(3):
        await asyncio.sleep(0)
    if getting.done():
        return False
    getting.cancel()
    await asyncio.gather(getting, return_exceptions=True)
    return True


async def test_a_key_added_twice_is_handed_out_once(queue: WorkQueue) -> None:
    queue.add(ONE)
    queue.add(ONE)
    assert await queue.get() == ONE
    assert await nothing_due(queue)


async def test_a_busy_key_waits_for_its_end(queue: WorkQueue) -> None:
    queue.add(ONE)
    await queue.get()
    queue.add(ONE)
    assert await nothing_due(queue)
    queue.done(ONE)
    assert await queue.get() == ONE


async def test_own_writes_add_nothing_before_or_after_the_answer(queue: WorkQueue) -> None:
    queue.add(ONE)
    await queue.get()
    queue.add(ONE, shown=("uid", "7"))
    queue.done(ONE, wrote=[("uid", "7"), ("uid", "8")])
    queue.add(ONE, shown=("uid", "8"))
    assert await nothing_due(queue)


async def test_what_others_wrote_meanwhile_is_looked_at(queue: WorkQueue) -> None:
    queue.add(ONE)
    await queue.get()
    queue.add(ONE, shown=("uid", "7"))
    queue.add(ONE, shown=("uid", "6"))
    queue.done(ONE, wrote=[("uid", "7")])
    assert await queue.get() == ONE


async def test_delays_run_by_the_clock_and_the_earlier_counts(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(ONE, 30)
    queue.add_after(ONE, 10)
    queue.add_after(ONE, 20)
    assert await nothing_due(queue)
    clock.now += 10
    assert await queue.get() == ONE
    queue.done(ONE)
    clock.now += 100
    assert await nothing_due(queue)


async def test_backoff_grows_and_is_capped_and_forgotten(queue: WorkQueue, clock: Clock) -> None:
    delays = []
    queue.add(ONE)
    for _ in range(8):
        await queue.get()
        delays.append(queue.failed(ONE))
        clock.now += delays[-1]
    assert all(low / 2 <= delay <= low for delay, low in zip(delays, (1, 2, 4, 8, 8, 8, 8, 8), strict=True))
    await queue.get()
    queue.done(ONE)
    queue.add(ONE)
    await queue.get()
    assert queue.failed(ONE) <= 1


async def test_retry_after_holds_against_events(queue: WorkQueue, clock: Clock) -> None:
    queue.add(ONE)
    await queue.get()
    queue.failed(ONE, retry_after=20)
    queue.add(ONE, shown=("uid", "9"))
    clock.now += 19.9
    assert await nothing_due(queue)
    clock.now += 1.2
    assert await queue.get() == ONE


async def test_one_waiter_for_each_key(queue: WorkQueue) -> None:
    waiters = [asyncio.ensure_future(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(ONE)
    queue.add(TWO)
    assert set(await asyncio.gather(*waiters)) == {ONE, TWO}
    assert len(queue) == 2


async def test_a_waiter_that_is_cancelled_as_a_key_comes_is_cancelled(queue: WorkQueue) -> None:
    queue.add(TWO)
    queue.done(await queue.get(), after=20.0)
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(ONE)
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    assert await queue.get() == ONE


async def test_a_closed_queue_hands_out_nothing(queue: WorkQueue) -> None:
    waiter = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.close()
    queue.add(ONE)
    for closed in (waiter, queue.get()):
        with pytest.raises(QueueClosed):
            await closed


async def test_a_second_look_waits_while_there_is_news(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(ONE, 1.0)
    clock.now += 5
    queue.add(TWO)
    assert await queue.get() == TWO
    assert await queue.get() == ONE


async def test_a_second_look_does_not_wait_for_ever(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(ONE, 1.0)
    clock.now += PATIENCE_SECONDS + 2
    queue.add(TWO)
    assert await queue.get() == ONE
    assert await queue.get() == TWO


async def test_news_turn_a_second_look_into_one_with_news(queue: WorkQueue, clock: Clock) -> None:
    queue.add_after(ONE, 60.0)
    queue.add(ONE)
    queue.add(TWO)
    assert await queue.get() == ONE
    queue.done(ONE)
    assert await queue.get() == TWO
    queue.done(TWO)
    clock.now += 100
    assert await nothing_due(queue)
