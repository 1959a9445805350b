"""Servers that speak OpenAI's protocol, against one on loopback that answers well, badly, late or not at all."""

import asyncio

import pytest
from openai_standin import ask, completion, say

from lottery_plugins.backends.openai_options import OpenAIOptions
from lottery_plugins.errors import BackendError, ConfigError, DataError
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message
from lottery_plugins.options import build_plugin
from lottery_plugins.specs import parse_specs, write_specs
from lottery_plugins.testing.contracts.plugin import check_plugin

KEY = "sk-very-secret"


def test_a_chat_goes_to_the_chat_path_and_comes_back_counted(server, connect):
    say(server, (200, completion("211 m", prompt_tokens_details={"cached_tokens": 4}), {}))
    request = ask(turns=(Message("system", "Be brief."), Message("user", "How long?")), stop=("\n",))
    made = asyncio.run(connect().generate(request))
    path, payload, _ = server.requests[0]
    assert path == "/v1/chat/completions"
    assert payload == {
        "model": "m",
        "max_tokens": 9,
        "temperature": 0.0,
        "stop": ["\n"],
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How long?"}],
    }
    assert (made.text, made.finish_reason, made.prompt) == ("211 m", "stop", "Be brief.\n\nHow long?")
    assert (made.prompt_tokens, made.cached_tokens, made.completion_tokens, made.forwarded_tokens) == (10, 4, 3, 8)


def test_a_server_that_counts_nothing_is_believed(server, connect):
    for usage in (None, [], {"prompt_tokens": "many", "prompt_tokens_details": None}):
        say(server, (200, {**completion("ok"), "usage": usage}, {}))
        made = asyncio.run(connect().generate(ask()))
        assert (made.text, made.prompt_tokens, made.completion_tokens, made.cached_tokens) == ("ok", None, None, 0)
        assert made.forwarded_tokens is None


def test_text_of_any_kind_is_sent(server, connect):
    asyncio.run(connect().generate(ask("不在 \ud800 \x00 \U0001f600")))
    assert server.requests[0][1]["messages"][0]["content"] == "不在 ? \x00 \U0001f600"


def test_plain_text_goes_to_the_completions_path(server, connect):
    say(server, (200, completion(" it is", finish_reason="length"), {}))
    request = GenerationRequest((), GenerationConfig(max_tokens=5), text="Once")
    made = asyncio.run(connect(api="completions").generate(request))
    path, payload, _ = server.requests[0]
    assert (path, payload["prompt"], payload["max_tokens"]) == ("/v1/completions", "Once", 5)
    assert (made.text, made.finish_reason) == (" it is", "length")


def test_sampling_settings_are_sent_and_samples_have_seeds_of_their_own(server, connect):
    client = connect(takes_top_k=True, max_tokens_name="max_completion_tokens")
    settings = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 5, "seed": 3}
    for sample in (0, 1, 1):
        asyncio.run(client.generate(ask(sample=sample, **settings)))
    payloads = [payload for _, payload, _ in server.requests]
    assert (payloads[0]["temperature"], payloads[0]["top_p"], payloads[0]["top_k"], payloads[0]["seed"]) == (
        0.7,
        0.9,
        5,
        3,
    )
    assert payloads[0]["max_completion_tokens"] == 9
    assert payloads[0]["seed"] != payloads[1]["seed"] == payloads[2]["seed"]


def test_more_stop_strings_than_a_server_takes_are_cut_here(server, connect):
    stops = ("1", "2", "3", "4", "END")
    say(server, (200, completion("the END of it", finish_reason="length"), {}))
    made = asyncio.run(connect().generate(ask(stop=stops)))
    assert server.requests[0][1]["stop"] == ["1", "2", "3", "4"]
    assert (made.text, made.finish_reason) == ("the ", "stop")


def test_a_begun_answer_is_continued_only_where_the_server_can(server, connect):
    turns = (Message("user", "How long?"), Message("assistant", "It is"))
    asyncio.run(connect(continues_assistant=True).generate(ask(turns=turns)))
    payload = server.requests[0][1]
    assert (payload["continue_final_message"], payload["add_generation_prompt"]) == (True, False)
    with pytest.raises(ConfigError, match="continues_assistant=true"):
        asyncio.run(connect().generate(ask(turns=turns)))


@pytest.mark.parametrize("config", [{"do_sample": True, "top_k": 5}, {"extra": (("num_beams", 4),)}], ids=str)
def test_settings_that_a_server_does_not_take_are_refused(connect, config):
    with pytest.raises(ConfigError, match=r"top_k|num_beams"):
        asyncio.run(connect().generate(ask(**config)))


def test_no_more_requests_than_allowed_are_under_way(server, connect):
    server.delay_s = 0.02
    client = connect(max_concurrent=3)

    async def main():
        return await asyncio.gather(*(client.generate(ask(str(i))) for i in range(12)))

    server.answer = lambda path, payload: (200, completion(payload["messages"][0]["content"]), {})
    assert [made.text for made in asyncio.run(main())] == [str(i) for i in range(12)]
    assert server.busiest == 3
    assert asyncio.run(client.generate(ask("again"))).text == "again"  # on another event loop


def echo(tokens, numbers, tops, **usage):
    told = {"tokens": tokens, "token_logprobs": numbers, "top_logprobs": tops}
    body = completion("".join(tokens), prompt_tokens=len(tokens) - 1, **usage)
    body["choices"][0]["logprobs"] = told
    return (200, body, {})


def test_a_continuation_is_scored_in_the_servers_tokens(server, connect):
    tops = [None, {" is": -0.1}, {" long": -0.2}, {"!": -0.3}, {".": -1.0}]
    say(server, echo(["It", " is", " l", "ong", "x"], [None, -0.1, -0.5, -0.3, -2.0], tops))
    client = connect(scoring=True)
    score = asyncio.run(client.score("It is ", "long"))
    path, payload, _ = server.requests[0]
    assert path == "/v1/completions"
    assert (payload["prompt"], payload["echo"], payload["logprobs"]) == ("It is long", True, 1)
    assert score.logprobs == (-0.5, -0.3)
    assert not score.is_greedy
    assert asyncio.run(client.score("It", " is long")).logprobs == (-0.1, -0.5, -0.3)
    assert client.capabilities.scoring


def test_greedy_continuations_are_known(server, connect):
    say(server, echo(["It", " is", "."], [None, -0.1, -1.0], [None, {" is": -0.1}, {"!": -0.5}]))
    assert asyncio.run(connect(scoring=True).score("It", " is")).is_greedy


@pytest.mark.parametrize(
    "answer",
    [
        (200, completion("no numbers"), {}),
        echo(["It", " was", "x"], [None, -0.1, -2.0], [None, {}, {}]),
        echo([" is", "x"], [None, -2.0], [None, {}]),
        echo(["It", " is", "x"], [None, "low", -2.0], [None, {}, {}]),
    ],
    ids=["none", "other text", "first token", "no number"],
)
def test_scores_that_do_not_fit_the_text_are_refused(server, connect, answer):
    say(server, answer)
    with pytest.raises(BackendError, match="score"):
        asyncio.run(connect(scoring=True).score("It", " is"))


def test_scoring_must_be_declared_and_needs_two_texts(connect):
    assert not connect().capabilities.scoring
    with pytest.raises(ConfigError, match="openai:scoring=true"):
        asyncio.run(connect().score("It", " is"))
    with pytest.raises(DataError, match="needs a context"):
        asyncio.run(connect(scoring=True).score("", "It"))


def test_tokens_are_counted_by_a_codec_alone(connect):
    from lottery_plugins.testing.engine_fakes import ByteCodec

    assert connect().count_tokens("four") is None
    assert connect(ByteCodec()).count_tokens("four") == 4
    connect().release(1)


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "https://api.example.com:8443/a/b", "http://127.0.0.1/v1"])
def test_a_spec_carries_an_address_as_it_is(url):
    (spec,) = parse_specs(f"openai:base_url={url}:model=org/m-7B:max_concurrent=4", "engine")
    options = build_plugin(OpenAIOptions, dict(spec.options), "engine: openai")
    assert (options.base_url, options.model, options.max_concurrent) == (url, "org/m-7B", 4)
    assert parse_specs(write_specs([spec]), "engine") == (spec,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "localhost:8000"},
        {"base_url": "file:///etc/passwd"},
        {"base_url": f"http://me:{KEY}@host/v1"},
        {"api": "soap"},
        {"max_tokens_name": "n"},
        {"max_concurrent": 0},
        {"max_retries": -1},
        {"timeout_s": 0.0},
        {"timeout_s": float("nan")},
    ],
    ids=str,
)
def test_options_that_can_not_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        OpenAIOptions(**{"base_url": "http://h/v1", "model": "m", **wrong})
    assert KEY not in str(caught.value)


def test_options_are_a_plugins_options():
    check_plugin(OpenAIOptions, base_url="http://h/v1", model="m")
