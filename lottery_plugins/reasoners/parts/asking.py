"""Questions about a problem, put to the model with worked examples."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.messages import Message
from lottery_plugins.reasoners.prompts import Example, Prompt
from lottery_plugins.reasoners.turns import few_shot

__all__ = ["case_turns", "whole_list"]


def case_turns(
    prompt: Prompt, *, is_chat: bool, examples: Sequence[Example] | None = None, **fields: str
) -> tuple[Message, ...]:
    """The turns that ask about one case; the reply is begun with the prompt's "begin"."""
    turns = few_shot(prompt, prompt.fill("case", **fields), is_chat=is_chat, examples=examples)
    return (*turns, Message("assistant", prompt.texts["begin"]))


def whole_list(begin: str, written: str) -> str:
    """The list in a reply that was begun with `begin`, the first number; a server may let the model start anew."""
    is_anew = written.lstrip()[:1] in ("[", "{", "`") or written.lstrip().startswith(begin)
    return written if is_anew else begin + written
