"""An event loop in a thread of its own, for libraries that stay tied to the loop on which they first ran.

lm-eval calls a model many times and each call has an event loop of its own; what must outlive the calls runs here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["LoopThread"]

_T = TypeVar("_T")
_JOIN_S = 10.0


class LoopThread:
    """Runs coroutines of any other loop. Cancelling the waiting side cancels the coroutine here.

    Args:
        name: Of the thread, for debuggers.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of a coroutine, awaited from another loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def run_now(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of a coroutine, waited for by code without a loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Cancel what still runs and end the thread. A second call does nothing."""
        if self._loop.is_closed():
            return
        self.run_now(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_JOIN_S)
        if not self._thread.is_alive():
            self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
