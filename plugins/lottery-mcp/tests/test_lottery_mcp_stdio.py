"""A real server over stdio: its tools are offered, called, and its faults are told to the model."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from lottery_mcp import Mcp, lottery_tools
from lottery_mcp.connection import Connection, ServerFailedError
from lottery_mcp.servers import Server
from mcp_entries import HERE, light_entry, stdio_entry

from lottery_plugins.assembly import assemble
from lottery_plugins.builtin import lottery_reasoners
from lottery_plugins.config import RunConfig
from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.errors import PluginError, ToolError
from lottery_plugins.reasoning.runner import solve
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.specs import PluginSpec, write_specs
from lottery_plugins.testing.contracts.tool import check_tool_set
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, one_by_one

pytest.importorskip("mcp")

PATIENT = {"connect_timeout_s": 60.0, "call_timeout_s": 60.0}


@pytest.fixture(scope="module")
def light(servers_file):
    """A file with a server that starts at once."""
    return servers_file(light=light_entry())


def opened(config, **options):
    return {tool.name: tool for tool in Mcp(config=config, **{**PATIENT, **options}).open()}


def call(tools, name, **arguments):
    return tools[name].call(arguments)


def within(seconds, condition):
    """Whether a condition becomes true, looked at again and again."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return met


@pytest.mark.usefixtures("few_examples")
def test_the_set_keeps_the_contract(servers_file):
    config = servers_file(light=light_entry("add,echo"))
    calls = [("add", {"a": 2, "b": 3}, "5"), ("echo", {"text": "Łódź"}, "Łódź")]
    check_tool_set(Mcp, good_calls=calls, options={"config": config, **PATIENT})


def test_a_real_server_is_described_called_and_told_apart_by_its_answers(servers_file):
    tools = opened(servers_file(test=stdio_entry("stdio", SECRET="open sesame")))
    add = tools["add"].description
    assert add.description == "Adds two whole numbers."
    assert [(p.name, p.type, p.description, p.required) for p in add.parameters] == [
        ("a", "integer", "A", True),
        ("b", "integer", "the second number", False),
    ]
    point = tools["mirror"].description.parameters[0]
    assert (point.type, point.schema["properties"]["y"]["default"]) == ("object", 0)
    result = call(tools, "add", a=2, b=3)
    assert (result.text, result.error, result.ran_in) == ("5", None, "test")
    assert '"x": -4' in call(tools, "mirror", point={"x": 4}).text
    assert call(tools, "picture").text == "[image image/png, 6 bytes]"
    assert call(tools, "secret").text == "open sesame nothing"
    with pytest.raises(ToolError, match=r"refuse: .*too heavy") as caught:
        call(tools, "refuse", reason="too heavy")
    assert caught.value.category == "domain"
    with pytest.raises(ToolError, match=r"'a' is missing. Send a, b\.") as caught:
        call(tools, "add", b=1)
    assert caught.value.category == "arguments"


def test_a_server_that_hangs_or_ends_is_told_and_started_again(light):
    tools, hasty = opened(light), opened(light, call_timeout_s=2.0)
    first = int(call(hasty, "process").text)
    with pytest.raises(ToolError, match=r"block: no answer within 2 s") as caught:
        call(hasty, "block", seconds=60)
    assert caught.value.category == "timeout"
    assert within(20, lambda: not psutil.pid_exists(first)), "the server that hangs lives on"
    second = int(call(tools, "process").text)
    with pytest.raises(ToolError, match=r"end: the server ended") as caught:
        call(tools, "end")
    assert caught.value.category == "crashed"
    assert int(call(tools, "process").text) not in (first, second)


def test_an_answer_that_is_none_is_told(light):
    with pytest.raises(ToolError, match=r"garble: the connection failed \(ValidationError\)") as caught:
        call(opened(light), "garble")
    assert caught.value.category == "crashed"


def test_all_pages_of_the_list_are_read(light):
    assert list(opened(light)) == ["add", "echo", "process", "block", "end", "garble"]


class Engine:
    """A model that follows a script, as facilities take it."""

    def __init__(self, *replies):
        self.generate = one_by_one(ScriptedBackend(replies))
        self.count_tokens = lambda text: None
        self.release = lambda trajectory: None


def test_a_run_offers_the_servers_tools_to_its_reasoner(light):
    classes = {"tool": lottery_tools(), "reasoner": lottery_reasoners()}
    registry = Registry([Registered(kind, cls, "test", "1") for kind, found in classes.items() for cls in found])
    tools = write_specs([PluginSpec("mcp", options=(("config", light), ("prefix", "my_"), ("connect_timeout_s", 60)))])
    made = assemble(RunConfig.parse({"reasoner": "react", "tools": tools, "tool_workers": 1}), registry)

    async def solved():
        facilities = made.facilities(Engine("Action: my_add(2, 3)", "Action: my_add[x, 3]", "Action: Finish[5]"))
        try:
            return await solve(fake_problem(), made.reasoner, facilities)
        finally:
            await facilities.close()

    trajectory = asyncio.run(solved())
    steps = [(step.tool, step.output, step.error) for step in trajectory.steps if step.kind == "tool"]
    assert steps[0] == ("my_add", "5", None)
    assert steps[1][::2] == ("my_add", "arguments")
    assert trajectory.answer == "5"


def test_each_worker_process_has_a_connection_of_its_own(light):
    async def both():
        workers = ToolWorkers(opened(light), 2, 60.0)
        try:
            answers = await asyncio.gather(*(workers.call("process", {}) for _ in range(2)))
            return [answer.text for answer in answers]
        finally:
            await workers.close()

    pids = asyncio.run(both())
    assert len({str(os.getpid()), *pids}) == 3
    assert within(20, lambda: not any(psutil.pid_exists(int(pid)) for pid in pids)), "servers outlive their workers"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a program with the one that started it")
def test_a_server_ends_with_a_process_that_is_killed(light):
    program = (
        "import sys; from lottery_mcp import Mcp\n"
        f"tools = {{tool.name: tool for tool in Mcp(config={light!r}, connect_timeout_s=60).open()}}\n"
        "sys.stdout.write(tools['process'].call({}).text + '\\n'); sys.stdout.flush()\n"
        "tools['block'].call({'seconds': 60})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert within(20, lambda: not psutil.pid_exists(pid)), "the server outlives the process that started it"


@pytest.mark.parametrize(
    ("arguments", "timeout_s", "problem"),
    [
        (("broken",), 30.0, r"can't be reached .*it wrote: 'the database is missing'"),
        (("deaf",), 1.0, r"was not ready within 1 s"),
        (("babble",), 1.0, r"was not ready within 1 s"),
    ],
)
def test_what_is_no_server_stops_the_run_before_it_starts(servers_file, arguments, timeout_s, problem):
    config = servers_file(bad=stdio_entry(*arguments, script="faulty_server.py"))
    with pytest.raises(PluginError, match=rf"listing the tools of the MCP server 'bad': the server {problem}"):
        Mcp(config=config, connect_timeout_s=timeout_s).open()


def test_a_command_that_does_not_exist_is_named(servers_file):
    with pytest.raises(PluginError, match="no-such-program"):
        Mcp(config=servers_file(bad={"command": "no-such-program-anywhere"})).open()


def test_after_failures_in_a_row_nothing_is_tried_for_a_while():
    now = [0.0]
    script = str(HERE / "faulty_server.py")
    broken = Server("bad", command=(sys.executable, "-I", "-S", script, "broken"))
    connection = Connection(broken, 30.0, max_failures=2, pause_s=10.0, clock=lambda: now[0])

    def problem():
        with pytest.raises(ServerFailedError) as caught:
            connection.ask(lambda client: client.list_tools(), 5.0)
        return caught.value.problem

    assert ["can't be reached" in problem() for _ in range(2)] == [True, True]
    now[0] = 4.0
    assert problem() == "the server failed 2 times in a row; not tried for 6 s"
    now[0] = 10.5
    assert "can't be reached" in problem()
    assert "not tried for" in problem()
