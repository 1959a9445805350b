"""Histories on a token engine: never encoded again, never mixed."""

import asyncio

from conversing import CONFIG, PIECES, Run
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.conversations import Conversations
from lottery_plugins.generation import GenerationRequest
from lottery_plugins.testing.engine_fakes import ByteCodec, FakeEngine


@given(
    st.lists(st.text(alphabet="ab cd\né", max_size=8), min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
    st.integers(1, 12),
)
def test_ids_of_a_growing_prompt_are_what_was_asked_and_written_and_only_the_rest_is_encoded(
    more, has_sessions, is_stripped, max_tokens
):
    run, codec = Run(has_sessions=has_sessions), ByteCodec(PIECES)
    prompt, history, num_characters = "Question: abcd\n", codec.encode("Question: abcd\n"), 0

    async def converse():
        nonlocal prompt, history, num_characters
        rest = prompt
        for text in more:
            num_characters += len(rest)
            done = await run.ask(prompt, config=CONFIG.with_changes(max_tokens=max_tokens))
            assert run.engine.prompts[-1] == tuple(history)
            assert codec.decode(history) == prompt == done.prompt
            kept = done.text.rstrip() if is_stripped else done.text
            num_ids = max(k for k in range(len(done.ids) + 1) if kept.startswith(codec.decode(done.ids[:k])))
            rest = kept[len(codec.decode(done.ids[:num_ids])) :] + text
            if not kept or not num_ids:
                return  # the next test's
            history += [*done.ids[:num_ids], *codec.encode_more(rest)]
            prompt += kept + text

    asyncio.run(converse())
    assert 0 < run.encoded() <= num_characters
    run.talk.release(1)
    assert run.engine.live == set()


def test_a_call_whose_completion_is_dropped_whole_goes_on_from_the_one_before():
    async def converse():
        run = Run(alphabet="ab")
        first = await run.ask("Question: ")
        await run.ask("Question: " + first.text + "!")
        second = run.engine.prompts[-1]
        await run.ask("Question: " + first.text + "!?")
        return run, first, second, run.engine.prompts[-1]

    run, first, second, third = asyncio.run(converse())
    assert second == (*run.codec.encode("Question: "), *first.ids, *run.codec.encode_more("!"))
    assert third == (*run.codec.encode("Question: "), *first.ids, *run.codec.encode_more("!?"))


def test_a_prompt_that_only_begins_like_an_earlier_one_is_encoded_whole():
    async def converse():
        run = Run(alphabet="z")
        for prompt in ("aba", "abab", "ab", "abcd"):  # "aba" + "b" would be other tokens than "abab"
            await run.ask(prompt)
        return run

    run = asyncio.run(converse())
    assert run.engine.prompts == [tuple(run.codec.encode(p)) for p in ("aba", "abab", "ab", "abcd")]


def test_a_prompt_that_shares_no_whole_token_of_the_completion_is_encoded_whole():
    async def converse():
        codec = ByteCodec(("ab", "bb"))
        engine = FakeEngine(codec, alphabet="bb")
        talk = Conversations(engine, codec)
        for prompt in ("Q: a", "Q: ab!"):
            done = await talk.generate(GenerationRequest((), CONFIG, prompt, 0, 1))
        return codec, engine, done

    codec, engine, done = asyncio.run(converse())
    assert set(done.ids) == {codec.encode_more("bb")[0]}
    assert engine.prompts[1] == tuple(codec.encode("Q: ab!"))  # "a" and "b!" would be other tokens than "ab" and "!"


def test_a_branch_that_starts_early_leaves_the_later_calls_their_history():
    async def converse():
        run = Run(alphabet="acb")
        first = await run.ask("Q: ")
        second = await run.ask("Q: " + first.text + "; so ")
        await run.ask("Q: " + first.text[:3] + "? ")
        await run.ask("Q: " + first.text + "; so " + second.text + "!")
        return run, first, second

    run, first, second = asyncio.run(converse())
    more = run.codec.encode_more
    kept = max(k for k in range(13) if len(run.codec.decode(first.ids[:k])) <= 3)
    rest = first.text[len(run.codec.decode(first.ids[:kept])) : 3]
    begun = (*run.codec.encode("Q: "), *first.ids[:kept])
    assert run.engine.prompts[2] == (*begun, *more(rest + "? "))
    assert run.engine.prompts[3] == (*begun, *first.ids[kept:], *more("; so "), *second.ids, *more("!"))
    assert len(run.engine.live) == 2


def test_branches_go_on_from_their_own_completions():
    async def converse():
        run = Run(alphabet="abcde")
        sampled = CONFIG.with_changes(do_sample=True, max_tokens=6)
        branches = await asyncio.gather(*(run.ask("Q: ", config=sampled, sample=i) for i in range(5)))
        then = await asyncio.gather(*(run.ask(f"Q: {b.text}; so ", config=sampled) for b in branches))
        return run, branches, then

    run, branches, then = asyncio.run(converse())
    assert len({b.ids for b in branches}) == 5
    assert run.codec.encoded == ["Q: "] + ["; so "] * 5
    expected = {(*run.codec.encode("Q: "), *b.ids, *run.codec.encode_more("; so ")) for b in branches}
    assert set(run.engine.prompts[5:]) == expected
    assert len(then) == 5


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=12), st.integers(0, 5))
def test_whatever_runs_beside_a_trajectory_its_prompts_and_answers_are_the_same(plan, seed):
    """Trajectories of several branches, each a few calls deep, run at the same time and alone."""

    async def one(run, number, depth):
        prompt, seen = f"Q{number % 2}: ", []
        sampled = CONFIG.with_changes(do_sample=True, seed=seed)
        for step in range(depth + 1):
            done = await asyncio.gather(*(run.ask(prompt, number, sampled, sample) for sample in range(2)))
            seen += [(d.text, d.ids, d.prompt_tokens) for d in done]
            prompt += done[step % 2].text + "; "
        return seen

    async def together(run, numbered):
        return await asyncio.gather(*(one(run, number, depth) for number, (_, depth) in numbered))

    numbered = list(enumerate(plan, 1))
    run = Run()
    alone = [asyncio.run(together(Run(), [item]))[0] for item in numbered]
    assert asyncio.run(together(run, numbered)) == alone
    for number, _ in numbered:
        assert run.engine.live
        run.talk.release(number)
    assert run.engine.live == set()


def test_the_rank_of_a_session_is_the_number_of_its_trajectory():
    async def converse():
        run = Run()
        for number in (3, 1, 0):
            done = await run.ask("Q: ", number)
            await run.ask("Q: " + done.text + ";", number)
        return run

    run = asyncio.run(converse())
    assert run.engine.ranks == [3, 3, 1, 1, 0, 0]


def test_a_session_is_gone_on_with_so_that_all_but_the_new_tokens_are_cached():
    async def converse():
        run = Run(alphabet="abc")
        first = await run.ask("Q: ")
        return run, first, await run.ask("Q: " + first.text + "; so ")

    run, first, second = asyncio.run(converse())
    assert second.cached_tokens == first.prompt_tokens + len(first.ids)
    assert second.prompt_tokens == second.cached_tokens + len(run.codec.encode_more("; so "))


def test_a_long_conversation_costs_few_looks_at_its_text():
    """Each call encodes what is new, and decodes no more than its own completion a few times."""

    class Counting(ByteCodec):
        num_decoded = 0

        def decode(self, ids):
            self.num_decoded += len(ids)
            return super().decode(ids)

    async def converse():
        codec = Counting(PIECES)
        engine = FakeEngine(codec, alphabet="abcde")
        talk = Conversations(engine, codec)
        prompt = "x" * 50_000
        for _ in range(40):
            done = await talk.generate(GenerationRequest((), CONFIG, prompt, 0, 1))
            prompt += done.text.rstrip() + "Observation: " + "y" * 100
        return codec

    codec = asyncio.run(converse())
    assert sum(map(len, codec.encoded)) <= 50_000 + 40 * 130 + 10
    assert codec.num_decoded <= 40 * 20 * CONFIG.max_tokens
