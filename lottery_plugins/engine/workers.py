"""Tools in processes of their own, beside the model: neither waits for the other, and a tool harms only its own call.

In a thread of our process a tool that computes takes the interpreter's lock from the model, and one that hangs or dies
takes the run with it. Each process has a thread here that waits for it without that lock; it does so also while the
event loop is busy with a model's step, so deadlines hold and waiting calls are handed out then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lottery_plugins.engine.tool_answers import checked_result, failure
from lottery_plugins.engine.tool_process import NoAnswerError, ProcessEndedError, ToolProcess
from lottery_plugins.errors import PluginError
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.trajectory import ToolResult

__all__ = ["NotInProcessError", "ToolWorkers", "default_num_workers"]

logger = logging.getLogger(__name__)

_PATIENCE_S = 1.0  # for what idle processes do at their end
_Act = Callable[[], dict[str, Any]]


def default_num_workers() -> int:
    """As many as asyncio would have threads: most tools wait, for a program or a server, more than they compute."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(32, cores + 4)


class NotInProcessError(Exception):
    """A tool or a call can't be taken to another process; it can still run in a thread."""


@dataclass(slots=True)
class _Job:
    """One call on its way; what changes is guarded by the lock of the workers."""

    tool: str
    arguments: Mapping[str, Any]
    process: ToolProcess | None = None
    is_cancelled: bool = False


class ToolWorkers:
    """Runs calls of tools in worker processes, started when they are needed, each with one call at a time.

    A process that hangs or dies is replaced at the next call. Used from one event loop at a time.

    Args:
        tools: By name. One that can't be pickled, or not be found by its module in another process, has no place here.
        num_workers: Most processes, at least 1. More calls wait; that time is not on their deadline.
        deadline_s: Most time for a call.
    """

    def __init__(self, tools: Mapping[str, Tool], num_workers: int, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(num_workers, thread_name_prefix="lottery-tool")
        self._lock = threading.Lock()
        self._idle: list[ToolProcess] = []
        self._busy: set[ToolProcess] = set()
        self._is_closed = False
        self._told_of: set[str] = set()
        self._pickled = {name: self._pickle(name, tool) for name, tool in tools.items()}

    async def call(
        self, name: str, arguments: Mapping[str, Any], watched: Callable[[_Act], _Act] = lambda act: act
    ) -> ToolResult:
        """Run a tool. A call that is cancelled ends the process that works on it.

        Args:
            name: Of the tool.
            arguments: As a model wrote them.
            watched: Wraps the act whose time is the call's: without the wait for a process, and its start.

        Returns:
            The tool's result or the text of its ToolError; or a text for the model with the error "timeout", "crashed"
            or "limit".

        Raises:
            NotInProcessError: Run it in a thread.
            PluginError: The tool broke its contract.
        """
        if self._pickled[name] is None:
            raise NotInProcessError
        try:
            content = pickle.dumps(dict(arguments))
        except Exception as error:  # pickling runs what objects define; a thread takes any argument
            raise NotInProcessError from error
        job = _Job(name, arguments)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, job, content, watched)
        except asyncio.CancelledError:
            self._cancel(job)
            raise

    async def close(self) -> None:
        """End all processes: a busy one is killed, an idle one has a second to end by itself."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for process in self._busy:
                process.kill()
        for process in idle:
            process.hang_up()
        self._threads.shutdown(cancel_futures=True)
        for process in idle:
            process.end(_PATIENCE_S)

    def _cancel(self, job: _Job) -> None:
        with self._lock:
            job.is_cancelled = True
            if job.process is not None:
                job.process.kill()

    # ------------------------------------------------------------------ in a thread

    def _run(self, job: _Job, content: bytes, watched: Callable[[_Act], _Act]) -> ToolResult:
        name, process = job.tool, self._take(job)
        is_fit = True
        try:
            self._load(process, name)
            answer = watched(lambda: process.call(name, content))()
            return checked_result(name, job.arguments, answer)
        except NoAnswerError:
            is_fit = False
            return failure(name, f"no answer within {self._deadline_s:g} s", "Send something quicker.", "timeout")
        except ProcessEndedError as error:
            is_fit = False
            if not process.is_killed:
                self._tell_once(f"Tool {name!r} broke down on a call, which the model was told: {error}.", process)
            return failure(name, "it broke down on this call", "Send another.", "crashed")
        except _UnloadableError:
            is_fit = False
            raise
        finally:
            self._put_back(process, job, is_fit=is_fit)

    def _take(self, job: _Job) -> ToolProcess:
        """A process for a job: an idle one, rather one that has the tool already, or a new one."""
        with self._lock:
            known = [process for process in self._idle if job.tool in process.loaded] or self._idle[-1:]
            for process in known[-1:]:
                self._idle.remove(process)
        process = self._fit_or_new(known[-1] if known else None)
        with self._lock:
            job.process = process
            self._busy.add(process)
            if job.is_cancelled or self._is_closed:
                process.kill()
        return process

    def _fit_or_new(self, idle: ToolProcess | None) -> ToolProcess:
        if idle is not None:
            if idle.is_fit:
                return idle
            idle.end()
        try:
            return ToolProcess(self._deadline_s)
        except OSError as error:
            self._tell_once(f"Tools run in threads where no process can be started for them: {error}.")
            raise NotInProcessError from error

    def _put_back(self, process: ToolProcess, job: _Job, *, is_fit: bool) -> None:
        with self._lock:
            job.process = None
            self._busy.remove(process)
            is_kept = is_fit and not process.is_killed and not self._is_closed
            if is_kept:
                self._idle.append(process)
        if not is_kept:
            process.end()

    def _load(self, process: ToolProcess, name: str) -> None:
        """Bring a tool to a process that lacks it.

        Raises:
            PluginError: Its process ended or hung while it imported what the tool needs.
            NotInProcessError: It can't be found there by its module and name.
        """
        if name in process.loaded:
            return
        tool = self._pickled[name]
        if tool is None:  # found out by another call, after this one was let in
            raise NotInProcessError
        try:
            answer = process.load(name, tool)
        except (NoAnswerError, ProcessEndedError) as error:
            cause = f"{error or 'it takes too long'}. It wrote: {process.told[-500:]!r}"
            raise _UnloadableError(f"tool {name!r}", "loading in a process of its own", cause) from error
        if "unloadable" in answer:
            self._pickled[name] = None
            self._tell_once(_THREAD.format(name=name, reason=str(answer["unloadable"])[:500]))
            raise NotInProcessError

    # ------------------------------------------------------------------ of the tools

    def _pickle(self, name: str, tool: Tool) -> bytes | None:
        if type(tool).__module__ == "__main__":
            self._tell_once(_THREAD.format(name=name, reason="its class stands in the main program or a notebook"))
            return None
        try:
            return pickle.dumps(tool)
        except Exception as error:  # noqa: BLE001 - pickling runs what the tool defines
            self._tell_once(_THREAD.format(name=name, reason=error))
            return None

    def _tell_once(self, text: str, process: ToolProcess | None = None) -> None:
        """A warning, the first time; with what a process wrote last."""
        if text not in self._told_of:
            self._told_of.add(text)
            logger.warning("%s%s", text, f" It wrote: {process.told[-500:]!r}" if process and process.told else "")


class _UnloadableError(PluginError):
    """A tool whose modules end or hang the process that imports them."""


_THREAD = (
    "Tool {name!r} runs in a thread, where it slows the model and can't be ended, since it can't be taken to another "
    "process: {reason}. Define its class at the top of a module, with options that can be pickled."
)
