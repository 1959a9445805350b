"""The contract of engines, as a Hypothesis suite.

An engine's whole test:

    from lottery_plugins.testing.contracts.engine import check_engine

    def test_my_engine_keeps_the_contract():
        check_engine(lambda: MyEngine(model), codec)
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError, DataError, LotteryError
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, TokenCompletion, TokenEngine
from lottery_plugins.testing.contracts.engine_checks import Refusing, check_completion, check_score
from lottery_plugins.testing.contracts.engine_plans import (
    SHARED,
    Living,
    Made,
    Trajectory,
    pieces,
    sampling,
    trajectories,
)

__all__ = ["check_engine"]

ANSWER_WITHIN_S = 60.0  # a request that takes longer was lost
LONGEST_TRIED = 4096  # a window longer than this is not filled to the brim
TOLERANCE = 1e-3  # of log probabilities that are computed in two ways


def check_engine(
    make: Callable[[], TokenEngine],
    codec: TokenCodec,
    *,
    close: Callable[[TokenEngine], None] | None = None,
    scores_tokens: bool = True,
) -> None:
    """Assert that an engine keeps the contract of `protocols.engine.TokenEngine`.

    - Every request is answered, once, to its asker, whatever arrives, is cancelled, forked or released beside it.
    - A batch-invariant engine gives the tokens that it gives alone, greedy and sampled.
    - Stop strings, `max_tokens`, the end of text, histories, scores and counts are as the protocol says.
    - Its capabilities are true.

    Args:
        make: Makes a fresh engine; called on a running event loop, many times: load the model once outside.
        codec: Of the engine's model.
        close: Ends an engine, where that needs more than forgetting it.
        scores_tokens: False for an engine whose scores are one number for all tokens together.

    Raises:
        AssertionError: With what is wrong.
    """
    suite = _Suite(make, codec, close or (lambda engine: None), scores_tokens)
    suite.run(suite.capabilities)
    suite.run(suite.bad_input)
    suite.run(suite.unended)
    suite.run(suite.pinned)
    suite.run(suite.repeats)
    suite.any_trajectories()
    suite.any_stop()
    suite.any_score()


def _fast(test: Callable[..., None]) -> Callable[..., None]:
    quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    return quiet(test)


@dataclass(frozen=True, slots=True)
class _Suite:
    make: Callable[[], TokenEngine]
    codec: TokenCodec
    close: Callable[[TokenEngine], None]
    scores_tokens: bool

    def run(self, check: Callable[[TokenEngine], Awaitable[None]]) -> None:
        """One check on a fresh engine, within time."""

        async def main() -> None:
            engine = self.make()
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    await check(engine)
            except TimeoutError:
                raise AssertionError(f"a request was not answered within {ANSWER_WITHIN_S:.0f} s") from None
            finally:
                self.close(engine)

        asyncio.run(main())

    def alone(self, prompt: Sequence[int], params: SamplingParams) -> TokenCompletion:
        """The completion that a fresh engine gives when nothing runs beside it."""
        found: list[TokenCompletion] = []

        async def check(engine: TokenEngine) -> None:
            found.append(await engine.generate(prompt, engine.open(), params))

        self.run(check)
        return found[0]

    async def capabilities(self, engine: TokenEngine) -> None:
        """They are a record that does not change, and a session is kept where they say so."""
        told = engine.capabilities
        assert isinstance(told, Capabilities), f"capabilities is {type(told).__name__}"
        assert isinstance(engine, TokenEngine), (
            f"{type(engine).__name__} lacks a member of protocols.engine.TokenEngine"
        )
        assert told.max_length is None or told.max_length > 1, f"max_length is {told.max_length}"
        first = self.codec.encode_more(SHARED)
        session = engine.open()
        await engine.generate(first, session, SamplingParams(max_tokens=4))
        history = len(session.ids)
        second = await engine.generate(self.codec.encode_more(" is"), session, SamplingParams(max_tokens=2))
        assert not told.sessions or second.cached_tokens >= history // 2, (
            f"capabilities say that sessions are kept, but of a history of {history} tokens {second.cached_tokens} "
            "came from the cache"
        )
        assert engine.capabilities == told, "capabilities changed"

    async def bad_input(self, engine: TokenEngine) -> None:
        """What does not fit is refused, the session stays as it was, and the engine goes on."""
        told, some = engine.capabilities, self.codec.encode_more(" the")
        session = engine.open()
        with Refusing("an empty prompt", LotteryError):
            await engine.generate([], session, SamplingParams(max_tokens=1))
        if told.max_length is not None:
            long = (some * told.max_length)[: told.max_length]
            with Refusing("a prompt as long as the window", DataError):
                await engine.generate(long, session, SamplingParams(max_tokens=1))
            if told.scoring:
                with Refusing("a continuation beyond the window", DataError):
                    await engine.score(long, some + some)
        with Refusing("a fork beyond the end of its session", LotteryError):
            engine.fork(session, 1)
        assert session.ids == [], "a refused request changed its session"
        if told.scoring:
            for context, continuation in ((some, []), ([], some)):
                with Refusing("an empty context or continuation", DataError):
                    await engine.score(context, continuation)
        else:
            with Refusing("a score though capabilities.scoring is false", ConfigError):
                await engine.score(some, some)
        await Living(engine).ask(session, some, SamplingParams(max_tokens=2))
        if told.max_length is not None and told.max_length <= LONGEST_TRIED:
            for room in (1, 2):
                fitting, params = (some * told.max_length)[: told.max_length - room], SamplingParams(max_tokens=7)
                made = await engine.generate(fitting, engine.open(), params)
                check_completion(self.codec, made, len(fitting), params, told.max_length)

    async def unended(self, engine: TokenEngine) -> None:
        """`ignore_end` goes on to `max_tokens`, or is refused."""
        for seed in range(4):
            params = SamplingParams(max_tokens=24, do_sample=True, temperature=2.0, seed=seed, ignore_end=True)
            try:
                made = await engine.generate(self.codec.encode_more(SHARED), engine.open(), params)
            except ConfigError:
                return
            assert (made.generated_tokens, len(made.ids), made.finish_reason) == (24, 24, "length"), (
                f"with ignore_end {made.generated_tokens} of 24 tokens were generated and {len(made.ids)} kept"
            )

    async def pinned(self, engine: TokenEngine) -> None:
        """A pinned prefix changes no answer."""
        prompt = self.codec.encode_more(SHARED)
        await engine.pin_prefix(prompt)
        await engine.pin_prefix(prompt)
        params = SamplingParams(max_tokens=4)
        before = await engine.generate([*prompt, *prompt[:3]], engine.open(), params)
        again = await engine.generate([*prompt, *prompt[:3]], engine.open(), params)
        assert before.ids == again.ids or not engine.capabilities.batch_invariant, "the same request, another answer"

    async def repeats(self, engine: TokenEngine) -> None:
        """Samples differ by `sample` and by `seed`; greedy ones by neither."""
        prompt = self.codec.encode_more(SHARED)

        async def answers(**changes: Sequence[int]) -> set[tuple[int, ...]]:
            ((name, values),) = changes.items()
            wild = {"max_tokens": 8, "do_sample": name != "greedy", "temperature": 2.0, "ignore_end": False}
            chosen = [SamplingParams(**wild, **({} if name == "greedy" else {name: v})) for v in values]  # type: ignore[arg-type]
            made = await asyncio.gather(*(engine.generate(prompt, engine.open(), p) for p in chosen))
            return {completion.ids for completion in made}

        assert len(await answers(sample=range(8))) > 1, "eight samples at temperature 2 are all the same"
        assert len(await answers(seed=range(8))) > 1, "eight seeds at temperature 2 give all the same"
        greedy = await answers(greedy=range(3))
        assert len(greedy) == 1 or not engine.capabilities.batch_invariant, "greedy answers differ"

    def any_trajectories(self) -> None:
        """Many at once; then each of their requests alone."""
        told = self.told()

        @_fast
        @given(plan=trajectories(self.codec))
        def property_of(plan: list[Trajectory]) -> None:
            made: list[Made] = []

            async def together(engine: TokenEngine) -> None:
                living = Living(engine)
                await asyncio.gather(*(living.live(trajectory) for trajectory in plan))
                made.extend(living.made)

            self.run(together)
            for one in made:
                check_completion(self.codec, one.completion, len(one.prompt), one.params, told.max_length)
            if told.batch_invariant:
                self.compare_alone(made)

        property_of()

    def compare_alone(self, made: Sequence[Made]) -> None:
        """Each request once more on an engine of its own."""
        known: dict[tuple[tuple[int, ...], SamplingParams], TokenCompletion] = {}
        for one in made:
            key = (one.prompt, one.params)
            if key not in known:
                known[key] = self.alone(*key)
            alone, here = known[key], one.completion
            assert (here.ids, here.text, here.finish_reason) == (alone.ids, alone.text, alone.finish_reason), (
                f"beside others {one.params} gave {here.text!r}, alone {alone.text!r}"
            )

    def any_stop(self) -> None:
        """A stop string ends the completion where it first appears, even when it spans tokens."""
        told = self.told()

        @_fast
        @given(prompt=pieces(self.codec), params=sampling(stops=False), at=st.integers(0, 30), length=st.integers(1, 4))
        def property_of(prompt: tuple[int, ...], params: SamplingParams, at: int, length: int) -> None:
            whole = self.alone(prompt, params)
            check_completion(self.codec, whole, len(prompt), params, told.max_length)
            stop = whole.text[at % max(1, len(whole.text)) :][:length]
            if not stop or "\ufffd" in whole.text:
                return  # nothing was generated, or bytes that are no text
            cut = self.alone(prompt, replace(params, stop=(stop,)))
            if not told.batch_invariant:
                assert stop not in cut.text, f"the stop string {stop!r} is in the text {cut.text!r}"
                return
            wanted = whole.text[: whole.text.index(stop)]
            assert cut.text == wanted, f"stopped at {stop!r}: {cut.text!r}, not {wanted!r} of {whole.text!r}"
            assert cut.finish_reason == "stop", f"stopped by {stop!r}, but finish_reason is {cut.finish_reason!r}"
            assert cut.ids == whole.ids[: len(cut.ids)], "its tokens are not those before the stop string"

        property_of()

    def told(self) -> Capabilities:
        """What a fresh engine says of itself."""
        found: list[Capabilities] = []

        async def look(engine: TokenEngine) -> None:
            found.append(engine.capabilities)

        self.run(look)
        return found[0]

    def any_score(self) -> None:
        """Scores are log probabilities that add up."""

        @_fast
        @given(context=pieces(self.codec), first=pieces(self.codec), second=pieces(self.codec))
        def property_of(context: tuple[int, ...], first: tuple[int, ...], second: tuple[int, ...]) -> None:
            async def check(engine: TokenEngine) -> None:
                if not engine.capabilities.scoring:
                    return
                asked = ((context, first + second), (context, first), (context + first, second))
                scores = await asyncio.gather(*(engine.score(*pair) for pair in asked))
                for (before, after), score in zip(asked, scores, strict=True):
                    check_score(score, len(before), len(after), len(after) if self.scores_tokens else 1)
                apart = scores[1].logprob + scores[2].logprob
                assert math.isclose(scores[0].logprob, apart, rel_tol=TOLERANCE, abs_tol=TOLERANCE), (
                    f"a continuation scores {scores[0].logprob}, its two parts {apart}"
                )
                assert scores[0].is_greedy == (scores[1].is_greedy and scores[2].is_greedy), "is_greedy contradicts"
                likeliest = await engine.generate(context, engine.open(), SamplingParams(max_tokens=3))
                if likeliest.ids and engine.capabilities.batch_invariant:
                    assert (await engine.score(context, likeliest.ids)).is_greedy, "greedy tokens score as not greedy"

            self.run(check)

        property_of()
