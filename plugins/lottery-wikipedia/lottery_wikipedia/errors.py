"""Why a request got no answer. Tools tell the model, the retriever ends the run."""

from __future__ import annotations

__all__ = ["NoAnswerError", "NotRecordedError", "RefusedError", "UnreachableError"]


class NoAnswerError(Exception):
    """Base: the text says what happened, as a clause without a full stop.

    Attributes:
        category: The word for statistics; see `lottery_plugins.errors.ToolError`.
        hint: What to do instead, as a sentence.
    """

    category = "domain"
    hint = ""


class UnreachableError(NoAnswerError):
    """No network, no server, or none that answers within the deadline."""

    category = "timeout"
    hint = "Go on without it."


class RefusedError(NoAnswerError):
    """The server does not take this request."""

    category = "arguments"
    hint = "Send something else."


class NotRecordedError(NoAnswerError):
    """The snapshot has no answer, and nothing else may be asked."""

    category = "denied"
    hint = "Ask for something else."
