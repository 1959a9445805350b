"""Requests on a token engine: what they leave behind, how they are replayed, and which settings they may have."""

import asyncio

import pytest
from conversing import CONFIG, Run
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.conversations import sampling_params
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message


def test_requests_of_no_trajectory_leave_nothing_behind():
    async def converse():
        run = Run()
        await asyncio.gather(*(run.ask("Q: ", 0) for _ in range(3)))
        return run

    run = asyncio.run(converse())
    assert run.engine.live == set()
    assert run.codec.encoded == ["Q: "] * 3


def test_a_trajectory_in_one_line_keeps_one_session():
    async def converse():
        run, prompt = Run(), "Q: "
        for _ in range(6):
            done = await run.ask(prompt)
            prompt += done.text.rstrip() + " \nNext: "
            assert len(run.engine.live) == 1
        return run

    asyncio.run(converse())


def test_a_cancelled_call_leaves_the_history_as_it_was():
    async def converse(is_disturbed):
        run = Run(alphabet="abc")
        first = await run.ask("Q: ")
        prompt = "Q: " + first.text + "; so "
        if is_disturbed:
            for prompt_of_branch in (prompt, prompt, "Other: "):
                branch = asyncio.create_task(run.ask(prompt_of_branch))
                await asyncio.sleep(0)
                branch.cancel()
                await asyncio.gather(branch, return_exceptions=True)
        second = await run.ask(prompt)
        await run.ask(prompt + second.text + "!")
        num_live = len(run.engine.live)
        run.talk.release(1)
        return num_live, run.engine.live, run.engine.prompts[-2:], second.ids

    assert asyncio.run(converse(is_disturbed=True)) == asyncio.run(converse(is_disturbed=False))


def test_releasing_a_trajectory_with_a_call_under_way_frees_that_call_too():
    async def converse():
        run = Run()
        calls = [asyncio.create_task(run.ask(f"{i}: ")) for i in range(4)]
        await asyncio.sleep(0)
        run.talk.release(1)
        await asyncio.gather(*calls)
        run.talk.release(1)
        return run

    assert asyncio.run(converse()).engine.live == set()


@given(st.integers(0, 5), st.booleans())
def test_after_replayed_completions_the_later_calls_have_the_same_ids(num_replayed, is_stripped):
    async def converse(replayed=()):
        run, prompt, seen = Run(), "Q: ", []
        for step in range(6):
            if step < len(replayed):
                done = replayed[step]
                run.talk.note(GenerationRequest((), CONFIG, prompt, 0, 1), done)
            else:
                done = await run.ask(prompt)
            seen.append(done)
            prompt += (done.text.rstrip() if is_stripped else done.text) + "ab: "
        run.talk.release(1)
        assert run.engine.live == set()
        return seen, run

    seen, before = asyncio.run(converse())
    again, after = asyncio.run(converse(seen[:num_replayed]))
    assert [d.ids for d in again] == [d.ids for d in seen]
    assert after.engine.prompts == before.engine.prompts[num_replayed:]


def test_a_replayed_completion_without_ids_is_encoded_by_its_text():
    async def converse():
        run = Run()
        done = await Run().ask("Q: ")
        run.talk.note(GenerationRequest((), CONFIG, "Q: ", 0, 1), type(done)(done.text, done.prompt))
        await run.ask("Q: " + done.text + "!")
        return run, done

    run, done = asyncio.run(converse())
    more = run.codec.encode_more
    assert run.engine.prompts[-1] == (*run.codec.encode("Q: "), *more(done.text), *more("!"))


def test_messages_are_rendered_by_the_codec_and_the_completion_tells_all():
    async def converse():
        run = Run(alphabet="a\n")
        turns = (Message("user", "Q"), Message("assistant", "A:"))
        return run, await run.talk.generate(GenerationRequest(turns, CONFIG))

    run, done = asyncio.run(converse())
    assert done.prompt == "Q\nA:"
    assert done.prompt_tokens == len(run.codec.encode("Q\nA:")) == run.talk.count_tokens("Q\nA:")
    assert run.codec.decode(done.ids) == done.text
    assert "\n" not in done.text
    assert done.finish_reason == "stop"
    assert done.completion_tokens == len(done.ids) + 1


def test_an_engine_s_refusal_reaches_who_asked_and_leaves_nothing():
    async def converse():
        run = Run(max_length=20)
        with pytest.raises(DataError, match="A prompt has 31 tokens"):
            await run.ask("a" * 30)
        return run

    assert asyncio.run(converse()).engine.live == set()


def test_settings_become_sampling_params():
    config = GenerationConfig(
        max_tokens=5, stop=("\n", "", "x", "\n"), do_sample=True, temperature=0.5, top_p=0.9, top_k=3,
        extra=(("num_beams", 1), ("pad_token_id", 7), ("repetition_penalty", 1.0), ("use_cache", True)),
    )  # fmt: skip
    params = sampling_params(config, 4)
    assert (params.max_tokens, params.stop, params.do_sample) == (5, ("\n", "x"), True)
    assert (params.temperature, params.top_p, params.top_k, params.seed, params.sample) == (0.5, 0.9, 3, 0, 4)


@pytest.mark.parametrize("extra", [("num_beams", 4), ("repetition_penalty", 1.2), ("max_length", 9), ("bad_words", [])])
def test_a_setting_that_engines_cannot_honour_is_named(extra):
    with pytest.raises(ConfigError, match=rf"gen_kwargs: got \{{'{extra[0]}'.*engine=rounds"):
        sampling_params(GenerationConfig(extra=(("use_cache", True), extra)))
