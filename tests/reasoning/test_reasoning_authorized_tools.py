"""`lottery_authorize_tool_call` decides on every call: also of the tools of a set."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.assembly import assemble
from lottery_plugins.builtin import lottery_reasoners, lottery_tools
from lottery_plugins.config import RunConfig
from lottery_plugins.limits import StopReason
from lottery_plugins.observers import Observers
from lottery_plugins.reasoning.runner import solve
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, one_by_one


@dataclass(frozen=True)
class Shared:
    """A tool set of the run."""

    name: ClassVar[str] = "shared"
    summary: ClassVar[str] = "Two tools."
    scope: ClassVar[str] = "run"

    def open(self):
        return (FakeTool("lookup"), FakeTool("purge"))


class Engine:
    """The part of a text engine that facilities take."""

    def __init__(self, replies):
        self.generate = one_by_one(ScriptedBackend(replies))
        self.count_tokens = lambda text: None
        self.release = lambda trajectory: None


def run(replies, guard, **arguments):
    """The tool steps and the answer of a react run whose calls a plugin's guard decides on."""
    classes = {
        "tool": [*lottery_tools(), Shared],
        "reasoner": lottery_reasoners(),
    }
    plugins = [Registered(kind, cls, "test", "1") for kind, of_kind in classes.items() for cls in of_kind]
    registry = Registry(plugins, observers=Observers([("guards", {"lottery_authorize_tool_call": guard})]))
    settings = {"reasoner": "react", "tool_workers": 0, **arguments}
    made = assemble(RunConfig.parse(settings), registry)
    trajectory = asyncio.run(solve(fake_problem(), made.reasoner, made.facilities(Engine(replies))))
    return [step for step in trajectory.steps if step.kind != "generate"], trajectory


def never_delete(problem, call):
    """A guard with an opinion on two tools."""
    return "nothing may be lost" if call.tool in ("delete_file", "purge") else None


def test_a_call_of_a_problems_own_tool_is_vetoed_and_the_model_goes_on():
    replies = [
        'Action: write_file[{"path": "a", "content": "1"}]',
        "Action: delete_file[a]",
        "Action: read_file[a]",
        "Action: Finish[1]",
    ]
    steps, trajectory = run(replies, never_delete, tools="files")
    assert [(step.tool, step.error) for step in steps] == [
        ("write_file", None), ("delete_file", "denied"), ("read_file", None),
    ]  # fmt: skip
    assert steps[1].output == "delete_file: this call is not allowed: nothing may be lost"
    assert steps[2].output == "1"
    assert (trajectory.answer, trajectory.stop_reason) == ("1", StopReason.ANSWERED)


def test_a_call_of_a_shared_set_is_vetoed():
    steps, _ = run(["Action: purge[all]", "Action: lookup[x]", "Action: Finish[x]"], never_delete, tools="shared")
    assert [(step.tool, step.error) for step in steps] == [("purge", "denied"), ("lookup", None)]


def test_a_guard_sees_the_arguments_that_will_be_used():
    seen = []

    def guard(problem, call):
        seen.append((problem.task, call.tool, dict(call.arguments)))

    run(['Action: write_file("a", "1")', "Action: Finish[x]"], guard, tools="files")
    assert seen == [("fake", "write_file", {"path": "a", "content": "1"})]


@pytest.mark.parametrize("tool", ["write_file", "lookup"])
def test_a_guard_that_breaks_denies(tool):
    def guard(problem, call):
        raise ZeroDivisionError

    steps, _ = run([f"Action: {tool}[a, b]", "Action: Finish[x]"], guard, tools="files+shared")
    assert [(step.tool, step.error) for step in steps] == [(tool, "denied")]
    assert "the guard of plugin guards failed with ZeroDivisionError" in steps[0].output
