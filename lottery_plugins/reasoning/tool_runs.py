"""Where an allowed tool call runs: in a worker process, or in a thread where the run has none or the tool can't go."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from lottery_plugins.engine.workers import NotInProcessError
from lottery_plugins.errors import PluginError, ToolError
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.stopwatch import Stopwatch
from lottery_plugins.trajectory import ToolCall, ToolResult

__all__ = ["as_text", "run_tool"]


async def run_tool(
    tool: Tool, call: ToolCall, run: Facilities, watch: Stopwatch, *, keeps_state: bool = False
) -> ToolResult:
    """Run an allowed call; a tool that keeps state between its calls stays in this process.

    Returns:
        What the tool answered, a ToolError's text, or that it hung or died.

    Raises:
        PluginError: The tool broke its contract: it raised something other than ToolError, or returned no result.
    """
    if run.workers is not None and not keeps_state:
        try:
            return await run.workers.call(call.tool, call.arguments, watch.watched)
        except NotInProcessError:
            pass
    return await _run_in_thread(tool, call, run, watch)


async def _run_in_thread(tool: Tool, call: ToolCall, run: Facilities, watch: Stopwatch) -> ToolResult:
    act = watch.watched(tool.call)
    try:
        result = await asyncio.get_running_loop().run_in_executor(run.executor, act, call.arguments)
    except ToolError as error:
        return ToolResult(str(error), error=error.category)
    except Exception as error:
        raise PluginError(f"tool {call.tool!r}", f"answering {dict(call.arguments)!r}", error) from error
    if not isinstance(result, ToolResult):
        raise PluginError(f"tool {call.tool!r}", "answering", f"it returned {type(result).__name__}, not ToolResult")
    return result


def as_text(arguments: Mapping[str, Any], name: str) -> str:
    """The argument called `name`, or all that a model wrote instead, as one text."""
    value = arguments.get(name)
    return str(value).strip() if value is not None else " ".join(str(v) for v in arguments.values()).strip()
