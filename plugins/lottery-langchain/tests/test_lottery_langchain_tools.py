"""LangChain tools as ours: arguments, errors, processes."""

import asyncio
import os
import pickle

import pytest

pytest.importorskip("langchain_core")

import langchain_entries
from lottery_langchain import LangChainTool, NamedTools

from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.testing.contracts.tool import check_tool_set


def tools_at(entry, **options):
    return {tool.name: tool for tool in NamedTools(f"langchain_entries:{entry}", **options).open()}


def test_langchain_tools_of_all_kinds_keep_the_contract_of_tool_sets():
    calls = [
        ("weather", {"city": "Rome", "days": 2}, "Rome in 2 days: sunny"),
        ("backwards", {"text": "abc"}, "cba"),
        ("whoami", {"question": "why"}, "nobody asks why"),
        ("call_id", {"text": "abc"}, "abc True"),
        ("with_artifact", {"text": "abc"}, "3 letters"),
        ("shout", {"input": "abc"}, "ABC!"),
        ("picture", {"text": "abc"}, "[image, which is not text, is left out]"),
        ("calculator", {"expression": "2 + 3"}, "5"),
    ]
    check_tool_set(NamedTools, good_calls=calls, options={"entry": "langchain_entries:ALL_KINDS", "unexpected": "fail"})


def test_a_tool_class_with_an_asynchronous_method_only_is_run():
    assert LangChainTool(langchain_entries.Lonely()).call({"text": "x"}).text == "after a while: x"


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ("weather", ["weather"]),
        ("TOOLS", ["weather", "backwards"]),
        ("KIT", ["weather", "backwards"]),
        ("Kit", ["weather", "backwards"]),
        ("make_tools", ["weather"]),
    ],
)
def test_an_entry_is_a_tool_several_a_toolkit_or_what_makes_them(entry, names):
    assert list(tools_at(entry)) == names


def test_full_stop_and_colon_are_the_same_entry():
    assert NamedTools("langchain_entries.TOOLS").open()[0].tool is langchain_entries.weather
    assert NamedTools("langchain_entries:TOOLS").open()[0].tool is langchain_entries.weather


def test_the_model_sees_descriptions_types_and_what_is_required():
    city, days = LangChainTool(langchain_entries.weather).description.parameters
    assert (city.name, city.type, city.description, city.required) == ("city", "string", "name of the city", True)
    assert (days.name, days.type, days.description, days.required) == ("days", "integer", "days ahead", False)
    assert days.to_schema()["maximum"] == 7


def test_unions_and_enumerations_stand_in_the_schema():
    from typing import Any, Literal

    from langchain_core.tools import tool

    @tool
    def many(
        kind: Literal["a", "b"], either: int | str, maybe: int | None = None, what: Any = None, texts: list[str] = ()
    ) -> str:
        """Take all sorts of things."""
        return "ok"

    kind, either, maybe, what, texts = LangChainTool(many).description.parameters
    assert kind.to_schema()["enum"] == ["a", "b"]
    assert (either.type, either.to_schema()["type"]) == ("string", ["integer", "string"])
    assert (maybe.type, maybe.to_schema()["type"]) == ("integer", ["integer", "null"])
    assert "object" in what.to_schema()["type"]
    assert texts.to_schema()["items"] == {"type": "string"}


def test_a_tool_with_a_json_schema_of_its_own_shows_it():
    from langchain_core.tools import StructuredTool

    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "where"}, "level": {"enum": [1, 2]}},
        "required": ["city"],
    }
    tool = LangChainTool(
        StructuredTool.from_function(lambda **said: str(said), name="remote", description="Ask.", args_schema=schema)
    )
    assert [p.name for p in tool.description.parameters] == ["city", "level"]
    assert tool.call({"city": "Rome"}).text == "{'city': 'Rome'}"
    with pytest.raises(ToolError, match="'city' is missing"):
        tool.call({"level": 1})
    for value in (None, 3, True, ["Rome"]):
        with pytest.raises(ToolError, match="'city' must be string, not"):
            tool.call({"city": value})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "weather: the argument 'city' is missing"),
        ({"city": 3}, "weather: city: Input should be a valid string"),
        ({"city": "Rome", "days": 9}, "weather: days: Input should be less than or equal to 7"),
        ({"city": "Rome", "speed": 9}, "weather: no argument is called 'speed'. Arguments: city, days."),
    ],
)
def test_arguments_that_do_not_fit_are_told_to_the_model(arguments, told):
    with pytest.raises(ToolError) as error:
        LangChainTool(langchain_entries.weather).call(arguments)
    assert str(error.value).startswith(told)
    assert error.value.category == "arguments"


def test_a_tool_exception_is_told_to_the_model():
    with pytest.raises(ToolError, match=r"^weather: Atlantis has sunk\.") as error:
        LangChainTool(langchain_entries.weather).call({"city": "Atlantis"})
    assert error.value.category == "domain"


def test_a_tool_exception_that_the_tool_handles_is_still_an_error(monkeypatch):
    monkeypatch.setattr(langchain_entries.weather, "handle_tool_error", "Ask for a city above the sea.")
    with pytest.raises(ToolError, match=r"weather: Ask for a city above the sea\."):
        LangChainTool(langchain_entries.weather).call({"city": "Atlantis"})


def test_any_other_exception_fails_the_problem_unless_told_otherwise():
    with pytest.raises(RuntimeError, match="the forecast is broken"):
        LangChainTool(langchain_entries.weather).call({"city": "Nowhere"})
    with pytest.raises(ToolError, match="it failed with RuntimeError: the forecast is broken") as error:
        LangChainTool(langchain_entries.weather, unexpected="tell").call({"city": "Nowhere"})
    assert error.value.category == "crashed"


def test_a_model_can_not_write_an_injected_argument():
    tool = LangChainTool(langchain_entries.whoami)
    assert [p.name for p in tool.description.parameters] == ["question"]
    with pytest.raises(ToolError, match="no argument is called 'user'"):
        tool.call({"question": "why", "user": "root"})


@pytest.mark.parametrize("tool", [langchain_entries.needs_user, langchain_entries.NeedsUser()])
def test_a_tool_that_needs_what_only_a_graph_gives_is_refused(tool):
    with pytest.raises(ConfigError, match="injected arguments user"):
        LangChainTool(tool)


def test_a_long_text_is_cut_and_says_so():
    told = LangChainTool(langchain_entries.backwards, max_chars=5).call({"text": "abcdefgh"}).text
    assert told == "hgfed\n[cut: 5 of 8 characters]"


def test_what_a_graph_alone_can_use_is_no_text():
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import tool

    @tool
    def several(text: str) -> list:
        """Answer twice."""
        return [ToolMessage(text, tool_call_id="1"), ToolMessage(text, tool_call_id="2")]

    with pytest.raises(TypeError, match="several returned list"):
        LangChainTool(several).call({"text": "x"})


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("nowhere_to_be_found:TOOLS", "Importing nowhere_to_be_found raised ModuleNotFoundError"),
        ("langchain_entries:TOLS", "an attribute that langchain_entries has"),
        ("langchain_entries:NOT_A_TOOL", "a BaseTool, a list of them, a toolkit"),
        ("langchain_entries:SAME_NAME_TWICE", "Twice there: weather"),
        ("langchain_entries:broken", "It raised OSError: no key for the service"),
    ],
)
def test_an_entry_without_tools_is_one_clear_sentence(entry, reason):
    with pytest.raises(ConfigError) as error:
        NamedTools(entry).open()
    assert reason in str(error.value)
    assert "entry" in str(error.value)


@pytest.mark.parametrize("entry", ["", "weather", "a b:c", "os:", ":x", "../evil:x", "os.path:join:y", "os:x\n"])
def test_what_is_no_import_path_is_refused_before_anything_is_imported(entry):
    with pytest.raises(ConfigError, match="an import path"):
        NamedTools(entry)


@pytest.mark.parametrize(("options", "name"), [({"max_chars": 0}, "max_chars"), ({"unexpected": "no"}, "unexpected")])
def test_options_out_of_range_are_refused(options, name):
    with pytest.raises(ConfigError, match=f"langchain-tools.{name}"):
        NamedTools("langchain_entries:TOOLS", **options)


def test_a_tool_of_an_entry_travels_by_its_path_and_any_other_by_itself():
    by_path = tools_at("weather", max_chars=7, unexpected="tell")["weather"]
    assert len(pickle.dumps(by_path)) < 300
    assert pickle.loads(pickle.dumps(by_path)) == by_path
    copy = pickle.loads(pickle.dumps(LangChainTool(langchain_entries.Lonely(), max_chars=5)))
    assert copy.call({"text": "x"}).text.startswith("after\n[cut: 5 of")


def in_a_worker(name, arguments, deadline_s):
    tool = LangChainTool(getattr(langchain_entries, name), entry=f"langchain_entries:{name}")

    async def run():
        workers = ToolWorkers({name: tool}, 1, deadline_s)
        try:
            return await workers.call(name, arguments)
        finally:
            await workers.close()

    return asyncio.run(run())


def test_calls_run_in_worker_processes():
    assert int(in_a_worker("process", {"text": "x"}, 60.0).text) != os.getpid()


def test_a_call_that_takes_too_long_is_ended():
    assert in_a_worker("sleep", {"seconds": 600}, 0.5).error == "timeout"
