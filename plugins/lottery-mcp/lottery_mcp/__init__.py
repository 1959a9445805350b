"""The tools of any MCP server as tools of a run: `tools=mcp:config=servers.json:server=NAME` or `tools=mcp:url=...`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

from lottery_mcp.servers import Server, server_at, server_in_file
from lottery_mcp.tools import Limits, listed_tools
from lottery_plugins import hookimpl, option
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.tool import Tool

__all__ = ["Mcp", "lottery_tools"]


@dataclass(frozen=True)
class Mcp:
    """Offer the tools of one MCP server, over stdio or streamable HTTP.

    The server is listed once, while the run is put together; each process that calls a tool opens a connection of its
    own at its first call. A server that hangs, ends or answers nonsense gives the model a result with the error
    "timeout" or "crashed"; the connection is opened again at the next call. After `max_failures` failures in a row,
    calls fail at once for `pause_s` seconds.

    What a server answers is outside the run's fingerprint: two runs are comparable only if the server is the same.

    Raises:
        ConfigError: If an option is out of range, or not exactly one of `config` and `url` is given.

    Source: https://modelcontextprotocol.io
    """

    name: ClassVar[str] = "mcp"
    summary: ClassVar[str] = "The tools of an MCP server, over stdio or HTTP."
    source: ClassVar[str] = "https://modelcontextprotocol.io"
    scope: ClassVar[Literal["run", "problem"]] = "run"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("mcp", "pip install lottery-mcp"),)

    config: str | None = option(None, "JSON file with `mcpServers`, as MCP clients have it")
    server: str | None = option(None, "name of the server in the file; null: its only one")
    url: str | None = option(None, "address of a streamable HTTP server, instead of a file", allowed="http(s)://...")
    prefix: str = option("", "put before the tools' names, to tell two servers apart")
    connect_timeout_s: float = option(20.0, "most time to start and list the server", unit="s", allowed="(0, 600]")
    call_timeout_s: float = option(
        30.0, "most time for a call, below the run's tool_timeout_s", unit="s", allowed="(0, 600]"
    )
    max_failures: int = option(3, "failures in a row before a pause", allowed="1 or more")
    pause_s: float = option(30.0, "time without any try after too many failures", unit="s", allowed="0 or more")
    max_chars: int = option(8000, "longest result; more is cut, and said to be", unit="characters", allowed="1 or more")

    def __post_init__(self) -> None:
        if (self.config is None) == (self.url is None):
            got = f"config={self.config!r}, url={self.url!r}"
            raise ConfigError(
                "tools: mcp", got, "one of config=FILE and url=http://...", "Write mcp:config=servers.json."
            )
        if self.server is not None and self.config is None:
            raise ConfigError("tools: mcp.server", self.server, "none without config=FILE")
        for field in ("connect_timeout_s", "call_timeout_s"):
            if not 0 < getattr(self, field) <= 600:
                raise ConfigError(f"tools: mcp.{field}", getattr(self, field), "a number of seconds in (0, 600]")
        for field in ("max_failures", "max_chars"):
            if getattr(self, field) < 1:
                raise ConfigError(f"tools: mcp.{field}", getattr(self, field), "a whole number of 1 or more")
        if not self.pause_s >= 0:
            raise ConfigError("tools: mcp.pause_s", self.pause_s, "a number of seconds of 0 or more")
        if self.url is not None:
            server_at(self.url)

    def open(self) -> Sequence[Tool]:
        """The server's tools, in its order. Starts the server, asks it, and ends it again.

        Raises:
            ConfigError: The file is missing or has no such server.
            PluginError: The server can't be started or reached, or offers no tool that can be called.
        """
        return cast("Sequence[Tool]", listed_tools(self._server(), self._limits(), self.prefix))

    def _server(self) -> Server:
        return server_at(self.url) if self.url is not None else server_in_file(str(self.config), self.server)

    def _limits(self) -> Limits:
        return Limits(self.connect_timeout_s, self.call_timeout_s, self.max_failures, self.pause_s, self.max_chars)


@hookimpl
def lottery_tools() -> list[type]:
    """Registered as `tools=mcp`."""
    return [Mcp]
