"""A tool that hangs, dies or lies in its process harms its own call only, and no process is left behind."""

import asyncio
import logging
import os
import pickle
import resource
import signal
import subprocess
import sys
import time

import pytest
import tools_for_workers
from tools_for_workers import Evil
from worker_runs import ask, is_alive, processes, wait_until, workers

from lottery_plugins.engine.workers import NotInProcessError
from lottery_plugins.errors import PluginError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="worker processes need POSIX")


@pytest.mark.parametrize("act", ["hang", "hang_in_c", "hang_and_talk"])
def test_a_tool_that_hangs_is_ended_at_the_deadline(act):
    async def main():
        async with workers(2, deadline_s=0.5) as made:
            await made.call("echo", {"text": "warm"})
            start = time.monotonic()
            hung, fine = await asyncio.gather(made.call("does", {"text": act}), made.call("echo", {"text": "beside"}))
            seconds = time.monotonic() - start
            return hung, fine, seconds, await made.call("echo", {"text": "after"})

    hung, fine, seconds, after = asyncio.run(main())
    assert (hung.text, hung.error) == ("does: no answer within 0.5 s. Send something quicker.", "timeout")
    assert (fine.text, after.text) == ("beside", "after")
    assert seconds < 30
    assert processes() == []


def test_what_a_hanging_tool_started_ends_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LOTTERY_TEST_PID", str(tmp_path / "pid"))
    assert ask("does", "hang_with_a_child", deadline_s=1.5).error == "timeout"
    assert wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())))


@pytest.mark.parametrize("act", ["exit_at_once", "kill_itself", "segfault"])
def test_a_tool_that_dies_is_an_observation(act, caplog):
    result = ask("does", act)
    assert (result.text, result.error) == ("does: it broke down on this call. Send another.", "crashed")
    assert "'does' broke down" in caplog.text
    assert ("last words" in caplog.text) is (act == "exit_at_once")


def test_a_process_that_dies_when_idle_is_replaced_unseen():
    async def main():
        async with workers(1) as made:
            await made.call("does", {"text": "die_when_idle"})
            await asyncio.sleep(0.3)
            return await made.call("echo", {"text": "next"})

    assert asyncio.run(main()).text == "next"


def test_a_process_killed_from_outside_during_a_call_harms_that_call_only():
    async def main():
        async with workers(2) as made:
            victim = await made.call("echo", {"text": "x"})
            calls = [asyncio.ensure_future(made.call("echo", {"text": f"0.3:{i}"})) for i in range(4)]
            await asyncio.sleep(0.1)
            os.kill(int(victim.ran_in), signal.SIGKILL)
            return await asyncio.gather(*calls)

    results = asyncio.run(main())
    assert sorted(r.error or "" for r in results) == ["", "", "", "crashed"]
    assert all(r.text == str(i) for i, r in enumerate(results) if r.error is None)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        ("divide", "answering {'text': 'divide'}: ZeroDivisionError: division by zero .tools_for_workers.py"),
        ("sys_exit", "SystemExit: 1"),
        ("return_text", "it returned str, not ToolResult"),
        ("return_bytes", "is no text"),
    ],
)
def test_a_tool_that_breaks_its_contract_is_named(act, told):
    with pytest.raises(PluginError, match=f"tool 'does'.*{told}"):
        ask("does", act)


def test_a_tool_that_ends_the_process_as_it_is_loaded_is_named():
    with pytest.raises(PluginError, match=r"tool 'load-dies'.*loading in"):
        ask("load-dies", "x")


@pytest.mark.parametrize("name", ["closure", "load-fails"])
def test_a_tool_that_cannot_go_to_a_process_is_told_of_once(name, caplog):
    async def main():
        async with workers() as made:
            for _ in range(2):
                with pytest.raises(NotInProcessError):
                    await made.call(name, {"text": "x"})
            assert (await made.call("echo", {"text": "next"})).text == "next"

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert len([r for r in caplog.records if f"{name!r} runs in a thread" in r.getMessage()]) == 1


def test_arguments_that_cannot_be_pickled_ask_for_a_thread():
    with pytest.raises(NotInProcessError):
        ask("types", lambda: None)


# ---------------------------------------------------------------------- lies


@pytest.mark.parametrize(
    "forged",
    [
        "no json\n",
        "[1, 2]\n",
        "{}\n",
        '{"number": 3}\n',
        '{"number": 3, "text": 5, "error": null, "ran_in": ""}\n',
        '{"number": 3, "text": "x", "error": {}, "ran_in": ""}\n',
        '{"number": 99, "text": "x", "error": null, "ran_in": ""}\n',
        2 * '{"number": 3, "text": "x", "error": null, "ran_in": ""}\n',
        "[" * 100_000 + "\n",
        "1" * 10_000 + "\n",
        pickle.dumps(Evil(), 0).decode() + "\n",
    ],
    ids=lambda text: text[:20].strip(),
)
def test_a_forged_answer_is_a_breakdown_and_never_unpickled(forged):
    result = ask("forges", forged)
    assert result.error == "crashed"
    assert tools_for_workers.TOUCHED == []


def test_more_than_an_answer_may_have_is_not_read():
    before = _peak_bytes()
    assert ask("floods", "x", deadline_s=20).error == "crashed"
    assert _peak_bytes() - before < 64 * 2**20


def _peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# ---------------------------------------------------------------------- the end


@pytest.mark.parametrize("text", ["x", "100:x"])
def test_closing_is_quick_and_leaves_no_process(text):
    async def main():
        async with workers() as made:
            call = asyncio.ensure_future(made.call("echo", {"text": text}))
            await asyncio.wait([call], timeout=0.5)
            start = time.monotonic()
            call.cancel()
        return time.monotonic() - start

    assert asyncio.run(main()) < 2
    assert processes() == []


def test_a_cancelled_call_ends_its_process():
    async def main():
        async with workers(1) as made:
            first = await made.call("echo", {"text": "x"})
            call = asyncio.ensure_future(made.call("does", {"text": "hang"}))
            await asyncio.sleep(0.1)
            call.cancel()
            second = await made.call("echo", {"text": "x"})
            return first.ran_in, second.ran_in

    first, second = asyncio.run(main())
    assert first != second
    assert wait_until(lambda: not is_alive(int(first)))


PARENT = """
import asyncio, os, sys
from lottery_plugins.engine.workers import ToolWorkers
from lottery_plugins.harness.event_loop import run_to_end
from tools_for_workers import Does, Echo

async def main():
    made = ToolWorkers({"does": Does(), "echo": Echo()}, 2, 0.5 if ACT == "hang_in_c" else 60)
    try:
        both = await asyncio.gather(*(made.call("echo", {"text": "0.3:x"}) for _ in range(2)))
        busy = asyncio.ensure_future(made.call("does", {"text": ACT}))
        await asyncio.sleep(0.2)
        print(*(result.ran_in for result in both), flush=True)
        await busy
    finally:
        await made.close()

try:
    run_to_end(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    ("stop", "status", "act"),
    [
        (signal.SIGINT, 130, "hang"),
        (signal.SIGKILL, -signal.SIGKILL, "hang"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, "hang_in_c", marks=pytest.mark.slow),
    ],
)
def test_processes_end_with_their_parent(stop, status, act):
    search = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    parent = subprocess.Popen(
        [sys.executable, "-c", f"ACT = {act!r}\n{PARENT}"],
        env=search,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(set(pids)) == 2
    parent.send_signal(stop)
    _, told = parent.communicate(timeout=20)
    assert (parent.returncode, told) == (status, "")
    assert wait_until(lambda: not any(map(is_alive, pids)))
