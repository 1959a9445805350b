"""Runs of worker processes for tests, and looking for what they leave behind."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

from tools_for_workers import Does, Echo, Floods, Forges, LoadDies, LoadFails, Refuses, Types

from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.testing.fakes import FakeTool
from lottery_plugins.tools import Calculator

TOOLS = {
    tool.name: tool
    for tool in (
        *(Echo("echo"), Types("types"), Refuses("refuses"), Does("does"), Forges("forges"), Floods("floods")),
        *(LoadFails("load-fails"), LoadDies("load-dies"), FakeTool("closure"), Calculator()),
    )
}


@asynccontextmanager
async def workers(number=2, deadline_s=30.0):
    made = ToolWorkers(TOOLS, number, deadline_s)
    try:
        yield made
    finally:
        await made.close()


def ask(name, text, **settings):
    """One call, and then one of `echo`, which must be unharmed by it."""

    async def main():
        async with workers(**settings) as made:
            result = await made.call(name, {"text": text})
            assert (await made.call("echo", {"text": "next"})).text == "next"
            return result

    return asyncio.run(main())


def processes():
    """Children of this process that are worker processes, by number."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"tool_worker.py" in (stat.parent / "cmdline").read_bytes():
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(holds, seconds=10.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()
