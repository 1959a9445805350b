"""A real server over HTTP on loopback, which goes away and comes back."""

import os
import socket
import subprocess
import sys
import time

import pytest
from lottery_mcp import Mcp
from mcp_entries import HERE

from lottery_plugins.errors import PluginError, ToolError

pytest.importorskip("mcp")


class HttpServer:
    """The test server as a process on a free port of this machine."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.process = None

    def start(self):
        command = [sys.executable, str(HERE / "mcp_server.py"), "http", str(self.port)]
        self.process = subprocess.Popen(
            command, stderr=subprocess.DEVNULL, env={**os.environ, "ONLY": "add,wait,process"}
        )
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("the test server does not start")

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server():
    running = HttpServer()
    running.start()
    yield running
    running.stop()


def test_tools_are_called_over_http_and_a_server_that_comes_back_is_used_again(server):
    tools = {tool.name: tool for tool in Mcp(url=server.url, connect_timeout_s=60.0, prefix="far_").open()}
    assert list(tools) == ["far_add", "far_process", "far_wait"]
    result = tools["far_add"].call({"a": 2, "b": 3})
    assert (result.text, result.ran_in) == ("5", f"127.0.0.1:{server.port}")
    assert tools["far_process"].call({}).text == str(server.process.pid)
    server.stop()
    with pytest.raises(ToolError, match=r"^far_add: ") as caught:
        tools["far_add"].call({"a": 1})
    assert caught.value.category == "crashed"
    server.start()
    assert tools["far_process"].call({}).text == str(server.process.pid)


def test_a_call_over_http_that_takes_too_long_is_given_up(server):
    hasty = next(tool for tool in Mcp(url=server.url, call_timeout_s=0.5).open() if tool.name == "wait")
    with pytest.raises(ToolError, match=r"wait: no answer within 0.5 s") as caught:
        hasty.call({"seconds": 60})
    assert caught.value.category == "timeout"


def test_an_address_where_nobody_listens_stops_the_run_before_it_starts():
    silent = HttpServer()
    with pytest.raises(PluginError, match=r"MCP server '127.0.0.1:\d+': the server can't be reached"):
        Mcp(url=silent.url, connect_timeout_s=20.0).open()
