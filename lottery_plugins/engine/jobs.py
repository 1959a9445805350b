"""One request at work: its tokens, its place in the cache, and what has come of it so far."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lottery_plugins.engine.compression import CacheState
from lottery_plugins.engine.prefixes import Node
from lottery_plugins.engine.stops import StopWatch
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Held, Layout, Observed

__all__ = ["Job", "Kept", "draw_seed"]


@dataclass(slots=True, eq=False)
class Kept:
    """A compressed cache that a session keeps between its requests; shared by forks until one of them goes on.

    Attributes:
        blocks: Its blocks, private to its sessions.
        state: What is in them; compressed.
        observed: What the method has observed of the text.
        sessions: Sessions that share it.
    """

    blocks: list[int]
    state: CacheState
    observed: Observed | None = None
    sessions: int = 1

    @property
    def least_ids(self) -> int:
        """Tokens at the last compression: the text can't be taken back behind them."""
        return self.state.compressed_at or 0


@dataclass(slots=True, eq=False)
class Job:
    """A request for a completion, or for the score of a continuation.

    Attributes:
        order: (rank of the trajectory, arrival): lower ones are finished first.
        rank: Of the trajectory, which may go on from this request; None for a score, from which nothing goes on.
        ids: Tokens that belong into the cache: the prompt, then what is drawn.
        num_prompt: How many of them were given; what follows was drawn.
        max_ids: Most tokens that will be in the cache.
        params: How to draw; None for a score.
        watch: Looks for stop strings; None for a score.
        targets: Continuation tokens to score; `ids` then ends with all of them but the last.
        seed: Names the request for sampling.
        answer: Set when the job is done.
        table: Blocks in the order of their positions.
        nodes: Held nodes of the tree, one for each full block of text that is computed and shared.
        tail: The node of the block behind them, when it is not full and known to the tree.
        owned: Blocks of the table that the tree does not know.
        cached: Slots filled; see `protocols.runner.Held`, for `layout` too.
        layout: Of the cache.
        shift: Position in the text minus slot in the cache; above 0 once compressed.
        pressed_at: See `CacheState`, for the next two as well.
        encoded_at: When groups were last encoded.
        compressed_at: When the cache was last changed; None before.
        acts_at: Tokens of the text when a KV-cache method acts next; None: never.
        slots_needed: See `CacheMethods.slots_needed`; None until asked for.
        observed: What the KV-cache method observes of the text; None: nothing.
        found: Prompt tokens that were found computed.
        forwarded: Tokens sent through the model.
        drawn: Tokens drawn.
        logprobs: Of the targets so far.
        is_greedy: Whether all of them have the highest logit.
        model_s: Its share of the seconds of its steps, by tokens.
        awaited: Keys of the blocks that others may wait for this job to compute.
        is_cancelled: Nobody waits for the answer any more.
    """

    order: tuple[int, int]
    ids: list[int]
    answer: asyncio.Future[Any]
    rank: int | None = None
    params: SamplingParams | None = None
    watch: StopWatch | None = None
    targets: tuple[int, ...] = ()
    seed: int = 0
    max_ids: int = 0
    num_prompt: int = 0
    table: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    tail: Node | None = None
    owned: set[int] = field(default_factory=set)
    cached: int = 0
    layout: Layout | None = None
    shift: int = 0
    pressed_at: int = 0
    encoded_at: int = 0
    compressed_at: int | None = None
    acts_at: int | None = None
    slots_needed: tuple[int, int] | None = None
    observed: Observed | None = None
    found: int = 0
    forwarded: int = 0
    drawn: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    is_greedy: bool = True
    model_s: float = 0.0
    awaited: list[int] = field(default_factory=list)
    is_cancelled: bool = False

    @property
    def held(self) -> list[Node]:
        """All nodes that it holds, from the beginning of the text."""
        return self.nodes if self.tail is None else [*self.nodes, self.tail]

    @property
    def num_missing(self) -> int:
        """Tokens that still have to be forwarded before the next one can be drawn."""
        return len(self.ids) - self.cached - self.shift

    @property
    def num_context(self) -> int:
        """Tokens after which a cache may be compressed: the prompt, or the context of a score."""
        return len(self.ids) - len(self.targets) + 1 if self.targets else self.num_prompt

    @property
    def num_shared(self) -> int:
        """Tokens whose blocks are worth keeping for others: not those of a scored continuation."""
        return self.num_context if self.targets else len(self.ids)

    @property
    def held_cache(self) -> Held:
        """Its cache as a runner takes it."""
        return Held(self.table, self.cached, self.layout)

    @property
    def state(self) -> CacheState:
        """What is cached of its text."""
        return CacheState(
            text=self.cached + self.shift,
            cached=self.cached,
            layout=self.layout,
            pressed_at=self.pressed_at,
            encoded_at=self.encoded_at,
            compressed_at=self.compressed_at,
        )

    @state.setter
    def state(self, state: CacheState) -> None:
        self.cached, self.shift, self.layout = state.cached, state.text - state.cached, state.layout
        self.pressed_at, self.encoded_at, self.compressed_at = state.pressed_at, state.encoded_at, state.compressed_at

    def targets_within(self, count: int) -> tuple[int, ...]:
        """The targets of the next `count` tokens to forward; they belong to the last ones of them."""
        if not self.targets:
            return ()
        first = self.num_context - 1  # position of the token whose logits tell of the first target
        start = self.cached + self.shift
        return self.targets[max(0, start - first) : max(0, start + count - first)]


def draw_seed(params: SamplingParams, ids: Sequence[int]) -> int:
    """64 bits out of (seed, sample, prompt): the same request draws the same tokens, whatever runs beside it."""
    if not params.do_sample:
        return 0
    digest = hashlib.blake2b(array("q", [params.seed, params.sample, *ids]).tobytes(), digest_size=8)
    return int.from_bytes(digest.digest(), "little")
