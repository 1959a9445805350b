"""Tools in worker processes: each call has its own answer, whatever arrives when."""

import asyncio
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools_for_workers import Does, Types
from worker_runs import TOOLS, ask, processes, workers

from lottery_plugins.engine.workers import ToolWorkers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="worker processes need POSIX")


def test_no_process_is_started_for_a_run_that_calls_no_tool():
    async def main():
        async with workers():
            return processes()

    assert asyncio.run(main()) == []


def test_a_tool_answers_from_a_process_of_its_own():
    result = ask("echo", "hello")
    assert result.text == "hello"
    assert int(result.ran_in) != os.getpid()


def test_a_process_is_used_again():
    async def main():
        async with workers(4) as made:
            return {(await made.call("echo", {"text": str(i)})).ran_in for i in range(5)}

    assert len(asyncio.run(main())) == 1


def test_a_tool_error_is_an_observation_with_its_category():
    result = ask("refuses", "beans")
    assert (result.text, result.error) == ("refuses: no beans. Send less.", "domain")


@pytest.mark.parametrize(
    "value",
    [7, 2.5, None, True, 16**6000, (1, 2), {1: "a"}, b"bytes", "half \ud800", float("inf"), ["x"]],
    ids=lambda value: type(value).__name__,
)
def test_arguments_arrive_as_they_are(value):
    assert ask("types", value) == Types().call({"text": value})


def test_built_in_tools_run_there():
    async def main():
        async with workers() as made:
            return await made.call("calculator", {"expression": "6 * 7"})

    assert asyncio.run(main()).text == "42"


def test_the_process_loads_no_model_library_and_uses_one_thread():
    assert ask("does", "modules").text == ""
    assert ask("does", "threads").text == "1"


def test_what_a_tool_prints_is_no_answer():
    assert ask("does", "print_a_lot").text == "fine"


def test_a_tool_finds_no_input():
    assert ask("does", "read_input").text == "''"


@pytest.mark.parametrize("act", ["answer_a_lot", "answer_half_a_surrogate"])
def test_any_text_of_a_million_characters_comes_through(act):
    assert ask("does", act) == Does().call({"text": act})


def test_longer_answers_are_refused():
    result = ask("does", "answer_too_much")
    assert result.error == "limit"
    assert len(result.text) < 100


def test_the_watch_sees_the_call_and_not_the_wait_for_a_process():
    seconds = []

    def watched(act):
        def watched_act():
            start = time.monotonic()
            try:
                return act()
            finally:
                seconds.append(time.monotonic() - start)

        return watched_act

    async def main():
        async with workers(1) as made:
            await made.call("echo", {"text": "warm"})
            await asyncio.gather(*(made.call("echo", {"text": "0.2:x"}, watched) for _ in range(3)))

    asyncio.run(main())
    assert len(seconds) == 3
    assert all(0.2 <= s < 0.4 for s in seconds)


def test_calls_go_on_while_the_event_loop_is_busy_with_the_model():
    async def main():
        async with workers(1) as made:
            await made.call("echo", {"text": "warm"})
            start = time.monotonic()
            calls = [asyncio.ensure_future(made.call("echo", {"text": "0.1:x"})) for _ in range(4)]
            await asyncio.sleep(0)
            time.sleep(0.6)  # a step of the model
            await asyncio.gather(*calls)
            return time.monotonic() - start

    assert asyncio.run(main()) < 0.8  # one after the other they would take 1.0 s


# ---------------------------------------------------------------------- many calls

_shared = ToolWorkers(TOOLS, 4, 30.0)


@pytest.fixture(scope="module", autouse=True)
def _close_shared():
    yield
    asyncio.run(_shared.close())


def test_200_calls_at_once_each_have_their_own_answer():
    async def main():
        return await asyncio.gather(*(_shared.call("echo", {"text": str(i)}) for i in range(200)))

    results = asyncio.run(main())
    assert [r.text for r in results] == [str(i) for i in range(200)]
    assert len({r.ran_in for r in results}) <= 4


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["", "0.001:", "0.004:"]), st.sampled_from([None] * 4 + [0, 2])),
        max_size=24,
    )
)
def test_each_call_has_its_own_answer_whatever_arrives_when_and_whatever_is_cancelled(plan):
    async def call(i, arrival, wait):
        await asyncio.sleep(arrival / 1000)
        return (await _shared.call("echo", {"text": f"{wait}{i}"})).text

    async def main():
        calls = [asyncio.ensure_future(call(i, arrival, wait)) for i, (arrival, wait, _) in enumerate(plan)]
        for cancelled_at, task in sorted((at, i) for i, (_, _, at) in enumerate(plan) if at is not None):
            await asyncio.sleep(cancelled_at / 1000)
            calls[task].cancel()
        return await asyncio.gather(*calls, return_exceptions=True)

    for i, (answer, (_, _, cancelled_at)) in enumerate(zip(asyncio.run(main()), plan, strict=True)):
        may_be_cancelled = cancelled_at is not None and isinstance(answer, asyncio.CancelledError)
        assert may_be_cancelled or answer == str(i)
