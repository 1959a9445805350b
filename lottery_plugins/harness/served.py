"""A model that only a server has: lm-eval's requests as the server takes them, and the model that lm-eval sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import LM

from lottery_plugins.backends.harness_lm import from_gen_kwargs
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.generation import GenerationRequest
from lottery_plugins.harness.gen_settings import DEFAULT_MAX_TOKENS, SamplingDefaults, check_extra
from lottery_plugins.harness.problems import ChatPrompt
from lottery_plugins.harness.resume import Measured

__all__ = ["ServedLM", "ServerLM"]


class ServedLM(LM):  # type: ignore[misc]
    """What lm-eval looks up on a model whose tokenizer and weights are elsewhere."""

    tokenizer = None
    tokenizer_name = "served"
    max_gen_toks = DEFAULT_MAX_TOKENS

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Not here.

        Raises:
            ConfigError: Always; a server that takes messages is not asked for this.
        """
        raise ConfigError(
            "--apply_chat_template",
            "a server that takes plain text, and no tokenizer",
            "a server that takes messages (engine=openai:api=chat), or a tokenizer whose template is used",
            "Name the checkpoint of the tokenizer: pretrained=...",
        )

    def chat_template(self, chat_template: bool | str = False) -> str:
        """The server's own."""
        return ""

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """Not here."""
        raise _refusal("generate_until")

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Not here."""
        raise _refusal("loglikelihood")

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        """Not here."""
        raise _refusal("loglikelihood_rolling")


def _refusal(method: str) -> ConfigError:
    return ConfigError("base model", f"{method} without an engine", "an engine that answers it", "Name one: engine=...")


class ServerLM:
    """Answers lm-eval's requests with a server, as `EngineLM` does with an engine that knows tokens.

    Args:
        server: `backends.openai_server.OpenAIServer`, or what is like it.
    """

    num_cut = 0  # a server refuses what does not fit; nothing is cut

    def __init__(self, server: Any) -> None:
        self._server = server

    def check(self, request_type: str, requests: Sequence[Any]) -> None:
        """Refuse before anything is computed what would otherwise end the run in its middle.

        Raises:
            ConfigError: A task has settings that can't be handed on, or the server can't score.
        """
        if request_type == "generate_until":
            for task, kwargs in {str(r.task_name): r.args[1] for r in requests}.items():
                check_extra(from_gen_kwargs(kwargs, DEFAULT_MAX_TOKENS), f"task {task}")
        elif requests and (request_type != "loglikelihood" or not self._server.capabilities.scoring):
            raise ConfigError(
                "engine=openai",
                f"task {requests[0].task_name} of type {request_type}",
                "generation tasks; with openai:scoring=true and a server that has echo also type loglikelihood",
                "Use engine=packed or engine=vllm.",
            )

    async def ask(self, request_type: str, request: Any, rank: int, sample: int) -> tuple[Any, Measured]:
        """Answer one request as lm-eval's method of that name would.

        Raises:
            DataError: It does not fit the model's window, or there is nothing to score; names the document.
        """
        try:
            if request_type == "generate_until":
                return await self._generate(request, sample)
            score = await self._server.score(*request.args)
        except DataError as error:
            where = f"task {request.task_name}, document {request.doc_id}: {error.where}"
            raise DataError(where, error.problem, error.hint) from None
        return (score.logprob, score.is_greedy), Measured(prompt_tokens=score.forwarded_tokens, seconds=score.seconds)

    async def _generate(self, request: Any, sample: int) -> tuple[str, Measured]:
        prompt, gen_kwargs = request.args[:2]
        config = SamplingDefaults().fill(from_gen_kwargs(gen_kwargs, DEFAULT_MAX_TOKENS))
        is_chat = isinstance(prompt, ChatPrompt)
        asked = GenerationRequest(
            prompt.messages() if is_chat else (), config, None if is_chat else str(prompt), sample
        )
        done = await self._server.generate(asked)
        return done.text, Measured(
            prompt_tokens=done.prompt_tokens,
            cached_tokens=done.cached_tokens,
            completion_tokens=done.completion_tokens,
            finish_reason=done.finish_reason,
            seconds=done.seconds,
        )
