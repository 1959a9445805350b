"""Tool calls of a reasoner in worker processes, and in threads where a tool can't go to one."""

import asyncio
import os
from dataclasses import dataclass, replace

import pytest

from lottery_plugins.assembly import assemble
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.engine.rounds import RoundScheduler
from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.tools import Calculator, Python
from lottery_plugins.trajectory import Answer

pytestmark = pytest.mark.skipif(os.name != "posix", reason="worker processes need POSIX")

ENDLESS = {"code": "while True: pass"}


@dataclass(frozen=True)
class Calls:
    """A reasoner that makes calls one after the other and answers with the last observation."""

    calls: tuple = ()
    name: str = "calls"

    async def solve(self, problem, services):
        results = [await services.call_tool(tool, arguments) for tool, arguments in self.calls]
        return Answer(results[-1].text)


def run(calls, tools, deadline_s=30.0, num_problems=1, **fields):
    """Solve problems with worker processes for the tools."""

    async def main():
        plain = scripted_facilities(ScriptedBackend(), tools=tools, **fields)
        facilities = replace(plain, workers=ToolWorkers(plain.tools, 2, deadline_s))
        try:
            problems = [fake_problem()] * num_problems
            return await solve_all(problems, Calls(tuple(calls)), facilities, max_live=8)
        finally:
            await facilities.close()

    return asyncio.run(main())


def test_a_tool_that_hangs_is_an_observation_and_the_problem_goes_on():
    calls = [("python", ENDLESS), ("calculator", {"expression": "6 * 7"})]
    (trajectory,) = run(calls, [Python(timeout_s=60), Calculator()], deadline_s=1.0)
    assert [step.error for step in trajectory.steps] == ["timeout", None]
    assert trajectory.answer == "42"
    assert 1.0 <= trajectory.steps[0].seconds < 10


def test_a_limit_of_the_tool_itself_comes_first():
    (trajectory,) = run([("python", ENDLESS)], [Python(timeout_s=0.3)])
    assert trajectory.steps[0].error == "timeout"
    assert "0.3" in trajectory.answer


def test_problems_that_call_at_the_same_time_get_their_own_answers():
    trajectories = run([("calculator", {"expression": "2 + 3"})], [Calculator()], num_problems=20)
    assert [t.answer for t in trajectories] == ["5"] * 20


def test_time_that_is_up_ends_the_call():
    (trajectory,) = run([("python", ENDLESS)], [Python(timeout_s=60)], limits=Limits(max_seconds=1.0))
    assert trajectory.stop_reason is StopReason.MAX_SECONDS
    assert trajectory.seconds < 10


def test_a_tool_that_cannot_be_pickled_runs_in_a_thread():
    here = []
    tool = FakeTool(reply=lambda text: here.append(text) or text.upper())
    (trajectory,) = run([("echo", {"text": "x"})], [tool])
    assert (trajectory.answer, here) == ("X", ["x"])


def test_arguments_that_cannot_be_pickled_run_in_a_thread_and_are_recorded():
    argument = lambda: None  # noqa: E731
    (trajectory,) = run([("calculator", {"expression": argument})], [Calculator()])
    assert trajectory.steps[0].error == "arguments"
    assert "lambda" in trajectory.steps[0].prompt


@pytest.mark.parametrize(
    ("tools", "number", "has_workers"), [("calculator", None, True), ("calculator", 0, False), ("", 4, False)]
)
def test_a_run_has_processes_when_it_has_tools_and_wants_them(tools, number, has_workers):
    reasoner = "react" if tools else "chain-of-thought"
    config = RunConfig.parse({"reasoner": reasoner, "tools": tools, "tool_workers": number})
    facilities = assemble(config, discover()).facilities(RoundScheduler(ScriptedBackend(), 4))
    assert (facilities.workers is not None) is has_workers
    asyncio.run(facilities.close())
