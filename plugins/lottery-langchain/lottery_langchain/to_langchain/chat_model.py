"""A model behind one of our backends or engines as a LangChain chat model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ChatMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from lottery_plugins.errors import BackendError, ConfigError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message, Role

__all__ = ["LotteryChatModel"]


class LotteryChatModel(BaseChatModel):
    """The model that a run would use, as it is compressed and served there, for chains and agents of LangChain.

    With a `backend`, calls go one after the other. With an `engine` only the asynchronous methods work, from one event
    loop, and calls made at once (`abatch`) share the engine's stream. Tool calls are not parsed: a model bound to tools
    would need the run's own reasoners, so `bind_tools` is not there. A trailing AI message is a prefix to be continued.

    Attributes:
        backend: A `protocols.backend.Backend`; this or an engine.
        engine: A `protocols.backend.TextEngine`.
        model_name: What tracing and `response_metadata` call it.
        max_tokens: Most tokens of a completion.
        temperature: 0 is greedy decoding.
        top_p: Nucleus mass; None leaves it to the backend.
        seed: Of sampling; None leaves it to the backend.
        stop: Strings that end every completion, beside those of a call.
    """

    backend: Any = Field(default=None, exclude=True)
    engine: Any = Field(default=None, exclude=True)
    model_name: str = Field(default="lottery", alias="model")
    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=0.0, ge=0.0)
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    seed: int | None = None
    stop: list[str] | None = None

    model_config = ConfigDict(populate_by_name=True)

    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @model_validator(mode="after")
    def _check_one_source(self) -> LotteryChatModel:
        if (self.backend is None) == (self.engine is None):
            raise ValueError("LotteryChatModel takes either a backend or an engine")
        return self

    @property
    def _llm_type(self) -> str:
        return "lottery-plugins"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "max_tokens": self.max_tokens, "temperature": self.temperature}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "lottery-plugins"
        return params

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(self._complete(messages, stop, kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return self._result(await self._acomplete(messages, stop, kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """The whole completion as one chunk: our backends give no parts."""
        yield self._chunk(self._complete(messages, stop, kwargs))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        yield self._chunk(await self._acomplete(messages, stop, kwargs))

    def _complete(self, messages: list[BaseMessage], stop: list[str] | None, changes: dict[str, Any]) -> Completion:
        if self.backend is None:
            allowed = "ainvoke, abatch or astream"
            raise ConfigError("LotteryChatModel", "a synchronous call", allowed, "An engine lives in an event loop.")
        request = self._request(messages, stop, changes)
        with self._lock:
            completions = self.backend.generate([request])
        if len(completions) != 1:
            name = type(self.backend).__name__
            raise BackendError(name, f"{len(completions)} completions for 1 request", "This is a bug of the backend.")
        completion: Completion = completions[0]
        return completion

    async def _acomplete(
        self, messages: list[BaseMessage], stop: list[str] | None, changes: dict[str, Any]
    ) -> Completion:
        if self.engine is None:
            return await asyncio.to_thread(self._complete, messages, stop, changes)
        completion: Completion = await self.engine.generate(self._request(messages, stop, changes))
        return completion

    def _request(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, changes: dict[str, Any]
    ) -> GenerationRequest:
        """One request with the settings of the model, changed by those of the call.

        Raises:
            ConfigError: A setting of the call is unknown; ignoring it would change what is computed.
        """
        known = ("max_tokens", "temperature", "top_p", "seed")
        unknown = [name for name in changes if name not in known]
        if unknown:
            raise ConfigError("LotteryChatModel", unknown[0], f"a setting of a call: {', '.join(known)}, stop")
        settings = {name: getattr(self, name) for name in known} | changes
        temperature = float(settings["temperature"])
        config = GenerationConfig(
            max_tokens=settings["max_tokens"],
            stop=tuple(dict.fromkeys((*(self.stop or ()), *(stop or ())))),
            do_sample=temperature > 0,
            temperature=temperature if temperature > 0 else 1.0,
            top_p=settings["top_p"],
            seed=settings["seed"],
        )
        return GenerationRequest(tuple(_ours(message) for message in messages), config)

    def _result(self, completion: Completion) -> ChatResult:
        message = AIMessage(
            content=completion.text,
            usage_metadata=_usage(completion),
            response_metadata={"model_name": self.model_name, "finish_reason": completion.finish_reason},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _chunk(self, completion: Completion) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content=completion.text,
            usage_metadata=_usage(completion),
            response_metadata={"model_name": self.model_name, "finish_reason": completion.finish_reason},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)


def _ours(message: BaseMessage) -> Message:
    """One turn as ours.

    Raises:
        ConfigError: It has a role that our models do not know, or is not only text.
    """
    roles: dict[type[BaseMessage], Role] = {SystemMessage: "system", HumanMessage: "user", AIMessage: "assistant"}
    role = next((role for kind, role in roles.items() if isinstance(message, kind)), None)
    if isinstance(message, ChatMessage) and message.role in roles.values():
        role = message.role  # type: ignore[assignment]
    if role is None:
        allowed = "system, human and AI messages"
        raise ConfigError("LotteryChatModel", message.type, allowed, "Give a tool's answer as a human message.")
    blocks = [] if isinstance(message.content, str) else message.content
    if any(isinstance(block, dict) and block.get("type") != "text" for block in blocks):
        raise ConfigError("LotteryChatModel", "a message with images, sound or files", "text")
    return Message(role, str(message.text))


def _usage(completion: Completion) -> UsageMetadata | None:
    """Token counts, where the backend can tell both."""
    prompt, generated = completion.prompt_tokens, completion.completion_tokens
    if prompt is None or generated is None:
        return None
    return UsageMetadata(
        input_tokens=prompt,
        output_tokens=generated,
        total_tokens=prompt + generated,
        input_token_details={"cache_read": completion.cached_tokens},
    )
