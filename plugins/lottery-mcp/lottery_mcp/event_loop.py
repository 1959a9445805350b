"""The event loop of this process, in a thread of its own: all connections live on it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["loop_of_process", "on_loop"]

_T = TypeVar("_T")

_EXIT_S = 0.8  # for servers to end by themselves when this process does

_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a loop does not live on in a fork
_lock = threading.Lock()


def loop_of_process() -> asyncio.AbstractEventLoop:
    """The loop, running; made at the first call."""
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="lottery-mcp", daemon=True).start()
            atexit.register(_end, loop)
        return loop


def on_loop(act: Callable[[], Awaitable[_T]]) -> Future[_T]:
    """Start something on the loop, from any thread."""

    async def run() -> _T:
        return await act()

    return asyncio.run_coroutine_threadsafe(run(), loop_of_process())


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Let the servers end by themselves for a moment."""

    async def cancel_all() -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_EXIT_S)

    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(cancel_all(), loop).result(_EXIT_S + 0.2)
