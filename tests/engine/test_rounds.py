"""The round scheduler: every request answered once, in order, whatever arrives when and whatever is cancelled."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.rounds import RoundScheduler
from lottery_plugins.errors import BackendError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message


class Echo:
    """Answers each prompt with itself and remembers its batches."""

    def __init__(self, missing=0):
        self.batches, self.missing = [], missing

    def generate(self, requests):
        self.batches.append(len(requests))
        return [Completion(r.messages[0].content, "") for r in requests][self.missing :]


def ask(text):
    return GenerationRequest((Message("user", text),), GenerationConfig())


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.integers(1, 12), st.data())
def test_each_request_is_answered_once_with_its_own_answer(lengths, round_size, data):
    backend = Echo()

    async def main():
        scheduler = RoundScheduler(backend, round_size)

        async def trajectory(i, steps):
            answers = []
            for step in range(steps):
                if data.draw(st.booleans()):
                    await asyncio.sleep(0)
                answers.append((await scheduler.generate(ask(f"{i}.{step}"))).text)
            return answers

        return await asyncio.gather(*(trajectory(i, n) for i, n in enumerate(lengths)))

    answers = asyncio.run(main())
    assert answers == [[f"{i}.{s}" for s in range(n)] for i, n in enumerate(lengths)]
    assert sum(backend.batches) == sum(lengths)
    assert max(backend.batches) <= round_size


def test_requests_of_all_trajectories_share_a_round():
    backend = Echo()

    async def main():
        scheduler = RoundScheduler(backend, 100)
        await asyncio.gather(*(scheduler.generate(ask(str(i))) for i in range(40)))

    asyncio.run(main())
    assert backend.batches == [40]


def test_round_does_not_wait_for_a_slow_tool():
    backend = Echo()
    order = []

    async def main():
        scheduler = RoundScheduler(backend, 8)
        gate = asyncio.Event()

        async def slow():
            await gate.wait()
            order.append((await scheduler.generate(ask("slow"))).text)

        async def fast():
            order.append((await scheduler.generate(ask("fast"))).text)
            gate.set()

        await asyncio.gather(slow(), fast())

    asyncio.run(main())
    assert order == ["fast", "slow"]


def test_cancelled_request_leaves_batch_mates_answered():
    backend = Echo()

    async def main():
        scheduler = RoundScheduler(backend, 8)
        doomed = asyncio.create_task(scheduler.generate(ask("doomed")))
        kept = asyncio.create_task(scheduler.generate(ask("kept")))
        await asyncio.sleep(0)
        doomed.cancel()
        return (await kept).text

    assert asyncio.run(main()) == "kept"
    assert backend.batches == [1]


def test_backend_that_loses_an_answer_is_named():
    async def main():
        await RoundScheduler(Echo(missing=1), 8).generate(ask("x"))

    with pytest.raises(BackendError, match="0 completions for a batch of 1"):
        asyncio.run(main())
