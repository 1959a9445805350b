"""Documents of a knowledge base, and how a retriever rates them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Document", "ScoredDocument"]


@dataclass(frozen=True, slots=True)
class Document:
    """One entry of a knowledge base.

    Attributes:
        id: Unique inside its knowledge base.
        text: The passage itself.
        title: Shown to the model before the text; may be empty.
    """

    id: str
    text: str
    title: str = ""

    def as_text(self) -> str:
        """Title and text as a retriever indexes them and a prompt shows them."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class ScoredDocument:
    """A document that a retriever returned; a higher score is a better match."""

    document: Document
    score: float
