"""Chat messages: what a reasoner writes and a backend renders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Message", "Role", "continued", "plain_text", "replace_last_user"]

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn. A trailing assistant message is a prefix that the model continues."""

    role: Role
    content: str


def replace_last_user(messages: Sequence[Message], content: str) -> tuple[Message, ...]:
    """The messages with the content of the last user turn replaced; all others untouched."""
    for i in range(len(messages) - 1, -1, -1):
        if messages[i].role == "user":
            return (*messages[:i], Message("user", content), *messages[i + 1 :])
    return (*messages, Message("user", content))


def continued(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """The turns with `text` as the beginning of the model's reply, after the task's own beginning if it gave one."""
    if messages and messages[-1].role == "assistant":
        begun = messages[-1].content
        glue = "" if not begun or begun[-1].isspace() else " "
        return (*messages[:-1], Message("assistant", f"{begun}{glue}{text}"))
    return (*messages, Message("assistant", text))


def plain_text(messages: Sequence[Message]) -> str:
    """Render for a base model, which knows no roles: turns separated by a blank line.

    A trailing assistant message follows its question without a break, so that the model continues it.
    """
    if messages and messages[-1].role == "assistant":
        *turns, prefix = messages
        head = "\n\n".join(m.content for m in turns)
        glue = "\n" if head and not head[-1].isspace() else ""
        return f"{head}{glue}{prefix.content}"
    return "\n\n".join(m.content for m in messages)
