"""Servers that speak OpenAI's protocol, against one on loopback that answers well, badly, late or not at all."""

import asyncio
import email.utils
import logging
import time

import openai_standin
import pytest
from openai_standin import completion

from lottery_plugins.backends import http_client
from lottery_plugins.backends.openai_server import OpenAIOptions, OpenAIServer
from lottery_plugins.errors import BackendError, ConfigError, DataError, RunEndedError
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message
from lottery_plugins.options import build_plugin
from lottery_plugins.specs import parse_specs, write_specs
from lottery_plugins.testing.contracts.plugin import check_plugin

KEY = "sk-very-secret"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(http_client, "_FIRST_WAIT_S", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with openai_standin.running() as running:
        yield running


@pytest.fixture
def connect(server):
    made = []

    def make(codec=None, **options):
        made.append(OpenAIServer(OpenAIOptions(base_url=server.url, model="m", **options), codec))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()


def ask(text="How long?", *, sample=0, turns=None, **config):
    config = {"max_tokens": 9, **config}
    return GenerationRequest(turns or (Message("user", text),), GenerationConfig(**config), sample=sample)


def say(server, *answers):
    """Give these answers one after the other, the last one for ever."""
    left = list(answers)
    server.answer = lambda path, payload: left.pop(0) if len(left) > 1 else left[0]


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


@pytest.mark.parametrize(
    "bad",
    [
        (429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}),
        (500, b"oops", {}),
        (503, {}, {}),
        (200, b"{", {}),
    ],
    ids=["429", "500", "503", "broken JSON"],
)
def test_a_busy_server_is_asked_again(server, connect, bad):
    say(server, bad, bad, (200, completion("at last"), {}))
    assert asyncio.run(connect().generate(ask())).text == "at last"
    assert len(server.requests) == 3


def test_a_dropped_connection_is_tried_again(server, connect):
    server.hang_up = 2
    assert asyncio.run(connect().generate(ask())).text == "hello"
    assert len(server.requests) == 3


def test_a_server_says_how_long_to_wait(server, connect):
    for value, least in (("0.2", 0.2), (email.utils.formatdate(time.time() + 2, usegmt=True), 0.5)):
        say(server, (429, {}, {"Retry-After": value}), (200, completion("ok"), {}))
        began = time.monotonic()
        asyncio.run(connect().generate(ask()))
        assert time.monotonic() - began >= least


def test_a_wait_beyond_the_deadline_is_not_waited(server, connect):
    say(server, (429, {"error": {"message": "come back tomorrow"}}, {"Retry-After": "86400"}))
    began = time.monotonic()
    with pytest.raises(BackendError, match="HTTP 429: come back tomorrow, after 1 attempts"):
        asyncio.run(connect().generate(ask()))
    assert time.monotonic() - began < 5


def test_a_server_that_stays_busy_is_given_up(server, connect):
    say(server, (500, {"message": "no GPU"}, {}))
    with pytest.raises(BackendError, match="HTTP 500: no GPU, after 3 attempts"):
        asyncio.run(connect(max_retries=2).generate(ask()))
    assert len(server.requests) == 3


def test_a_slow_answer_ends_at_the_deadline(server, connect):
    server.delay_s = 1.0
    began = time.monotonic()
    with pytest.raises(BackendError, match="no answer within"):
        asyncio.run(connect(timeout_s=0.2).generate(ask()))
    assert time.monotonic() - began < 0.9


def test_a_server_that_is_not_there_ends_the_run(monkeypatch):
    monkeypatch.setattr(http_client, "_FIRST_WAIT_S", 0.01)
    client = OpenAIServer(OpenAIOptions(base_url="http://127.0.0.1:9/v1", model="m", max_retries=1))
    with pytest.raises(RunEndedError, match="can't be reached"):
        asyncio.run(client.generate(ask()))
    client.close()


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (404, {"error": {"message": "The model `m` does not exist."}}, BackendError, "HTTP 404: The model `m`"),
        (400, {"detail": [{"msg": "bad"}]}, BackendError, "bad"),
        (400, {"error": {"message": "too long", "code": "context_length_exceeded"}}, DataError, "too long"),
        (400, {"message": "This model's maximum context length is 8."}, DataError, "length is 8"),
        (401, {"error": {"message": "no key"}}, ConfigError, "OPENAI_API_KEY is not set"),
        (200, {"choices": []}, BackendError, "exactly one choice"),
        (200, [1], BackendError, "list, not with an object"),
        (200, {"choices": [{"message": {"content": 7}}]}, BackendError, "text of type int"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_once(server, connect, status, body, kind, told):
    say(server, (status, body, {}))
    with pytest.raises(kind, match=told):
        asyncio.run(connect().generate(ask()))
    assert len(server.requests) == 1


def test_the_key_is_sent_and_never_shown(server, connect, monkeypatch, caplog):
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    say(server, (401, {"error": {"message": f"Incorrect API key: {KEY}"}}, {}))
    client = connect(api_key_env="MY_KEY")
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError, match="MY_KEY") as caught:
        asyncio.run(client.generate(ask()))
    assert server.requests[0][2]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
    assert KEY not in repr(vars(client))


def test_a_cancelled_request_gives_its_place_back(server, connect):
    client = connect(max_concurrent=1)

    async def main():
        server.delay_s = 5.0
        task = asyncio.ensure_future(client.generate(ask()))
        while not server.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.delay_s = 0.0
        return await asyncio.wait_for(client.generate(ask()), 4)

    assert asyncio.run(main()).text == "hello"


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
