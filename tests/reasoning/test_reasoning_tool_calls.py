"""Tool calls and answers are read out of every format that models write."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_calls import parse_reply, parse_tool_call
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.trajectory import ToolCall

CALCULATOR = ToolDescription("calculator", "Computes.", (Parameter("expression", "string", "what"),))
WEATHER = ToolDescription(
    "get-weather", "Weather.", (Parameter("city", "string", "where"), Parameter("days", "integer", "how many", False))
)
PYTHON = ToolDescription("python", "Runs.", (Parameter("code", "string", "program"),))
TOOLS = (CALCULATOR, WEATHER, PYTHON)


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ('{"name": "calculator", "arguments": {"expression": "2+3"}}', "calculator", {"expression": "2+3"}),
        ('{"name": "calculator", "arguments": "{\\"expression\\": \\"2\\"}"}', "calculator", {"expression": "2"}),
        ('{"function": {"name": "calculator", "arguments": {"a": 1}}}', "calculator", {"a": 1}),
        ('{"action": "calculator", "action_input": "2+3"}', "calculator", {"expression": "2+3"}),
        ('[{"name": "calculator", "parameters": {"a": 1}}, {"name": "b"}]', "calculator", {"a": 1}),
        ('```json\n{"tool": "python", "args": {"code": "print(1)"}}\n```', "python", {"code": "print(1)"}),
        ('Sure! <tool_call>\n{"name": "x", "arguments": {}}\n</tool_call>', "x", {}),
        ('<tool_call>{"name": "calculator", "arguments": {"expression": "1"}}', "calculator", {"expression": "1"}),
        ("I add.\nAction: calculator[2 + 3]", "calculator", {"expression": "2 + 3"}),
        ("Action: Calculator(2 + 3)", "calculator", {"expression": "2 + 3"}),
        ("**Action:** `calculator`\nAction Input: 2 + 3\nObservation: 5", "calculator", {"expression": "2 + 3"}),
        ('Action 1: calculator\nAction Input 1: {"expression": "7"}', "calculator", {"expression": "7"}),
        ('Action: {"name": "calculator", "arguments": {"a": 1}}', "calculator", {"a": 1}),
        ("Action: teleport[home]", "teleport", {"input": "home"}),
        ("Action: calculator", "calculator", {}),
        ("Action: calculator[(2 + 3) * [4]]", "calculator", {"expression": "(2 + 3) * [4]"}),
        ("Action: calculator[2 + 3", "calculator", {"expression": "2 + 3"}),
        ("Let me call get_weather? get-weather(city='Rome', days=2)", "get-weather", {"city": "Rome", "days": 2}),
        ('Action: get_weather("Rome", 2)', "get-weather", {"city": "Rome", "days": 2}),
        ("I use calculator(3481 * 27 + 912) now", "calculator", {"expression": "3481 * 27 + 912"}),
        ("python(print(3 + 4))", "python", {"code": "print(3 + 4)"}),
        ("calculator('2 + 3')", "calculator", {"expression": "2 + 3"}),
        ("calculator(-3)", "calculator", {"expression": "-3"}),
        ("Action: get-weather(city=__import__('os'))", "get-weather", {"city": "__import__('os')"}),
    ],
)
def test_call_is_read(text, tool, arguments):
    assert parse_tool_call(text, TOOLS) == ToolCall(tool, arguments)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I know it.\nAction: Finish[42]", "42"),
        ("Finish[Lumen Bridge]\nAction: calculator[1]", "Lumen Bridge"),
        ("finish(42)", "42"),
        ('Finish["Paris"]', "Paris"),
        ("Finish[42", "42"),
        ("Final Answer: Paris.", "Paris"),
        ("**Final Answer:** 5", "5"),
        ("Finish[]", ""),
    ],
)
def test_answer_is_read(text, answer):
    reply = parse_reply(text, TOOLS)
    assert (reply.answer, reply.call) == (answer, None)


def test_the_call_comes_first_when_it_stands_first():
    reply = parse_reply("Action: calculator[1]\nThought: so\nAction: Finish[1]", TOOLS)
    assert parse_reply("calculator(1) and then Finish[1]", TOOLS) == reply
    assert reply.call == ToolCall("calculator", {"expression": "1"})


@pytest.mark.parametrize("text", ["", "I would use a calculator.", "unknown(3)", "{}", '{"a": 1}', "Thought: hm"])
def test_prose_is_neither_call_nor_answer(text):
    reply = parse_reply(text, TOOLS)
    assert (reply.call, reply.answer) == (None, None)


@settings(deadline=None)
@given(st.one_of(st.text(), model_texts()))
@example("[" * 100_000)
@example("Action: calculator(" + "(" * 5000)
@example("Action: calculator(" + "-" * 3900 + "1)")
@example("calculator(" * 2000)
@example("Finish[" * 3000)
@example('{"name": ' * 3000)
@example("Action: calculator[\x00]")
@example("Action: calculator(9" + "9" * 5000 + ")")
@example("Action:" * 3000)
@example("Action: calculator\n" * 1000)
@example("Action: x" + "\n" * 20000)
def test_no_text_raises_or_takes_long(text):
    start = time.process_time()
    reply = parse_reply(text, TOOLS)
    assert time.process_time() - start < 2.0
    assert reply.call is None or reply.answer is None
    if reply.call is not None:
        assert all(isinstance(key, str) for key in reply.call.arguments)


@settings(deadline=None)
@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans()), max_size=4))
def test_json_arguments_come_back_as_they_were_sent(arguments):
    call = {"name": "calculator", "arguments": arguments}
    expected = ToolCall("calculator", arguments)
    assert parse_tool_call(json.dumps(call), TOOLS) == expected
    assert parse_tool_call(f"<tool_call>\n{json.dumps(call)}\n</tool_call>", TOOLS) == expected


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-*/(). ", min_size=1).map(str.strip).filter(bool))
def test_an_expression_reaches_the_calculator_as_written(expression):
    call = parse_tool_call(f"Action: calculator\nAction Input: {expression}", TOOLS)
    assert call == ToolCall("calculator", {"expression": expression})
