"""A server that is busy, slow, broken, gone or of another opinion: what is tried again, and what is told."""

import asyncio
import email.utils
import logging
import time

import pytest
from openai_standin import ask, completion, say

from lottery_plugins.backends import http_client
from lottery_plugins.backends.openai_options import OpenAIOptions
from lottery_plugins.backends.openai_server import OpenAIServer
from lottery_plugins.errors import BackendError, ConfigError, DataError, RunEndedError

KEY = "sk-very-secret"


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
    server.delay_s = 3.0
    began = time.monotonic()
    with pytest.raises(BackendError, match="no answer within"):
        asyncio.run(connect(timeout_s=0.2).generate(ask()))
    assert time.monotonic() - began < 2.5


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
