"""Prompt and answer of one sample as lm-eval logged them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lottery_plugins.messages import Message

__all__ = ["logged_answer", "logged_prompt"]


def logged_answer(row: Mapping[str, Any]) -> Any:
    """The first answer to the first request, a text where it was generated; None where none was logged."""
    try:
        return row["resps"][0][0]
    except (KeyError, IndexError, TypeError):
        return None


def logged_prompt(row: Mapping[str, Any]) -> tuple[tuple[Message, ...], bool] | None:
    """The prompt as turns, and whether it was a chat that ours kept for a reasoner; None where none was logged."""
    try:
        text = row["arguments"]["gen_args_0"]["arg_0"]
    except (KeyError, TypeError):
        return None
    if not isinstance(text, str):
        return None
    if text.startswith('[{"role":'):
        try:
            return tuple(Message(turn["role"], turn["content"]) for turn in json.loads(text)), True
        except (ValueError, KeyError, TypeError):
            pass  # a prompt that only begins like a chat
    return (Message("user", text),), False
