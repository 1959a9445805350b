"""Servers of these tests as a client's file names them."""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def stdio_entry(*arguments, script="mcp_server.py", **env):
    """A server that is started."""
    return {"command": sys.executable, "args": [str(HERE / script), *arguments], "env": env}


def light_entry(only="add,echo,process,block,end,garble"):
    """A server that starts at once."""
    return {"command": sys.executable, "args": ["-I", "-S", str(HERE / "light_server.py"), only]}
