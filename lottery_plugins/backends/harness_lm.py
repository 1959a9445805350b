"""Any lm-eval model as a backend: requests go to its own `generate_until`, batch by batch, without sessions."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance

from lottery_plugins.errors import BackendError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.messages import Message, plain_text

__all__ = ["HarnessBackend", "from_gen_kwargs", "to_gen_kwargs"]

_TOKEN_LIMIT_WORDS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # lm-eval's priority


def from_gen_kwargs(gen_kwargs: dict[str, Any], default_max_tokens: int) -> GenerationConfig:
    """Read lm-eval's `gen_kwargs`; what has no field of its own is handed on in `extra`."""
    rest = dict(gen_kwargs)
    limits = [rest.pop(word) for word in _TOKEN_LIMIT_WORDS if rest.get(word) is not None]
    until = rest.pop("until", None) or []
    temperature = rest.pop("temperature", None)
    do_sample = rest.pop("do_sample", None)
    is_sampled = bool(do_sample) if do_sample is not None else bool(temperature)
    return GenerationConfig(
        max_tokens=int(limits[0]) if limits else default_max_tokens,
        stop=(until,) if isinstance(until, str) else tuple(until),
        do_sample=is_sampled,
        temperature=float(temperature) if temperature else 1.0,
        top_p=rest.pop("top_p", None),
        top_k=rest.pop("top_k", None),
        seed=rest.pop("seed", None),
        extra=tuple(sorted((key, value) for key, value in rest.items() if key not in _TOKEN_LIMIT_WORDS)),
    )


def to_gen_kwargs(config: GenerationConfig) -> dict[str, Any]:
    """lm-eval's `gen_kwargs` for a generation config; the inverse of `from_gen_kwargs` up to names and defaults."""
    kwargs: dict[str, Any] = {"until": list(config.stop), "max_gen_toks": config.max_tokens, **dict(config.extra)}
    kwargs["do_sample"] = config.do_sample
    if config.do_sample:
        kwargs["temperature"] = config.temperature
    for name in ("top_p", "top_k", "seed"):
        if (value := getattr(config, name)) is not None:
            kwargs[name] = value
    return kwargs


class HarnessBackend:
    """Answers requests with an lm-eval model.

    Token counts are those of the texts, by the model's own tokenizer; the stop string and the end token are not
    counted. An API model without a tokenizer gives None.

    Args:
        lm: The lm-eval model.
        is_chat: Whether prompts are rendered by its chat template.
    """

    def __init__(self, lm: Any, *, is_chat: bool) -> None:
        self._lm = lm
        self._is_chat = is_chat
        parameters = inspect.signature(lm.generate_until).parameters
        self._quiet = {"disable_tqdm": True} if "disable_tqdm" in parameters else {}
        self._can_count = hasattr(lm, "tok_encode") and getattr(lm, "tokenizer", None) is not None

    def render(self, messages: Sequence[Message]) -> Any:
        """The prompt; text, or what the model's own `apply_chat_template` gives (API models take message lists)."""
        if not self._is_chat:
            return plain_text(messages)
        turns = [{"role": m.role, "content": m.content} for m in messages]
        return self._lm.apply_chat_template(turns, add_generation_prompt=messages[-1].role != "assistant")

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens of a text; None without a tokenizer."""
        return len(self._lm.tok_encode(text)) if self._can_count else None

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer all requests, in their order."""
        prompts = [self.render(r.messages) if r.text is None else r.text for r in requests]
        instances = [
            Instance(
                request_type="generate_until",
                doc={},
                arguments=(prompt, to_gen_kwargs(request.config)),
                idx=i,
                metadata=("lottery", i, 1),
            )
            for i, (prompt, request) in enumerate(zip(prompts, requests, strict=True))
        ]
        started = time.perf_counter()
        texts = self._lm.generate_until(instances, **self._quiet)
        seconds = (time.perf_counter() - started) / max(1, len(requests))
        if len(texts) != len(requests):
            raise BackendError(
                type(self._lm).__name__,
                f"gave {len(texts)} completions for a batch of {len(requests)}",
                "This is a bug of that model; run again with --batch_size 1 to isolate it.",
            )
        return [self._completion(*triple, seconds) for triple in zip(prompts, requests, texts, strict=True)]

    def _completion(self, prompt: Any, request: GenerationRequest, text: str, seconds: float) -> Completion:
        shown = prompt if isinstance(prompt, str) else str(getattr(prompt, "prompt", prompt))
        tokens = self.count_tokens(text)
        reached = tokens is not None and tokens >= request.config.max_tokens
        return Completion(
            text=text,
            prompt=shown,
            prompt_tokens=self.count_tokens(shown),
            completion_tokens=tokens,
            finish_reason="unknown" if tokens is None else "length" if reached else "stop",
            seconds=seconds,
        )
