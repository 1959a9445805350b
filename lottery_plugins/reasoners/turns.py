"""Small things that several reasoners do with turns and options."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message, replace_last_user
from lottery_plugins.reasoners.prompts import Example, Prompt
from lottery_plugins.trajectory import Problem

__all__ = [
    "check_at_least",
    "check_between",
    "check_one_of",
    "check_temperature",
    "continued",
    "few_shot",
    "with_context",
    "with_question",
]


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


def few_shot(
    prompt: Prompt, question: str, *, is_chat: bool, examples: Sequence[Example] | None = None
) -> tuple[Message, ...]:
    """Instruction, worked examples and the question: as turns for a chat model, as one text for a base model.

    Args:
        prompt: Has the texts "system", "example" and "question".
        question: The case to be answered.
        is_chat: Whether the run renders a chat template.
        examples: Those to show; None: all of the prompt.
    """
    chosen = prompt.examples if examples is None else examples
    if is_chat:
        pairs = ((Message("user", e.question), Message("assistant", e.reply)) for e in chosen)
        shown = (message for pair in pairs for message in pair)
        return (Message("system", prompt.texts["system"]), *shown, Message("user", question))
    text = "".join(prompt.fill("example", question=e.question, reply=e.reply) for e in chosen)
    return (Message("user", text + prompt.fill("question", question=question)),)


def check_at_least(low: int, where: str, value: int | None) -> None:
    """Refuse an option below `low`; None is allowed.

    Raises:
        ConfigError: It is.
    """
    if value is not None and value < low:
        raise ConfigError(f"reasoner: {where}", value, f"a whole number of {low} or more")


def check_between(low: int, high: int, where: str, value: int) -> None:
    """Refuse an option outside of [low, high].

    Raises:
        ConfigError: It is.
    """
    if not low <= value <= high:
        raise ConfigError(f"reasoner: {where}", value, f"a whole number from {low} to {high}")


def check_one_of(allowed: Sequence[str], where: str, value: str) -> None:
    """Refuse an option that is not one of the allowed words.

    Raises:
        ConfigError: It is not.
    """
    if value not in allowed:
        raise ConfigError(f"reasoner: {where}", value, " or ".join(repr(word) for word in allowed))


def check_temperature(where: str, value: float) -> None:
    """Refuse a temperature at which all samples would be the same.

    Raises:
        ConfigError: It is 0 or below, or no number.
    """
    if not 0 < value < float("inf"):
        raise ConfigError(f"reasoner: {where}", value, "a number above 0", "At 0 all samples would be the same.")
