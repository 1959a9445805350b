"""Questions that are asked at the same time, answered together in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Together"]

_Q = TypeVar("_Q")
_A = TypeVar("_A")


class Together(Generic[_Q, _A]):
    """Collects questions while a batch is being answered. Used from one event loop at a time.

    Args:
        answer_all: Answers a batch, in its order; called in one thread, never twice at once.
        most: Largest batch.
    """

    def __init__(self, answer_all: Callable[[list[_Q]], Sequence[_A]], most: int) -> None:
        self._answer_all, self._most = answer_all, most
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lottery-verifier")
        self._waiting: list[tuple[_Q, asyncio.Future[_A]]] = []
        self._work: asyncio.Task[None] | None = None

    async def ask(self, question: _Q) -> _A:
        """The answer to one question; what answering its batch raised is raised here."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_A] = loop.create_future()
        self._waiting.append((question, answer))
        if self._work is None or self._work.done() or self._work.get_loop() is not loop:
            self._work = loop.create_task(self._answer_waiting(loop))
        return await answer

    async def _answer_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        await asyncio.sleep(0)  # whoever asks at the same moment joins the first batch
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            batch = [(q, a) for q, a in batch if a.get_loop() is loop and not a.done()]  # others were given up
            if not batch:
                continue
            try:
                answers = await loop.run_in_executor(self._thread, self._answer_all, [q for q, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it was belongs to those who asked
                for _, waiting in batch:
                    if not waiting.done():
                        waiting.set_exception(error)
                continue
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
