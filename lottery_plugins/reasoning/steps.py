"""Steps as they are recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lottery_plugins.documents import ScoredDocument
from lottery_plugins.generation import Completion
from lottery_plugins.trajectory import Step, ToolCall, ToolResult

__all__ = ["generate_step", "retrieve_step", "tool_step"]


def generate_step(completion: Completion, purpose: str, model: str = "") -> Step:
    """The record of a completion; `model` is "proxy" for the proxy model's."""
    return Step(
        kind="generate",
        purpose=purpose,
        tool=model,
        prompt=completion.prompt,
        output=completion.text,
        prompt_tokens=completion.prompt_tokens,
        cached_tokens=completion.cached_tokens,
        completion_tokens=completion.completion_tokens,
        forwarded_tokens=completion.forwarded_tokens,
        finish_reason=completion.finish_reason,
        seconds=completion.seconds,
    )


def tool_step(call: ToolCall, result: ToolResult, purpose: str, seconds: float) -> Step:
    """The record of a tool call."""
    return Step(
        kind="tool",
        purpose=purpose,
        prompt=json.dumps(dict(call.arguments), ensure_ascii=False, default=repr),
        output=result.text,
        tool=call.tool,
        error=result.error,
        ran_in=result.ran_in,
        seconds=seconds,
    )


def retrieve_step(
    query: str,
    found: Sequence[ScoredDocument],
    counts: Sequence[int | None],
    purpose: str,
    retriever: str,
    seconds: float,
) -> Step:
    """The record of a search; `counts` are the tokens of each document, None where nobody can tell."""
    return Step(
        kind="retrieve",
        purpose=purpose,
        prompt=query,
        output="\n\n".join(hit.document.as_text() for hit in found),
        tool=retriever,
        documents=tuple((hit.document.id, hit.score) for hit in found),
        retrieved_tokens=None if None in counts else sum(c for c in counts if c is not None),
        seconds=seconds,
    )
