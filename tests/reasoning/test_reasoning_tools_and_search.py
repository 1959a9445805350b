"""What a reasoner gets from tools and searches, and what is recorded of it."""

import asyncio
import threading
from dataclasses import dataclass

import pytest
from scripted_services import ASK, services

from lottery_plugins.documents import Document
from lottery_plugins.errors import PluginError
from lottery_plugins.reasoning.search import Search
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, WordIndex, fake_problem


def test_an_unknown_tool_is_told_to_the_model_with_the_nearest_name():
    result = asyncio.run(services(tools=[FakeTool("calculator")]).call_tool("calculater", {"x": 1}))
    assert result.error == "unknown"
    assert "Did you mean 'calculator'" in result.text


def test_a_tool_the_task_forbids_is_neither_shown_nor_run():
    ran = []
    tools = [FakeTool("python", reply=lambda t: ran.append(t) or ""), FakeTool("echo")]
    mine = services(problem=fake_problem(tools=("echo",)), tools=tools)
    result = asyncio.run(mine.call_tool("python", {"text": "x"}))
    assert [t.name for t in mine.tools] == ["echo"]
    assert (result.error, ran) == ("denied", [])


def test_a_denied_call_does_not_run_and_the_reason_is_shown():
    ran = []
    mine = services(
        tools=[FakeTool(reply=lambda t: ran.append(t) or "")], authorize=lambda problem, call: f"no {call.tool} today"
    )
    result = asyncio.run(mine.call_tool("echo", {"text": "x"}))
    assert (result.error, ran) == ("denied", [])
    assert "no echo today" in result.text


def test_a_guard_that_raises_denies():
    def broken(problem, call):
        raise RuntimeError("guard")

    result = asyncio.run(services(tools=[FakeTool()], authorize=broken).call_tool("echo", {"text": "x"}))
    assert result.error == "denied"


def test_a_tool_error_becomes_an_observation_and_is_recorded():
    mine = services(tools=[FakeTool()])
    result = asyncio.run(mine.call_tool("echo", {"text": 5}))
    assert result.error == "arguments"
    assert (mine.steps[0].error, mine.steps[0].output) == ("arguments", result.text)


def test_any_other_exception_of_a_tool_names_the_tool():
    def crash(text):
        raise ZeroDivisionError("inside")

    with pytest.raises(PluginError, match=r"'echo'.*ZeroDivisionError"):
        asyncio.run(services(tools=[FakeTool(reply=crash)]).call_tool("echo", {"text": "x"}))


def test_a_tool_that_returns_no_result_breaks_its_contract():
    @dataclass(frozen=True)
    class Bare(FakeTool):
        def call(self, arguments):
            return "text"

    with pytest.raises(PluginError, match="returned str"):
        asyncio.run(services(tools=[Bare()]).call_tool("echo", {"text": "x"}))


def test_a_slow_tool_does_not_keep_the_model_waiting():
    generated = threading.Event()
    backend = ScriptedBackend(lambda prompt: generated.set() or "ok")
    mine = services(backend, tools=[FakeTool(reply=lambda text: str(generated.wait(10)))])

    async def both():
        return await asyncio.gather(mine.call_tool("echo", {"text": "x"}), mine.generate(ASK, purpose="p"))

    result, _ = asyncio.run(both())
    assert result.text == "True"


def test_search_records_documents_scores_and_tokens():
    mine = services(documents=[Document("a", "red apples"), Document("b", "green pears", "Pears")])
    found = asyncio.run(mine.retrieve("green apples pears"))
    step = mine.steps[0]
    assert [hit.document.id for hit in found] == ["b", "a"]
    assert step.documents == (("b", 2.0), ("a", 1.0))
    assert step.retrieved_tokens == 5


def test_top_k_of_the_reasoner_comes_before_that_of_the_run():
    mine = services(documents=[Document(str(i), "red") for i in range(5)])
    assert len(asyncio.run(mine.retrieve("red"))) == 2
    assert len(asyncio.run(mine.retrieve("red", top_k=4))) == 4


def test_without_a_retriever_nothing_is_found():
    mine = services()
    assert mine.has_retriever is False
    assert asyncio.run(mine.retrieve("x")) == []


def test_one_index_is_built_for_searches_at_the_same_time():
    built = []

    async def index_for(problem):
        built.append(problem)
        await asyncio.sleep(0.01)
        return WordIndex([Document("a", "red")])

    mine = services(search=Search(index_for=index_for))

    async def both():
        return await asyncio.gather(mine.retrieve("red"), mine.retrieve("red"))

    first, second = asyncio.run(both())
    assert (len(built), len(first), len(second)) == (1, 1, 1)


def test_a_retriever_that_raises_is_named():
    def broken(problem):
        raise ValueError("k exceeds corpus")

    with pytest.raises(PluginError, match=r"'bm25'.*k exceeds corpus"):
        asyncio.run(services(search=Search(index_for=broken, name="bm25")).retrieve("x"))


def test_a_problem_without_documents_has_no_retriever():
    search = Search(index_for=lambda problem: WordIndex(), has_documents=lambda problem: bool(problem.context))
    assert services(search=search).has_retriever is False
    assert services(problem=fake_problem(context="c"), search=search).has_retriever is True
