"""Small things that several verifiers do."""

from __future__ import annotations

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.answers import final_answer
from lottery_plugins.trajectory import Problem

__all__ = ["UNDECIDED", "asked", "check_at_least", "check_threshold", "judged", "shown"]

UNDECIDED = 0.5
"""The score of an answer about which a verifier could learn nothing."""

_MAX_SHOWN = 200


def judged(score: float, threshold: float, reason: str) -> Judgement:
    """A judgement that accepts what scores above the threshold."""
    return Judgement(score, score > threshold, reason)


def asked(problem: Problem) -> str:
    """The question with the text that it is about."""
    return f"{problem.context}\n\n{problem.question}" if problem.context else problem.question


def shown(answer: str) -> str:
    """An answer in short, for a prompt or a reason: its final answer, on one line."""
    text = final_answer(answer)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def check_threshold(where: str, value: float) -> None:
    """Refuse a threshold that no score, or every score, is above.

    Raises:
        ConfigError: It is outside [0, 1).
    """
    if not 0 <= value < 1:
        raise ConfigError(
            f"verifier: {where}", value, "a number in [0, 1)", "Answers that score above it are accepted."
        )


def check_at_least(low: int, where: str, value: int | None) -> None:
    """Refuse an option below `low`; None is allowed.

    Raises:
        ConfigError: It is.
    """
    if value is not None and value < low:
        raise ConfigError(f"verifier: {where}", value, f"a whole number of {low} or more")
