"""A scheduler over a backend that answers in batches: the requests of all live problems share its rounds.

A round starts as soon as no coroutine has anything left to do but wait for the model; it does not wait for tools,
which run beside it meanwhile and whose problems join a later round. The batch itself runs in the event loop's own
thread: the model keeps the thread pool that it was loaded with, and Ctrl-C stops it at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lottery_plugins.errors import BackendError
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.protocols.backend import Backend

__all__ = ["RoundScheduler", "Rounds"]

_Q = TypeVar("_Q")
_A = TypeVar("_A")

_IDLE_PASSES = 3  # passes of the loop without a new request after which no coroutine is about to make one


@dataclass(slots=True)
class _Waiting(Generic[_Q, _A]):
    request: _Q
    answer: asyncio.Future[_A]


class Rounds(Generic[_Q, _A]):
    """Collects requests and answers them in rounds. Used from one event loop at a time.

    Args:
        answer_all: Answers a batch, in its order.
        round_size: Most requests of one round.
        name: Of what answers, for errors.
    """

    def __init__(self, answer_all: Callable[[Sequence[_Q]], Sequence[_A]], round_size: int, name: str) -> None:
        self._answer_all = answer_all
        self._round_size = round_size
        self._name = name
        self._waiting: list[_Waiting[_Q, _A]] = []
        self._rounds: asyncio.Task[None] | None = None
        self.num_rounds = 0

    async def ask(self, request: _Q) -> _A:
        """The answer to one request; waits for its round."""
        waiting: _Waiting[_Q, _A] = _Waiting(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run_rounds())
        return await waiting.answer

    async def _run_rounds(self) -> None:
        while self._waiting:
            await self._settle()
            batch, self._waiting = self._waiting[: self._round_size], self._waiting[self._round_size :]
            batch = [w for w in batch if not w.answer.done()]  # a cancelled problem leaves its batch mates answered
            if batch:
                self._answer(batch)

    async def _settle(self) -> None:
        """Let all coroutines run until none of them adds a request any more."""
        idle, before = 0, len(self._waiting)
        while idle < _IDLE_PASSES and len(self._waiting) < self._round_size:
            await asyncio.sleep(0)
            idle = idle + 1 if len(self._waiting) == before else 0
            before = len(self._waiting)

    def _answer(self, batch: Sequence[_Waiting[_Q, _A]]) -> None:
        self.num_rounds += 1
        try:
            answers = self._answer_all([w.request for w in batch])
            if len(answers) != len(batch):
                raise BackendError(
                    self._name,
                    f"gave {len(answers)} completions for a batch of {len(batch)}",
                    "This is a bug of the backend; run again with --batch_size 1 to isolate it.",
                )
        except Exception as error:  # noqa: BLE001 - whatever the model raised belongs to the requests of this batch
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)


class RoundScheduler:
    """Requests in text, answered by a backend in rounds.

    Args:
        backend: Answers batches.
        round_size: Most requests of one round. A round is not one forward batch: the backend sorts and cuts it.
    """

    def __init__(self, backend: Backend, round_size: int) -> None:
        self._backend = backend
        self._rounds: Rounds[GenerationRequest, Completion] = Rounds(
            backend.generate, round_size, type(backend).__name__
        )

    @property
    def num_rounds(self) -> int:
        """Rounds so far."""
        return self._rounds.num_rounds

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request; waits for its round."""
        return await self._rounds.ask(request)

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens of a text, or None where the backend can't tell."""
        return self._backend.count_tokens(text)

    def release(self, trajectory: int) -> None:
        """Nothing to do: a round keeps nothing of a trajectory."""
