"""What is checked of single tools, alone or in a set."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.testing.strategies import model_text, tool_arguments
from lottery_plugins.trajectory import ToolResult

__all__ = ["check_any_call", "check_description", "check_good_call", "check_threads", "outcome"]

JSON_TYPES = ("string", "number", "integer", "boolean", "array", "object")
CATEGORIES = ("arguments", "domain", "timeout", "denied", "crashed", "limit")


def check_description(tool: Tool) -> None:
    """The model can read it, and can write what it asks for."""
    description = tool.description
    assert description.name == tool.name, f"the description is of {description.name!r}, the tool is {tool.name!r}"
    assert description.description.strip(), "the description is empty; the model chooses by it"
    names = [parameter.name for parameter in description.parameters]
    assert len(set(names)) == len(names), f"two parameters share a name: {names}"
    for parameter in description.parameters:
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", parameter.name), f"no model can write {parameter.name!r}"
        assert parameter.type in JSON_TYPES, f"{parameter.name} has the type {parameter.type!r}, allowed: {JSON_TYPES}"
        assert parameter.description.strip(), f"parameter {parameter.name} has no description"
    schema = description.to_schema()
    assert json.loads(json.dumps(schema)) == schema, "the schema changes when it is written as JSON"


def check_good_call(tool: Tool, arguments: Mapping[str, Any], expected: str) -> str:
    """The call gives a result with the expected text in it, and leaves its arguments alone.

    Returns:
        The whole text.
    """
    before = dict(arguments)
    try:
        result = tool.call(arguments)
    except ToolError as error:
        raise AssertionError(f"the good call {tool.name} {arguments} was refused: {error}") from error
    assert isinstance(result, ToolResult), f"{arguments} gave a {type(result).__name__}, not a ToolResult"
    assert expected in result.text, f"{arguments} gave {result.text!r}, which does not contain {expected!r}"
    assert result.error is None, f"{arguments} gave a result with the error {result.error!r}; raise ToolError instead"
    assert dict(arguments) == before, f"the call changed its arguments to {arguments}"
    return result.text


def check_any_call(makers: Sequence[Callable[[], Tool]]) -> None:
    """Whatever a model writes: a result or a ToolError.

    Args:
        makers: One for each tool; gives it, a fresh one where calls change it.
    """
    names = [[parameter.name for parameter in make().description.parameters] for make in makers]
    quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    tools = st.integers(0, len(makers) - 1)

    @quiet
    @given(st.one_of([st.tuples(st.just(at), tool_arguments(*known)) for at, known in enumerate(names)]))
    def any_arguments(drawn: tuple[int, dict[str, Any]]) -> None:
        outcome(makers[drawn[0]](), drawn[1])

    @quiet
    @given(tools, model_text())
    def any_text(at: int, text: str) -> None:
        outcome(makers[at](), {name: text for name in names[at][:1]})

    any_arguments()
    if any(names):
        any_text()
    for make in makers:
        outcome(make(), {})


def outcome(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """The text of a call's result, or of its ToolError; each is checked."""
    try:
        result = tool.call(arguments)
    except ToolError as error:
        _check_error(tool, error)
        return str(error)
    assert isinstance(result, ToolResult), f"{arguments} gave a {type(result).__name__}, not a ToolResult"
    assert isinstance(result.text, str), f"{arguments} gave a text of type {type(result.text).__name__}"
    return result.text


def _check_error(tool: Tool, error: ToolError) -> None:
    """The model can use what it is told."""
    assert error.tool == tool.name, f"the error names the tool {error.tool!r}, not {tool.name!r}"
    assert str(error).startswith(f"{tool.name}: "), f"the error does not start with the tool's name: {error}"
    assert "Traceback" not in str(error), f"the model would see a traceback: {error}"
    assert error.category in CATEGORIES, f"the category {error.category!r} is none of {CATEGORIES}"


def check_threads(calls: Sequence[tuple[Tool, Mapping[str, Any]]], *, same_texts: bool = True) -> None:
    """The same calls from four threads at once give results, and the same texts where calls change nothing."""
    start = threading.Barrier(4)

    def work(_: int) -> list[str]:
        start.wait(timeout=30)
        return [outcome(tool, arguments) for tool, arguments in calls]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    if same_texts:
        assert all(texts == results[0] for texts in results), f"threads got different results: {results}"
