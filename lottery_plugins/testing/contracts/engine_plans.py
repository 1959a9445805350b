"""What an engine is put through: made-up trajectories, and the ways of living them.

A plan says how many trajectories live at once, what each appends, where it is cancelled, forked and released. Times are
counted in passes of the event loop, so that plans hit an engine between any two of its steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.protocols.engine import SamplingParams, Session, TokenCompletion, TokenEngine

__all__ = ["Living", "Made", "Trajectory", "Turn", "pieces", "sampling", "trajectories"]

WORDS = ("a", "ab", " the", " Lumen", " Bridge", "\n", " 211", ".", " is", " long")
SHARED = " The Lumen Bridge is 211 m long. It was built in 1903." * 2
STOPS = ("\n", "a", " the", "ab", ". ", "zzzz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request of a trajectory.

    Attributes:
        new_ids: What is appended.
        params: How to generate.
        wait: Passes of the event loop before asking.
        cancel_after: Passes after which the request is cancelled and asked again; None: never.
        fork_at: Fraction of the history that a fork made after this turn keeps; None: no fork.
    """

    new_ids: tuple[int, ...]
    params: SamplingParams
    wait: int = 0
    cancel_after: int | None = None
    fork_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """Requests in one session, one after the other.

    Attributes:
        turns: The requests.
        rank: Of the session.
        releases: How often it is released at its end; 0: never.
        score: Context and continuation scored beside the first turn; None: nothing.
        cancel_score_after: Passes after which the score is cancelled and asked again; None: never.
    """

    turns: tuple[Turn, ...]
    rank: int = 0
    releases: int = 1
    score: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    cancel_score_after: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A completion with the whole prompt that it answers."""

    prompt: tuple[int, ...]
    params: SamplingParams
    completion: TokenCompletion


def pieces(codec: TokenCodec) -> st.SearchStrategy[tuple[int, ...]]:
    """Ids of a text of a few words, often with a long beginning that others have too."""
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("".join)
    texts = st.one_of(words, words.map(lambda text: SHARED + text))
    return texts.map(lambda text: tuple(codec.encode_more(text)))


def sampling(*, stops: bool = True) -> st.SearchStrategy[SamplingParams]:
    """How to generate: greedy and sampled, with and without stop strings."""
    return st.builds(
        SamplingParams,
        max_tokens=st.integers(1, 12),
        stop=st.lists(st.sampled_from(STOPS), max_size=2).map(tuple) if stops else st.just(()),
        do_sample=st.booleans(),
        temperature=st.sampled_from((0.7, 1.0, 1.5)),
        top_p=st.sampled_from((None, 0.9)),
        top_k=st.sampled_from((None, 1, 5)),
        seed=st.integers(0, 1),
        sample=st.integers(0, 1),
    )


def trajectories(codec: TokenCodec) -> st.SearchStrategy[list[Trajectory]]:
    """Several trajectories that live at once."""
    turn = st.builds(
        Turn,
        new_ids=pieces(codec),
        params=sampling(),
        wait=st.integers(0, 6),
        cancel_after=st.one_of(st.none(), st.none(), st.integers(0, 12)),
        fork_at=st.sampled_from((None, None, 0.0, 0.3, 0.5, 0.9, 1.0)),
    )
    trajectory = st.builds(
        Trajectory,
        turns=st.lists(turn, min_size=1, max_size=3).map(tuple),
        rank=st.integers(0, 3),
        releases=st.integers(0, 2),
        score=st.one_of(st.none(), st.tuples(pieces(codec), pieces(codec))),
        cancel_score_after=st.one_of(st.none(), st.integers(0, 6)),
    )
    return st.lists(trajectory, min_size=1, max_size=5)


async def passes(number: int) -> None:
    """Let the event loop run some times."""
    for _ in range(number):
        await asyncio.sleep(0)


@dataclass(slots=True)
class Living:
    """Lives trajectories on one engine and checks what concerns sessions on the way.

    Attributes:
        made: Every completion, in the order in which they came.
    """

    engine: TokenEngine
    made: list[Made] = field(default_factory=list)

    async def live(self, trajectory: Trajectory) -> None:
        """One trajectory, with its forks and its score."""
        session = self.engine.open(trajectory.rank)
        assert session.ids == [], f"a new session holds {len(session.ids)} tokens"
        others: list[asyncio.Task[None]] = []
        if trajectory.score is not None and self.engine.capabilities.scoring:
            others.append(asyncio.ensure_future(self._score(*trajectory.score, trajectory.cancel_score_after)))
        for turn in trajectory.turns:
            await passes(turn.wait)
            if not self._fits(session, turn):
                break
            if turn.cancel_after is None or await self._is_cancelled(session, turn):
                await self.ask(session, turn.new_ids, turn.params)
            if turn.fork_at is not None:
                others.append(asyncio.ensure_future(self._branch(session, turn)))
                await passes(1)  # the fork is made before the session goes on
        for _ in range(trajectory.releases):
            self.engine.release(session)
        await asyncio.gather(*others)

    def _fits(self, session: Session, turn: Turn) -> bool:
        """Whether the window has room for a turn, and for another one in a fork."""
        window = self.engine.capabilities.max_length
        return window is None or len(session.ids) + 2 * len(turn.new_ids) + turn.params.max_tokens < window

    async def ask(self, session: Session, new_ids: Sequence[int], params: SamplingParams) -> TokenCompletion:
        """One request; the session must end with its prompt and its completion."""
        before = list(session.ids)
        completion = await self.engine.generate(new_ids, session, params)
        wanted = [*before, *new_ids, *completion.ids]
        assert session.ids == wanted, (
            f"after a completion of {len(completion.ids)} tokens the session holds {len(session.ids)} tokens, not its "
            f"{len(before)} before, the {len(new_ids)} new ones and the completion's"
        )
        self.made.append(Made((*before, *new_ids), params, completion))
        return completion

    async def _is_cancelled(self, session: Session, turn: Turn) -> bool:
        """Ask and cancel; False where the answer was faster."""
        before = list(session.ids)
        task = asyncio.ensure_future(self.ask(session, turn.new_ids, turn.params))
        await passes(turn.cancel_after or 0)
        if task.done():
            task.result()
            return False
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            assert session.ids == before, "a cancelled request changed its session"
            return True
        raise AssertionError("a cancelled request was answered as if nothing had happened")

    async def _branch(self, session: Session, turn: Turn) -> None:
        """Fork, append the same again, release; the parent goes on meanwhile."""
        keep = round((turn.fork_at or 0) * len(session.ids))
        wanted = session.ids[:keep]
        fork = self.engine.fork(session) if turn.fork_at == 1.0 else self.engine.fork(session, keep)
        assert fork.ids == wanted, f"a fork at {keep} holds {len(fork.ids)} tokens, or others than its parent's"
        await passes(turn.wait)
        assert fork.ids == wanted, "a fork changed when its parent went on or was released"
        await self.ask(fork, turn.new_ids, turn.params)
        self.engine.release(fork)
        self.engine.release(fork)

    async def _score(self, context: tuple[int, ...], continuation: tuple[int, ...], cancel_after: int | None) -> None:
        if cancel_after is not None:
            task = asyncio.ensure_future(self.engine.score(context, continuation))
            await passes(cancel_after)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        score = await self.engine.score(context, continuation)
        assert score.logprobs, "a score without numbers"
