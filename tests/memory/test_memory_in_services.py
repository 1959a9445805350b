"""The new memories as a reasoner and the model meet them: through the services of a problem."""

import asyncio

from lottery_plugins.memory.sqlite import Sqlite
from lottery_plugins.memory.tape import Tape
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities


def services(open_memory):
    return ProblemServices(fake_problem(), scripted_facilities(ScriptedBackend(), open_memory=open_memory))


def call(of, tool, **arguments):
    return asyncio.run(of.call_tool(tool, arguments))


def test_the_model_works_the_tape_as_a_tool_and_the_reasoner_sees_it():
    opened = services(Tape().open)
    assert [tool.name for tool in opened.tools] == ["remember", "recall", "tape"]
    assert call(opened, "tape", command="WRITE total 12\nCOPY total 0").text == "total: 12\n0: 12"
    assert opened.recall("total") == "12"
    opened.remember("0", "13")
    assert call(opened, "tape", command="READ").text == "13"
    wrong = call(opened, "tape", command="FORGET 0")
    assert (wrong.error, "cannot read the command 'FORGET 0'" in wrong.text) == ("arguments", True)
    assert [step.error for step in opened.steps if step.tool == "tape"] == [None, None, "arguments"]


def test_problems_that_share_a_memory_find_what_the_others_wrote():
    shared = Sqlite().open()
    first, second = services(lambda: shared), services(lambda: shared)
    first.remember("area of the hall", "912 square metres")
    assert second.recall("area of the hall") == "912 square metres"
    assert second.recall("how large is the hall") == "area of the hall: 912 square metres"
    assert second.recall("unheard") == ""


def test_problems_do_not_share_a_tape():
    opener = Tape().open
    first, second = services(opener), services(opener)
    first.remember("0", "1")
    assert second.recall() == ""
