"""A server's tools as tools of a run."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_mcp.connection import Connection, ServerFailedError
from lottery_mcp.results import as_result
from lottery_mcp.schemas import description_of
from lottery_mcp.servers import Server
from lottery_plugins.errors import PluginError, ToolError
from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.trajectory import ToolResult

__all__ = ["Limits", "McpTool", "close_connections", "listed_tools"]

MAX_PAGES = 100
MAX_DEPTH = 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines and limits of one server; see the options of `Mcp`."""

    connect_timeout_s: float
    call_timeout_s: float
    max_failures: int
    pause_s: float
    max_chars: int


@dataclass(frozen=True)
class McpTool:
    """One tool of a server. It can be pickled; the connection belongs to the process, not to the tool."""

    summary: ClassVar[str] = "A tool of an MCP server."

    description: ToolDescription
    remote_name: str
    server: Server
    limits: Limits

    @property
    def name(self) -> str:
        """As the model calls it."""
        return self.description.name

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Have the server answer.

        Raises:
            ToolError: It refuses the arguments, tells an error, hangs, or can't be reached.
        """
        from mcp import MCPError
        from mcp.types import INVALID_PARAMS

        given = self._checked(arguments)
        timeout_s = self.limits.call_timeout_s
        try:
            answer = _connection(self.server, self.limits).ask(
                lambda client: client.call_tool(self.remote_name, given, read_timeout_seconds=timeout_s), timeout_s
            )
        except ServerFailedError as error:
            raise ToolError(self.name, error.problem, "Try again, or do without.", category=error.category) from None
        except MCPError as error:
            category = "arguments" if error.code == INVALID_PARAMS else "crashed"
            raise ToolError(self.name, error.message[: self.limits.max_chars], category=category) from None
        return as_result(self.name, answer, self.server.name, self.limits.max_chars)

    def _checked(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as JSON has them.

        Raises:
            ToolError: A required one is missing, or one can't be written as JSON.
        """
        names = ", ".join(parameter.name for parameter in self.description.parameters)
        missing = [p.name for p in self.description.parameters if p.required and p.name not in arguments]
        if missing:
            raise ToolError(self.name, f"the argument {missing[0]!r} is missing", f"Send {names}.")
        try:
            return {str(_plain(key, 0)): _plain(value, 0) for key, value in arguments.items()}
        except ValueError as error:
            raise ToolError(self.name, f"the arguments can't be sent: {error}", f"Send {names}.") from None


def _plain(value: Any, depth: int) -> Any:
    """A value that any server can read: no half surrogate pairs, no infinities, not too deep.

    Raises:
        ValueError: It is none.
    """
    if depth > MAX_DEPTH:
        raise ValueError("they are nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1024:
        raise ValueError("a number is too long")
    if isinstance(value, Mapping):
        return {str(_plain(key, depth + 1)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ValueError(f"a {type(value).__name__} is no JSON")


def listed_tools(server: Server, limits: Limits, prefix: str) -> Sequence[McpTool]:
    """The tools that a server offers now.

    Raises:
        PluginError: It can't be reached, or offers none.
    """
    from mcp import MCPError

    connection = Connection(server, limits.connect_timeout_s, limits.max_failures, limits.pause_s)
    doing = f"listing the tools of the MCP server {server.name!r}"
    try:
        offered = connection.ask(_all_tools, limits.connect_timeout_s)
    except ServerFailedError as error:
        raise PluginError("lottery-mcp", doing, error.problem) from error
    except MCPError as error:
        raise PluginError("lottery-mcp", doing, error.message) from error
    finally:
        connection.close()
    if not offered:
        raise PluginError("lottery-mcp", doing, "it offers none")
    return [McpTool(description_of(tool, prefix), tool.name, server, limits) for tool in offered]


async def _all_tools(client: Any) -> list[Any]:
    """All pages of the list."""
    tools: list[Any] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


_connections: dict[tuple[int, Server, Limits], Connection] = {}
_connections_lock = threading.Lock()


def _connection(server: Server, limits: Limits) -> Connection:
    """This process's connection to a server, shared by its tools."""
    key = (os.getpid(), server, limits)
    with _connections_lock:
        if key not in _connections:
            _connections[key] = Connection(server, limits.connect_timeout_s, limits.max_failures, limits.pause_s)
        return _connections[key]


def close_connections() -> None:
    """End this process's connections; a later call opens a new one."""
    with _connections_lock:
        mine = [key for key in _connections if key[0] == os.getpid()]
        ended = [_connections.pop(key) for key in mine]
    for connection in ended:
        connection.close()
