"""Many problems at once: order, isolation, interruption."""

import asyncio
import re
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from lottery_plugins.errors import DataError
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.reasoners import Direct
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.trajectory import Answer, Trajectory

PROBLEMS = [replace(fake_problem(f"q{i}"), doc_id=i) for i in range(6)]


def run(reasoner, facilities=None, max_live=3, on_finished=lambda i, t: None, problems=PROBLEMS):
    facilities = facilities or scripted_facilities(ScriptedBackend())
    return asyncio.run(solve_all(problems, reasoner, facilities, max_live=max_live, on_finished=on_finished))


@dataclass
class Fake:
    """Does what `act` says."""

    act: object
    name: ClassVar[str] = "fake-reasoner"
    summary: ClassVar[str] = "Fake."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        return await self.act(problem, services)


def test_results_are_in_the_order_of_the_problems_whatever_finishes_first():
    async def act(problem, services):
        await asyncio.sleep(0.02 * (5 - problem.doc_id))
        return Answer(problem.question)

    finished = []
    results = run(Fake(act), max_live=6, on_finished=lambda i, t: finished.append(i))
    assert [t.answer for t in results] == [f"q{i}" for i in range(6)]
    assert sorted(finished) == list(range(6))
    assert finished != list(range(6))


@pytest.mark.parametrize("max_live", [1, 2, 6, 100])
def test_no_more_problems_are_alive_than_allowed(max_live):
    alive, most = set(), []

    async def act(problem, services):
        alive.add(problem.doc_id)
        most.append(len(alive))
        await asyncio.sleep(0)
        alive.discard(problem.doc_id)
        return Answer("")

    run(Fake(act), max_live=max_live)
    assert max(most) == min(max_live, 6)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ZeroDivisionError("by zero"), "fake-reasoner.*fake, document 2.*ZeroDivisionError"),
        (DataError("d", "x"), "d x"),
    ],
)
def test_one_failure_leaves_the_neighbours_answered(error, text):
    async def act(problem, services):
        if problem.doc_id == 2:
            raise error
        return Answer("ok")

    results = run(Fake(act))
    failed = results.pop(2)
    assert failed.stop_reason is StopReason.FAILED
    assert re.search(text, failed.error)
    assert {t.answer for t in results} == {"ok"}


def test_a_crashing_tool_fails_its_problem_and_keeps_the_steps_before():
    def crash(text):
        raise RuntimeError("tool is broken")

    async def act(problem, services):
        await services.generate(problem.messages, purpose="p")
        await services.call_tool("echo", {"text": "x"})

    facilities = scripted_facilities(ScriptedBackend(["hi"]), tools=[FakeTool(reply=crash)])
    (result,) = run(Fake(act), facilities, problems=PROBLEMS[:1])
    assert result.stop_reason is StopReason.FAILED
    assert "'echo'" in result.error
    assert [s.output for s in result.steps] == ["hi"]


@pytest.mark.parametrize("returned", [None, "text", Answer(None)])
def test_what_is_no_answer_fails_the_problem(returned):
    async def act(problem, services):
        return returned

    (result,) = run(Fake(act), problems=PROBLEMS[:1])
    assert result.stop_reason is StopReason.FAILED
    assert "not an Answer" in result.error


def test_a_spent_budget_is_a_stop_reason_and_no_failure():
    async def act(problem, services):
        while True:
            await services.generate(problem.messages, purpose="again")

    facilities = scripted_facilities(ScriptedBackend(), limits=Limits(max_calls=3))
    (result,) = run(Fake(act), facilities, problems=PROBLEMS[:1])
    assert (result.stop_reason, result.answer, result.error) == (StopReason.MAX_CALLS, "", "")
    assert len(result.steps) == 3


def test_an_interrupt_is_handed_on_after_the_finished_were_reported():
    finished = []

    async def act(problem, services):
        if problem.doc_id == 3:
            raise KeyboardInterrupt
        return Answer("ok")

    with pytest.raises(KeyboardInterrupt):
        run(Fake(act), max_live=1, on_finished=lambda i, t: finished.append(i))
    assert finished == [0, 1, 2]


def test_cancellation_ends_all_problems_and_is_handed_on():
    finished, ended = [], []

    async def act(problem, services):
        try:
            await asyncio.sleep(60 if problem.doc_id else 0)
        finally:
            ended.append(problem.doc_id)
        return Answer("ok")

    async def play():
        facilities = scripted_facilities(ScriptedBackend())
        task = asyncio.create_task(
            solve_all(PROBLEMS, Fake(act), facilities, max_live=3, on_finished=lambda i, t: finished.append(i))
        )
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(play())
    assert finished == [0]
    assert sorted(ended) == [0, 1, 2, 3]


def test_a_full_disk_ends_the_run_with_its_own_error():
    def write(index, trajectory):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run(Direct(), on_finished=write)


def test_no_problems_give_no_results():
    assert run(Direct(), problems=[]) == []


def test_a_trajectory_survives_json():
    facilities = scripted_facilities(ScriptedBackend(["5"]))
    (result,) = run(Direct(), facilities, problems=PROBLEMS[:1])
    assert Trajectory.from_json(result.to_json()) == result
    assert result.answer == "5"
