"""Small things that several reasoners do with turns and options."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message, replace_last_user
from lottery_plugins.trajectory import Problem

__all__ = ["check_at_least", "check_one_of", "continued", "with_context", "with_question"]


def continued(messages: Sequence[Message], text: str) -> tuple[Message, ...]:
    """The turns with `text` as the beginning of the model's reply, after the task's own beginning if it gave one."""
    if messages and messages[-1].role == "assistant":
        begun = messages[-1].content
        glue = "" if not begun or begun[-1].isspace() else " "
        return (*messages[:-1], Message("assistant", f"{begun}{glue}{text}"))
    return (*messages, Message("assistant", text))


def with_question(messages: Sequence[Message], content: str) -> tuple[Message, ...]:
    """The turns with another last question, open for a reply: the task's own beginning of one is dropped."""
    end = len(messages) - 1 if messages and messages[-1].role == "assistant" else len(messages)
    return replace_last_user(messages[:end], content)


def with_context(problem: Problem) -> str:
    """The bare question, behind the long text that it is about if there is one."""
    return f"{problem.context}\n\n{problem.question}" if problem.context else problem.question


def check_at_least(low: int, where: str, value: int | None) -> None:
    """Refuse an option below `low`; None is allowed.

    Raises:
        ConfigError: It is.
    """
    if value is not None and value < low:
        raise ConfigError(f"reasoner: {where}", value, f"a whole number of {low} or more")


def check_one_of(allowed: Sequence[str], where: str, value: str) -> None:
    """Refuse an option that is not one of the allowed words.

    Raises:
        ConfigError: It is not.
    """
    if value not in allowed:
        raise ConfigError(f"reasoner: {where}", value, " or ".join(repr(word) for word in allowed))
