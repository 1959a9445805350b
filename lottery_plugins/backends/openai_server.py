"""Servers that speak OpenAI's protocol: vLLM serve, SGLang, TGI, llama.cpp's server, and OpenAI itself.

Text in, text out: a chat server takes no token ids. `api=chat` sends the turns to /chat/completions, where the server
renders them; `api=completions` sends plain text to /completions, for base models. What only some servers can do is
switched on by an option and never guessed: going on with a begun answer, top_k, scores. At most `max_concurrent`
requests are under way; busy servers are asked again, as they wish (Retry-After), until `timeout_s` is over. In a spec a
URL is written as it is: `engine=openai:base_url=http://localhost:8000/v1:model=my-model`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lottery_plugins.backends.http_client import HttpSettings, JsonClient
from lottery_plugins.backends.openai_options import OpenAIOptions
from lottery_plugins.engine.conversations import sampling_params
from lottery_plugins.engine.stops import first_stop
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, ConfigError, DataError
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.protocols.engine import Capabilities, SamplingParams, TokenScore

__all__ = ["OpenAIServer"]

_MOST_STOPS = 4  # of OpenAI's protocol; the others are cut here
_SEED_BITS = 31


class OpenAIServer:
    """Answers requests in text (`protocols.backend.TextEngine`).

    Args:
        options: Which server, and how.
        codec: Counts tokens where the server is not asked; None: `count_tokens` knows nothing.
    """

    def __init__(self, options: OpenAIOptions, codec: TokenCodec | None = None) -> None:
        self._options, self._codec = options, codec
        self._client = JsonClient(
            HttpSettings(
                name=options.name,
                base_url=options.base_url,
                key=os.environ.get(options.api_key_env, "").strip(),
                key_variable=options.api_key_env,
                max_concurrent=options.max_concurrent,
                timeout_s=options.timeout_s,
                max_retries=options.max_retries,
            )
        )
        self.capabilities = Capabilities(
            name=options.name, sessions=False, kv_compression=False, scoring=options.scoring, batch_invariant=False
        )

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request.

        Raises:
            ConfigError: A setting that the server can't honour, or a key that it does not take.
            DataError: The prompt is too long for the server.
            BackendError: The server refuses, or its answer can't be read.
            RunEndedError: The server can't be reached any more.
        """
        started = time.perf_counter()
        params = sampling_params(request.config, request.sample)
        payload = self._settings(params)
        if self._options.api == "chat":
            turns = request.messages or (Message("user", request.text or ""),)
            payload |= self._chat(turns)
            answer = await self._client.post("/chat/completions", payload)
            shown = plain_text(turns) if request.text is None else request.text
        else:
            shown = plain_text(request.messages) if request.text is None else request.text
            answer = await self._client.post("/completions", {**payload, "prompt": shown})
        return self._completion(answer, shown, params, time.perf_counter() - started)

    async def score(self, context: str, continuation: str) -> TokenScore:
        """How likely a continuation is, in the server's own tokens. Spaces that end the context count as its beginning.

        Raises:
            ConfigError: The options do not say that the server can.
            DataError: One of the texts is empty, or they are too long.
            BackendError: The answer has no log probabilities, or its tokens do not spell the continuation.
        """
        started = time.perf_counter()
        if not self._options.scoring:
            hint = "Say openai:scoring=true where /completions takes echo together with logprobs."
            raise ConfigError("engine=openai", "a request to score", "generation tasks only", hint)
        kept = context.rstrip()
        context, continuation = kept, context[len(kept) :] + continuation
        if not context or not continuation:
            raise DataError("A score", "needs a context and a continuation", "A server scores no first token.")
        wanted = {"max_tokens": 1, "temperature": 0.0, "echo": True, "logprobs": 1}
        payload = {"model": self._options.model, "prompt": context + continuation, **wanted}
        answer = await self._client.post("/completions", payload)
        numbers, is_greedy = _read_scores(_choice(answer), _count(answer, "prompt_tokens"), continuation)
        return TokenScore(
            logprobs=tuple(min(number, 0.0) for number in numbers),
            is_greedy=is_greedy,
            forwarded_tokens=_count(answer, "prompt_tokens") or 0,
            seconds=time.perf_counter() - started,
        )

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens by the codec; None without one."""
        return None if self._codec is None else len(self._codec.encode_more(text))

    def release(self, trajectory: int) -> None:
        """Nothing to do: the server keeps what it likes."""

    def close(self) -> None:
        """Close all connections. A second call does nothing."""
        self._client.close()

    def _settings(self, params: SamplingParams) -> dict[str, Any]:
        payload: dict[str, Any] = {"model": self._options.model, self._options.max_tokens_name: params.max_tokens}
        payload["temperature"] = params.temperature if params.do_sample else 0.0
        if params.stop:
            payload["stop"] = list(params.stop[:_MOST_STOPS])
        if not params.do_sample:
            return payload
        payload["seed"] = (params.seed + params.sample * 1_000_003) % (1 << _SEED_BITS)
        if params.top_p is not None:
            payload["top_p"] = params.top_p
        if params.top_k is not None:
            if not self._options.takes_top_k:
                hint = "Leave it out, or say openai:takes_top_k=true where the server does."
                raise ConfigError("top_k", params.top_k, "a server that takes it", hint)
            payload["top_k"] = params.top_k
        return payload

    def _chat(self, turns: Sequence[Message]) -> dict[str, Any]:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        if turns[-1].role != "assistant":
            return {"messages": messages}
        if not self._options.continues_assistant:
            hint = "Say openai:continues_assistant=true where the server takes continue_final_message."
            raise ConfigError("engine=openai", "an answer that is begun already", "a last turn of the user", hint)
        return {"messages": messages, "add_generation_prompt": False, "continue_final_message": True}

    def _completion(self, answer: Mapping[str, Any], shown: str, params: SamplingParams, seconds: float) -> Completion:
        choice = _choice(answer)
        message = choice.get("message")
        text = message.get("content") if isinstance(message, dict) else choice.get("text")
        if not isinstance(text, str) and text is not None:
            raise BackendError("openai", f"answered with a text of type {type(text).__name__}")
        text, told = text or "", choice.get("finish_reason")
        reason: Literal["stop", "length", "unknown"] = told if told in ("stop", "length") else "unknown"
        if stop := first_stop(text, params.stop):
            text, reason = text[: text.index(stop)], "stop"
        prompt, made = _count(answer, "prompt_tokens"), _count(answer, "completion_tokens")
        cached = _cached(answer)
        return Completion(
            text=text,
            prompt=shown,
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=made,
            forwarded_tokens=None if prompt is None or made is None else prompt - cached + max(0, made - 1),
            finish_reason=reason,
            seconds=seconds,
        )


def _choice(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The only choice of an answer."""
    choices = answer.get("choices")
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        return choices[0]
    raise BackendError("openai", f"answered without exactly one choice: {sorted(answer)}", "Check base_url and api.")


def _count(answer: Mapping[str, Any], name: str) -> int | None:
    """A number of the answer's usage; None where it has none."""
    usage = answer.get("usage")
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) else None


def _cached(answer: Mapping[str, Any]) -> int:
    """Tokens of the prompt that the server had already; 0 where it does not tell."""
    usage = answer.get("usage")
    details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
    found = details.get("cached_tokens") if isinstance(details, dict) else None
    return found if isinstance(found, int) else 0


def _read_scores(choice: Mapping[str, Any], num_prompt: int | None, continuation: str) -> tuple[list[float], bool]:
    """Log probabilities of the prompt's last tokens, which spell the continuation, and whether all are greedy.

    A token across the border belongs to the continuation, as in lm-eval.
    """
    told = choice.get("logprobs")
    lists = [told.get(name) for name in ("tokens", "token_logprobs", "top_logprobs")] if isinstance(told, dict) else []
    tokens, numbers, tops = ([one if isinstance(one, list) else [] for one in lists]) or ([], [], [])
    if not tokens or not len(tokens) == len(numbers) == len(tops):
        raise BackendError("openai", "answered a request to score without log probabilities", "Try scoring=false.")
    end = len(tokens) - 1 if num_prompt is None else min(num_prompt, len(tokens))
    start, spelt = end, ""
    while start and len(spelt) < len(continuation):
        start -= 1
        spelt = str(tokens[start]) + spelt
    if not spelt.endswith(continuation) or not all(isinstance(number, float) for number in numbers[start:end]):
        problem = f"scored tokens that spell {spelt!r} where {continuation!r} was asked"
        raise BackendError("openai", problem, "Its tokens can't be matched to the text; use an engine that scores ids.")
    is_greedy = all(numbers[at] >= max((tops[at] or {}).values(), default=math.inf) for at in range(start, end))
    return [float(number) for number in numbers[start:end]], is_greedy
