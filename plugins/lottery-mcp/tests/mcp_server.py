"""A real MCP server for the tests: `python mcp_server.py stdio`, or `python mcp_server.py http PORT`.

ONLY in its environment names the tools that it offers.
"""

import asyncio
import os
import sys
from typing import Annotated

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

server = MCPServer("test-server", log_level="ERROR")


class Point(BaseModel):
    """A place."""

    x: int
    y: int = 0


@server.tool()
def add(a: int, b: Annotated[int, Field(description="the second number")] = 1) -> int:
    """Adds two whole
    numbers."""
    return a + b


@server.tool()
def echo(text: str, times: int | None = None) -> str:
    """Says it again."""
    return text * (times or 1)


@server.tool()
def mirror(point: Point, axis: str = "x") -> Point:
    """Mirrors a point."""
    return Point(x=-point.x, y=point.y) if axis == "x" else Point(x=point.x, y=-point.y)


@server.tool()
def refuse(reason: str) -> str:
    """Always fails."""
    raise ToolError(reason)


@server.tool()
def picture() -> Image:
    """Gives a picture."""
    return Image(data=b"123456", format="png")


@server.tool()
def process() -> str:
    """Tells the server's process."""
    return str(os.getpid())


@server.tool()
async def wait(seconds: float) -> str:
    """Waits."""
    await asyncio.sleep(seconds)
    return "waited"


@server.tool()
def secret() -> str:
    """Tells what it was given in its environment."""
    return f"{os.environ.get('SECRET', 'nothing')} {os.environ.get('LOTTERY_TEST', 'nothing')}"


if __name__ == "__main__":
    offered = os.environ.get("ONLY")
    for tool in [] if offered is None else asyncio.run(server.list_tools()):
        if tool.name not in offered.split(","):
            server.remove_tool(tool.name)
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
