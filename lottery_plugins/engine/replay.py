"""Finished completions of unfinished samples, given again instead of computed again.

A run that was stopped in the middle of long trajectories starts each unfinished one from its beginning. As long as the
reasoner asks what it asked before, it gets what it got before; where it asks something else (a tool answered otherwise)
it is computed from there on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from lottery_plugins.engine.store import SampleStore, StoreError, request_key
from lottery_plugins.generation import Completion, GenerationRequest

__all__ = ["ReplayingFront"]

logger = logging.getLogger(__name__)


def _ignore(request: GenerationRequest, completion: Completion) -> None:
    """For a front that needs not know what it did not answer."""


class ReplayingFront:
    """Stands before whatever answers a run's requests; keeps each completion, and gives it when asked again.

    A completion given again has the tokens and seconds of its first time. It takes no time now: a problem with a limit
    of seconds gets further after a stop than it would have without.

    A store that can't be read or written is told once and costs the next run the completions that it lost; nothing
    else, as a completion that was made is an answer whether or not it is kept.

    Args:
        generate: Answers a request.
        store: Where completions are kept until their sample is finished.
        samples: The sample key of each trajectory; number t is the t-th of them, from 1. A request of any other number
            goes straight on.
        note: Told of each completion that was given again, so that `generate` knows the history of what it is asked
            next.

    Attributes:
        num_replayed: Completions given again.
    """

    def __init__(
        self,
        generate: Callable[[GenerationRequest], Awaitable[Completion]],
        store: SampleStore,
        samples: Sequence[str],
        note: Callable[[GenerationRequest, Completion], None] = _ignore,
    ) -> None:
        self._generate = generate
        self._store = store
        self._samples = tuple(samples)
        self._note = note
        self._kept: dict[str, dict[str, Completion]] = {}
        self._asked: Counter[tuple[str, str]] = Counter()
        self._has_warned = False
        self.num_replayed = 0

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request."""
        if not 1 <= request.trajectory <= len(self._samples):
            return await self._generate(request)
        sample = self._samples[request.trajectory - 1]
        key = self._next_key(sample, request)
        kept = self._kept_of(sample).pop(key, None)
        if kept is not None:
            self.num_replayed += 1
            self._note(request, kept)
            return kept
        completion = await self._generate(request)
        self._keep(sample, key, completion)
        return completion

    def _next_key(self, sample: str, request: GenerationRequest) -> str:
        """Names the request within its sample: a method may ask the same thing several times."""
        key = request_key(request)
        repeat = self._asked[sample, key]
        self._asked[sample, key] += 1
        return f"{key}-{repeat}"

    def _kept_of(self, sample: str) -> dict[str, Completion]:
        """What an earlier run left of a sample and this one has not asked for yet."""
        if sample not in self._kept:
            try:
                self._kept[sample] = self._store.completions(sample)
            except StoreError as error:
                self._kept[sample] = {}
                self._warn(error)
        return self._kept[sample]

    def _keep(self, sample: str, key: str, completion: Completion) -> None:
        try:
            self._store.put_completion(sample, key, completion)
        except StoreError as error:
            self._warn(error)

    def _warn(self, error: StoreError) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning("Steps of unfinished samples are not all kept, the run goes on: %s", error)
