"""Which server: the user's file of MCP servers, or an address. Nothing a model writes comes here."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lottery_plugins.errors import ConfigError, suggest

__all__ = ["Server", "server_at", "server_in_file"]

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")
_IGNORED = {"type", "transport", "disabled", "description", "alwaysAllow", "autoApprove", "timeout"}
"""Keys that other clients use; what they say is not needed here."""


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach one server: a command to run, or an address.

    Attributes:
        name: For messages.
        command: The program and its arguments; () for a server with an address.
        env: Variables beside the few that a server gets anyway (PATH, HOME and the like).
        cwd: Its working folder; None: that of the run.
        url: Address; "" for a command.
        headers: Sent with each request.
    """

    name: str
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cwd: str | None = None
    url: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def server_at(url: str) -> Server:
    """The server at an address.

    Raises:
        ConfigError: It is no http(s) address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("tools: mcp.url", url, "an address such as http://localhost:8000/mcp")
    return Server(parts.netloc.rpartition("@")[2], url=url)


def server_in_file(path: str, name: str | None) -> Server:
    """A server of a file: {"mcpServers": {NAME: {"command", "args", "env", "cwd"} or {"url", "headers"}}}.

    `${NAME}` in texts is replaced by that environment variable, so that no secret stands in the file.

    Args:
        path: Of the file.
        name: Of the server; None: the only one.

    Raises:
        ConfigError: The file can't be read, or has no such server.
    """
    servers = _servers(path)
    if name is None and len(servers) > 1:
        raise ConfigError("tools: mcp.server", None, f"one of {', '.join(servers)}", f"{path} has several servers.")
    chosen = next(iter(servers)) if name is None else name
    if chosen not in servers:
        raise ConfigError("tools: mcp.server", chosen, f"one of {', '.join(servers)}", suggest(chosen, servers).strip())
    return _server(chosen, servers[chosen], f"{path}: mcpServers.{chosen}")


def _servers(path: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "tools: mcp.config", path, "a JSON file with mcpServers", f"It can't be read: {error}."
        ) from error
    servers = content.get("mcpServers", content.get("servers")) if isinstance(content, dict) else None
    if not isinstance(servers, dict) or not servers:
        allowed = 'a JSON file such as {"mcpServers": {"files": {"command": "..."}}}'
        raise ConfigError("tools: mcp.config", path, allowed, "It has no mcpServers.")
    return servers


def _server(name: str, entry: object, where: str) -> Server:
    if not isinstance(entry, dict) or ("command" in entry) == ("url" in entry):
        raise ConfigError(
            where, entry if isinstance(entry, dict) else type(entry).__name__, "an object with 'command' or 'url'"
        )
    known = {"command", "args", "env", "cwd"} if "command" in entry else {"url", "headers"}
    for key in entry:
        if key not in known | _IGNORED:
            raise ConfigError(where, key, f"the keys {', '.join(sorted(known))}", suggest(str(key), known).strip())
    if "url" in entry:
        url = _text(entry["url"], f"{where}.url")
        return Server(name, url=server_at(url).url, headers=_pairs(entry.get("headers", {}), f"{where}.headers"))
    arguments = entry.get("args", [])
    if not isinstance(arguments, list):
        raise ConfigError(f"{where}.args", arguments, "a list of texts")
    cwd = entry.get("cwd")
    return Server(
        name,
        command=tuple(_text(word, f"{where}.command") for word in (entry["command"], *arguments)),
        env=_pairs(entry.get("env", {}), f"{where}.env"),
        cwd=None if cwd is None else str(Path(_text(cwd, f"{where}.cwd")).expanduser()),
    )


def _pairs(value: object, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ConfigError(where, type(value).__name__, "an object of texts")
    return tuple((key, _text(text, f"{where}.{key}")) for key, text in value.items())


def _text(value: object, where: str) -> str:
    """The text with environment variables put in."""
    if not isinstance(value, str) or not value:
        raise ConfigError(where, type(value).__name__, "text that is not empty")
    for name in _VARIABLE.findall(value):
        if name not in os.environ:
            raise ConfigError(where, f"${{{name}}}", "an environment variable that is set", f"export {name}=...")
    return _VARIABLE.sub(lambda match: os.environ[match[1]], value)
