"""What is wrong with a question about dates."""

from __future__ import annotations

__all__ = ["DatesError"]


class DatesError(Exception):
    """A question that can't be answered.

    Attributes:
        problem: What is wrong, as a phrase for the model.
        hint: What to send instead, as a sentence; "" for the tool's own.
        category: As in `ToolError`.
    """

    def __init__(self, problem: str, hint: str = "", category: str = "arguments") -> None:
        super().__init__(problem)
        self.problem, self.hint, self.category = problem, hint, category
