"""`vector`: a memory that is searched by meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lottery_dense.encoder import Encoder
from lottery_dense.options import EncoderOptions
from lottery_plugins.errors import ConfigError
from lottery_plugins.memory.scratchpad import ScratchpadStore
from lottery_plugins.protocols.plugin import option
from lottery_plugins.retrievers.ranking import best_positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Vector", "VectorStore"]


@dataclass(frozen=True)
class Vector(EncoderOptions):
    """Notes by key as in `scratchpad`, of which the nearest to any text can be found.

    A note is embedded when it is first searched, as "key: value", and again when it has changed.

    Raises:
        ConfigError: If an option is out of range.

    Cost: a forward pass for each new note and each search; no cost while nothing is searched.
    """

    name: ClassVar[str] = "vector"
    summary: ClassVar[str] = "Remember notes while one problem is worked on, and find the nearest by meaning."
    source: ClassVar[str] = "Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084"
    scope: ClassVar[Literal["problem", "run"]] = "problem"
    kind: ClassVar[str] = "memory"

    max_entries: int = option(256, "most entries; the oldest give way", unit="entries", allowed="at least 1")
    max_chars: int = option(100_000, "most characters of keys and values", unit="characters", allowed="at least 1")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("max_entries", "max_chars"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{self._where}.{name}", getattr(self, name), "a whole number from 1")

    def open(self) -> VectorStore:
        """A new, empty memory."""
        return VectorStore(ScratchpadStore(self.max_entries, self.max_chars), self.encoder)


@dataclass(slots=True)
class VectorStore:
    """One opened memory; its model is loaded when it is first searched."""

    _notes: ScratchpadStore
    _encoder: Callable[[], Encoder]
    _vectors: dict[str, NDArray[Any]] = field(default_factory=dict)  # by the text that was embedded

    def write(self, key: str, value: str) -> None:
        """Store a value; an existing key keeps its place in the order. Drops the oldest entries to make room."""
        self._notes.write(key, value)

    def read(self, key: str) -> str | None:
        """The value, or None when the key was never written or has given way."""
        return self._notes.read(key)

    def keys(self) -> Sequence[str]:
        """All keys in the order of first writing."""
        return self._notes.keys()

    def render(self, max_chars: int | None = None) -> str:
        """As a scratchpad shows it."""
        return self._notes.render(max_chars)

    def find(self, query: str, top_k: int) -> Sequence[tuple[str, str]]:
        """The entries nearest to a text, best first, equally near ones in order of first writing."""
        import numpy as np

        entries = [(key, self._notes.read(key) or "") for key in self.keys()]
        if not entries or not query.strip():
            return ()
        encoder = self._encoder()
        texts = [f"{key}: {value}" for key, value in entries]
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors = {text: self._vectors[text] for text in texts if text in self._vectors}  # no more than needed
        self._vectors |= dict(zip(new, encoder.passages(new), strict=True)) if new else {}
        scores = np.stack([self._vectors[text] for text in texts]) @ encoder.queries([query])[0]
        return tuple(entries[int(i)] for i in best_positions(scores, max(1, top_k)))
