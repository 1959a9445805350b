"""What a reasoner may call by name, and how it is recorded."""

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, PluginError, ToolError
from lottery_plugins.generation import Completion
from lottery_plugins.limits import BudgetExceededError, Limits
from lottery_plugins.memory.scratchpad import ScratchpadStore
from lottery_plugins.messages import Message
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities
from lottery_plugins.trajectory import ToolResult


def services_of(problem=None, **facilities):
    return ProblemServices(problem or fake_problem(), scripted_facilities(ScriptedBackend(), **facilities))


def call(services, tool, **arguments):
    return asyncio.run(services.call_tool(tool, arguments))


def a_scratchpad():
    return ScratchpadStore(10, 1000)


class Abacus(ScratchpadStore):
    """A memory with a command and a search."""

    commands: ClassVar = (ToolDescription("add", "Adds one.", (Parameter("to", "string", "a key"),)),)

    def command(self, name, arguments):
        if "to" not in arguments:
            raise ToolError("add", "to is missing", "Send to.", category="arguments")
        self.write(arguments["to"], str(int(self.read(arguments["to"]) or 0) + 1))
        return ToolResult(self.read(arguments["to"]))

    def find(self, query, top_k):
        return [(key, self.read(key)) for key in self.keys() if key[:1] == query[:1]][:top_k]


@dataclass
class Counter:
    """A tool that keeps state."""

    name: ClassVar[str] = "counter"
    summary: ClassVar[str] = "Counts its calls."
    calls: list = field(default_factory=list)

    @property
    def description(self):
        return ToolDescription("counter", "Counts.", (Parameter("text", "string", "any"),))

    def call(self, arguments):
        self.calls.append(arguments)
        return ToolResult(str(len(self.calls)))


def test_what_retriever_and_memory_offer_comes_after_the_configured_tools():
    services = services_of(tools=[FakeTool("echo")], documents=[], open_memory=a_scratchpad)
    assert [tool.name for tool in services.tools] == ["echo", "search", "remember", "recall"]
    assert [tool.name for tool in services_of().tools] == []


def test_a_configured_tool_has_its_name_before_one_of_the_retriever():
    services = services_of(tools=[FakeTool("search", reply=lambda text: "mine")], documents=[])
    assert [tool.name for tool in services.tools] == ["search"]
    assert call(services, "search", text="a").text == "mine"
    assert [step.kind for step in services.steps] == ["tool"]


def test_a_search_by_name_is_recorded_as_the_search_that_it_is():
    documents = [Document("a", "red apples"), Document("b", "red pears"), Document("c", "blue plums")]
    services = services_of(documents=documents)
    assert call(services, "search", query="red apples").text == "red apples\nred pears"
    assert call(services, "search", query="red apples", top_k=1).text == "red apples"
    assert call(services, "search", query="zebra").text == "Nothing was found."
    assert [(step.kind, step.prompt) for step in services.steps] == [
        ("retrieve", "red apples"), ("retrieve", "red apples"), ("retrieve", "zebra"),
    ]  # fmt: skip


def test_notes_are_kept_and_given_back():
    services = services_of(open_memory=a_scratchpad)
    assert call(services, "remember", note="sum: 5").text == "Noted."
    assert call(services, "recall", key="sum").text == "5"
    assert call(services, "recall").text == "sum: 5"
    assert call(services, "recall", key="nothing").text == "There is no such note."
    assert [(step.kind, step.tool) for step in services.steps] == [
        ("memory", "remember"), ("memory", "recall"), ("memory", "recall"), ("memory", "recall"),
    ]  # fmt: skip


def test_a_memorys_commands_are_called_like_tools_and_its_search_answers_unknown_keys():
    services = services_of(open_memory=lambda: Abacus(10, 1000))
    assert [tool.name for tool in services.tools] == ["remember", "recall", "add"]
    assert [call(services, "add", to="n").text for _ in range(2)] == ["1", "2"]
    failed = call(services, "add")
    assert (failed.error, failed.text) == ("arguments", "add: to is missing. Send to.")
    assert services.recall("never") == "n: 2"
    assert services.recall("other") == ""


def test_calls_of_memory_and_search_are_budgeted_and_guarded():
    services = services_of(open_memory=a_scratchpad, limits=Limits(max_tool_calls=1))
    call(services, "recall")
    with pytest.raises(BudgetExceededError):
        call(services, "recall")
    guarded = services_of(documents=[], authorize=lambda problem, call: "no")
    assert call(guarded, "search", query="a").error == "denied"
    assert [(step.kind, step.error) for step in guarded.steps] == [("tool", "denied")]


def test_each_problem_opens_tools_of_its_own_and_keeps_their_state():
    facilities = scripted_facilities(ScriptedBackend(), open_tools=lambda: [Counter()])
    first, second = ProblemServices(fake_problem(), facilities), ProblemServices(fake_problem(), facilities)
    assert [call(first, "counter", text="a").text for _ in range(2)] == ["1", "2"]
    assert call(second, "counter", text="a").text == "1"
    barred = ProblemServices(fake_problem(tools=("echo",)), facilities)
    assert call(barred, "counter", text="a").error == "denied"


def test_tools_that_fit_are_all_shown_and_of_more_those_nearest_to_the_question():
    tools = [FakeTool(name) for name in ("a", "b", "c")]
    few = services_of(tools=tools)
    assert [tool.name for tool in asyncio.run(few.find_tools("b"))] == ["a", "b", "c"]
    many = services_of(
        tools=tools, max_tools=2, rank_tools=lambda query, tools: sorted(tools, key=lambda tool: tool.name != query)
    )
    assert [tool.name for tool in asyncio.run(many.find_tools("b"))] == ["b", "a"]
    assert [tool.name for tool in asyncio.run(many.find_tools("c", top_k=1))] == ["c"]
    invented = services_of(tools=tools, max_tools=2, rank_tools=lambda query, tools: [FakeTool("x").description])
    with pytest.raises(PluginError, match="not shown"):
        asyncio.run(invented.find_tools("b"))


def test_the_proxy_model_answers_when_asked_and_is_told_apart():
    async def proxy(request):
        return Completion("from the proxy", "prompt", completion_tokens=3)

    services = services_of(proxy=proxy)
    assert services.has_proxy
    written = asyncio.run(services.generate([Message("user", "q")], purpose="draft", proxy=True))
    asyncio.run(services.generate([Message("user", "q")], purpose="answer"))
    assert written.text == "from the proxy"
    assert [(step.purpose, step.tool) for step in services.steps] == [("draft", "proxy"), ("answer", "")]


def test_what_the_run_lacks_is_named():
    services = services_of()
    assert (services.has_proxy, services.has_verifier) == (False, False)
    with pytest.raises(ConfigError, match="proxy_model"):
        asyncio.run(services.generate([Message("user", "q")], purpose="draft", proxy=True))
    with pytest.raises(ConfigError, match="hidden states"):
        asyncio.run(services.features([Message("user", "q")]))


def test_features_are_recorded_as_an_act():
    async def features(messages):
        return (1.0, 2.0)

    services = services_of(features=features)
    assert asyncio.run(services.features([Message("user", "q")])) == (1.0, 2.0)
    assert [(step.kind, step.purpose) for step in services.steps] == [("score", "features")]
