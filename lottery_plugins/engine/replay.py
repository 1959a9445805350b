"""Finished completions of unfinished samples, given again instead of computed again.

A run that was stopped in the middle of long trajectories starts each unfinished one from its beginning. As long as the
reasoner asks what it asked before, it gets what it got before; where it asks something else (a tool answered otherwise)
it is computed from there on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lottery_plugins.engine.store import SampleStore, StoreError, request_key
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.protocols.backend import TextEngine

__all__ = ["ReplayingFront"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Past:
    """What an earlier run left of a trajectory and this one has not asked for yet, and what this one has asked."""

    kept: dict[str, Completion]
    asked: Counter[str] = field(default_factory=Counter)

    def next_name(self, request: GenerationRequest) -> str:
        """Names the request within its sample: a reasoner may ask the same thing several times."""
        key = request_key(request)
        self.asked[key] += 1
        return f"{key}-{self.asked[key]}"


class ReplayingFront:
    """A `TextEngine` before another one: keeps each completion, and gives it when it is asked for again.

    A completion given again has the tokens and seconds of its first time. It takes no time now: a problem with a limit
    of seconds gets further after a stop than it would have without.

    A store that can't be read or written is told once and costs the next run the completions that it lost; nothing
    else, as a completion that was made is an answer whether or not it is kept.

    Args:
        front: Answers what is not kept. If it has a method `note(request, completion)`, that is told of each completion
            given again, so that it knows the history of what it is asked next.
        store: Where completions are kept until their sample is finished.
        samples: The sample key of each trajectory; number t is the t-th of them, from 1. A request of any other number
            goes straight on.
        name: Tells its completions apart from those of another front with the same store and samples; "" for one.

    Attributes:
        num_replayed: Completions given again.
    """

    def __init__(self, front: TextEngine, store: SampleStore, samples: Sequence[str], name: str = "") -> None:
        self._front, self._name = front, name
        self._note: Callable[[GenerationRequest, Completion], None] | None = getattr(front, "note", None)
        self._store = store
        self._samples = tuple(samples)
        self._pasts: dict[int, _Past] = {}
        self._has_warned = False
        self.num_replayed = 0

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request."""
        if not 1 <= request.trajectory <= len(self._samples):
            return await self._front.generate(request)
        past = self._past(request.trajectory)
        name = f"{self._name}{past.next_name(request)}"
        kept = past.kept.pop(name, None)
        if kept is not None:
            self.num_replayed += 1
            if self._note is not None:
                self._note(request, kept)
            return kept
        completion = await self._front.generate(request)
        self._keep(request.trajectory, name, completion)
        return completion

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens, or None where the front can't tell."""
        return self._front.count_tokens(text)

    def release(self, trajectory: int) -> None:
        """A trajectory has ended; what the store keeps of it stays there until its sample is put."""
        self._pasts.pop(trajectory, None)
        self._front.release(trajectory)

    def _past(self, trajectory: int) -> _Past:
        if trajectory not in self._pasts:
            try:
                kept = self._store.completions(self._samples[trajectory - 1])
            except StoreError as error:
                kept = {}
                self._warn(error)
            self._pasts[trajectory] = _Past(kept)
        return self._pasts[trajectory]

    def _keep(self, trajectory: int, name: str, completion: Completion) -> None:
        try:
            self._store.put_completion(self._samples[trajectory - 1], name, completion)
        except StoreError as error:
            self._warn(error)

    def _warn(self, error: StoreError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("Steps of unfinished samples are not all kept, the run goes on: %s", error)
