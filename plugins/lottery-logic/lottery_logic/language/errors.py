"""What is wrong with a program, and where."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOWHERE", "Place", "ProgramError"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something starts in a program's text, both counted from 1; line 0: in no text."""

    line: int
    column: int


NOWHERE = Place(0, 0)


class ProgramError(Exception):
    """A program that can't be read, or has no answer.

    Args:
        place: Where; NOWHERE when it is about the whole program.
        problem: What is wrong, in words for the model that wrote the program.
        hint: What is allowed instead, as a sentence.
        category: As in `ToolError`: "arguments" can't be read, "domain" has no answer, "limit" is too large.
    """

    def __init__(self, place: Place, problem: str, hint: str = "", *, category: str = "arguments") -> None:
        super().__init__(place, problem, hint, category)
        self.place, self.problem, self.hint, self.category = place, problem, hint, category

    @property
    def located(self) -> str:
        """The problem with its line and column."""
        if self.place.line == 0:
            return self.problem
        return f"line {self.place.line}, column {self.place.column}: {self.problem}"
