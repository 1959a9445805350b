"""Habits of models that no template asks for: what is a call, what is talk, and which type an argument takes."""

import pytest

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_calls import parse_reply, parse_tool_calls
from lottery_plugins.trajectory import ToolCall

WEATHER = ToolDescription(
    "weather.get",
    "Weather.",
    (
        Parameter("city", "string", "where"),
        Parameter("days", "integer", "how many", False),
        Parameter("units", "string", "which", False),
    ),
)
SUM = ToolDescription(
    "sum-up", "Adds.", (Parameter("numbers", "array", "what"), Parameter("exact", "boolean", "how", False))
)
PYTHON = ToolDescription("python", "Runs.", (Parameter("code", "string", "program"),))
CLOCK = ToolDescription("clock", "Tells the time.", ())
ANY = ToolDescription(
    "any",
    "Takes all.",
    (Parameter("value", "string", "what", schema={"anyOf": [{"type": "string"}, {"type": "integer"}]}),),
)
TOOLS = (WEATHER, SUM, PYTHON, CLOCK, ANY)


def calls_in(text):
    return [(hit.call.tool, dict(hit.call.arguments)) for hit in parse_tool_calls(text, TOOLS)]


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("weather_get(city='Rome')", "weather.get", {"city": "Rome"}),
        ("functions.weather.get(city='Rome')", "weather.get", {"city": "Rome"}),
        ('{"name": "functions.weather_get", "arguments": {"city": "Rome"}}', "weather.get", {"city": "Rome"}),
        ('<|python_tag|>weather.get.call(city="Rome")', "weather.get", {"city": "Rome"}),
        ('{"tool": "weather.get", "city": "Rome", "thought": "hm"}', "weather.get", {"city": "Rome"}),
        ('[{"weather.get": {"city": "Rome"}}]', "weather.get", {"city": "Rome"}),
        (
            "{'name': 'sum-up', 'arguments': {'numbers': [1, 2,], 'exact': True}}",
            "sum-up",
            {"numbers": [1, 2], "exact": True},
        ),
        ('<tool_call>{"name": "sum-up", "arguments": {"numbers": [1]}</tool_call>', "sum-up", {"numbers": [1]}),
        ('{"name": "sum-up", "arguments": {"numbers": [1]', "sum-up", {"numbers": [1]}),
        ('{"name": "weather.get", "arguments": ["Rome", 2]}', "weather.get", {"city": "Rome", "days": 2}),
        ("sum_up(numbers=(1, 2), exact=true)", "sum-up", {"numbers": [1, 2], "exact": True}),
        ("sum-up([1, 2])", "sum-up", {"numbers": [1, 2]}),
        ("sum-up(**{'numbers': [3]})", "sum-up", {"numbers": [3]}),
        ("weather.get({'city': 'Rome'})", "weather.get", {"city": "Rome"}),
        ("weather.get(city=Rome, days=2)", "weather.get", {"city": "Rome", "days": 2}),
        ("python(code=lambda x: x ** 2)", "python", {"code": "lambda x: x ** 2"}),
        ("Action: python[x = 5]", "python", {"code": "x = 5"}),
        ("Action: python[print(']')]", "python", {"code": "print(']')"}),
        ("Action: python[it's [new]] and it's done", "python", {"code": "it's [new]"}),
        ("Action: weather.get\nAction Input: Rome, Italy", "weather.get", {"city": "Rome, Italy"}),
        ("Action: weather.get\nAction Input: city='Rome', days=3", "weather.get", {"city": "Rome", "days": 3}),
        ('Action: weather.get\nAction Input:\n```json\n{"city": "Rome"}\n```', "weather.get", {"city": "Rome"}),
        ('Action: ```json\n[{"tool_name": "clock", "parameters": {}}]\n```', "clock", {}),
        ("clock()", "clock", {}),
        ("```tool_code\nprint(default_api.weather_get(city='Rome'))\n```", "weather.get", {"city": "Rome"}),
        ('<function_calls><invoke name="clock"></invoke></function_calls>', "clock", {}),
        ('{"name": "python", "arguments": {"code": "a\n\tb"}}', "python", {"code": "a\n\tb"}),
        ('{"thought": "hm", "action": {"name": "clock", "arguments": {}}}', "clock", {}),
        (
            '<invoke name="weather.get"><parameter name="city">Rome</parameter></invoke>',
            "weather.get",
            {"city": "Rome"},
        ),
    ],
)
def test_call_is_read(text, tool, arguments):
    assert calls_in(text) == [(tool, arguments)]


@pytest.mark.parametrize(
    "text",
    [
        "I could call weather.get(city, days) for that.",
        "weather.get() needs a city.",
        "None of clock, sum-up (adds numbers) or weather.get (the weather) helps.",
        "def python(code):\n    return code",
        '{"name": "weather.get", "description": "x", "parameters": {"type": "object", "properties": {"city": {}}}}',
        "Action: None",
        "Action: teleport[home]",
        '{"name": "teleport", "arguments": {"to": "home"}}',
        "my_clock()",
    ],
)
def test_talk_about_tools_is_no_call(text):
    assert calls_in(text) == []


@pytest.mark.parametrize(
    ("tool", "written", "read"),
    [
        ("weather.get", {"days": "5"}, {"days": 5}),
        ("weather.get", {"days": 5.0}, {"days": 5}),
        ("weather.get", {"days": 5.5}, {"days": 5.5}),
        ("weather.get", {"days": "five"}, {"days": "five"}),
        ("weather.get", {"days": True}, {"days": True}),
        ("weather.get", {"city": 7}, {"city": "7"}),
        ("weather.get", {"city": 7.50}, {"city": 7.50}),
        ("sum-up", {"numbers": "[1, 2]"}, {"numbers": [1, 2]}),
        ("sum-up", {"numbers": "1, 2"}, {"numbers": "1, 2"}),
        ("sum-up", {"exact": "True"}, {"exact": True}),
        ("sum-up", {"exact": 1}, {"exact": 1}),
        ("any", {"value": 5}, {"value": 5}),
        ("clock", {"unknown": "5"}, {"unknown": "5"}),
    ],
)
def test_an_argument_takes_the_parameters_type_where_one_value_can_be_meant(tool, written, read):
    (hit,) = parse_tool_calls(repr({"name": tool, "arguments": written}), TOOLS)
    assert hit.call.arguments == read
    assert [type(value) for value in hit.call.arguments.values()] == [type(value) for value in read.values()]


def test_calls_beside_a_marked_one_are_talk():
    text = 'I think of clock() and python(code="1").\n<tool_call>{"name": "clock", "arguments": {}}</tool_call>'
    (hit,) = parse_tool_calls(text, TOOLS)
    assert text[hit.start : hit.end] == '<tool_call>{"name": "clock", "arguments": {}}'
    assert parse_reply(text, TOOLS).call == ToolCall("clock", {})


def test_calls_after_an_invented_observation_are_left_out():
    text = "Action: python[1]\nObservation: 1\nAction: python[2]"
    assert calls_in(text) == [("python", {"code": "1"})]
    assert calls_in("Observation: 1\nAction: python[2]") == [("python", {"code": "2"})]


def test_inner_calls_are_arguments():
    assert calls_in("[sum-up(numbers=clock()), clock()]") == [("sum-up", {"numbers": "clock()"}), ("clock", {})]


def test_calls_of_tools_that_are_not_offered_are_told_when_asked_for():
    text = '<tool_call>{"name": "teleport", "arguments": {"to": "home"}}</tool_call>'
    (hit,) = parse_tool_calls(text, TOOLS, only_offered=False)
    assert hit.call == ToolCall("teleport", {"to": "home"})


def test_a_name_that_could_mean_two_tools_means_none():
    tools = (ToolDescription("get_it", "x", ()), ToolDescription("get.it", "x", ()))
    assert [hit.call.tool for hit in parse_tool_calls('{"name": "get.it", "arguments": {}}', tools)] == ["get.it"]
    assert parse_tool_calls('{"name": "Get-It", "arguments": {}}', tools) == ()
