"""What every tool keeps.

from lottery_plugins.testing.contracts.tool import check_tool

def test_contract():
    check_tool(Calculator, good_calls=[({"expression": "2 + 3"}, "5")])
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.strategies import model_text, tool_arguments
from lottery_plugins.trajectory import ToolResult

__all__ = ["check_tool"]

JSON_TYPES = ("string", "number", "integer", "boolean")
CATEGORIES = ("arguments", "domain", "timeout", "denied", "crashed", "limit")


def check_tool(
    tool_class: type, *, good_calls: Sequence[tuple[Mapping[str, Any], str]], options: Mapping[str, Any] | None = None
) -> None:
    """Check a tool class.

    Args:
        tool_class: The class.
        good_calls: Arguments that work, each with a text that must be part of the result. At least one.
        options: The options to use; short time limits make the check quick.

    Raises:
        AssertionError: With what is wrong.
    """
    assert good_calls, "check_tool needs at least one good call"
    options = dict(options or {})
    check_plugin(tool_class, **options)
    tool = tool_class(**options)
    assert isinstance(tool, Tool), f"{tool_class.__name__} lacks a member of protocols.tool.Tool"
    _check_description(tool)
    for arguments, expected in good_calls:
        _check_good_call(tool, arguments, expected)
    _check_any_call(tool)
    _check_threads(tool, good_calls)


def _check_description(tool: Tool) -> None:
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


def _check_good_call(tool: Tool, arguments: Mapping[str, Any], expected: str) -> None:
    before = dict(arguments)
    try:
        result = tool.call(arguments)
    except ToolError as error:
        raise AssertionError(f"the good call {arguments} was refused: {error}") from error
    assert isinstance(result, ToolResult), f"{arguments} gave a {type(result).__name__}, not a ToolResult"
    assert expected in result.text, f"{arguments} gave {result.text!r}, which does not contain {expected!r}"
    assert result.error is None, f"{arguments} gave a result with the error {result.error!r}; raise ToolError instead"
    assert dict(arguments) == before, f"the call changed its arguments to {arguments}"
    assert tool.call(arguments).text == result.text, f"{arguments} gave another text the second time"


def _check_any_call(tool: Tool) -> None:
    """Whatever a model writes: a result or a ToolError."""
    names = [parameter.name for parameter in tool.description.parameters]
    quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)

    @quiet
    @given(arguments=tool_arguments(*names))
    def any_arguments(arguments: dict[str, Any]) -> None:
        _check_outcome(tool, arguments)

    @quiet
    @given(text=model_text())
    def any_text(text: str) -> None:
        _check_outcome(tool, {names[0]: text})

    any_arguments()
    if names:
        any_text()
        _check_outcome(tool, {})


def _check_outcome(tool: Tool, arguments: Mapping[str, Any]) -> None:
    try:
        result = tool.call(arguments)
    except ToolError as error:
        _check_error(tool, error)
        return
    assert isinstance(result, ToolResult), f"{arguments} gave a {type(result).__name__}, not a ToolResult"
    assert isinstance(result.text, str), f"{arguments} gave a text of type {type(result.text).__name__}"


def _check_error(tool: Tool, error: ToolError) -> None:
    """The model can use what it is told."""
    assert error.tool == tool.name, f"the error names the tool {error.tool!r}, not {tool.name!r}"
    assert str(error).startswith(f"{tool.name}: "), f"the error does not start with the tool's name: {error}"
    assert "Traceback" not in str(error), f"the model would see a traceback: {error}"
    assert error.category in CATEGORIES, f"the category {error.category!r} is none of {CATEGORIES}"


def _check_threads(tool: Tool, good_calls: Sequence[tuple[Mapping[str, Any], str]]) -> None:
    """The same calls from four threads at once give the same texts."""
    start = threading.Barrier(4)

    def work(_: int) -> list[str]:
        start.wait(timeout=30)
        return [tool.call(arguments).text for arguments, _ in good_calls]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert all(texts == results[0] for texts in results), f"threads got different results: {results}"
