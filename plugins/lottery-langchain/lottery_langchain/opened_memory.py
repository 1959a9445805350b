"""A memory opened in a LangChain or LangGraph store.

Each entry lies in the store under a number, with its key inside the value: numbers keep the order of first writing, and
a store that allows few characters in its keys takes any memory key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lottery_plugins.errors import DataError

if TYPE_CHECKING:
    from langchain_core.stores import BaseStore as KeyValueStore
    from langgraph.store.base import BaseStore as LangGraphStore

__all__ = ["Entries", "KeyValueEntries", "LangGraphEntries", "OpenedMemory", "SearchableMemory"]

_PAGE = 100


class Entries(Protocol):
    """Numbered entries in one place of a store: what the two kinds of stores have in common."""

    def put(self, number: int, key: str, text: str) -> None:
        """Write one entry."""
        ...

    def get(self, number: int) -> str | None:
        """The text of an entry; None when the store has lost it."""
        ...

    def stored(self) -> Iterator[tuple[int, str]]:
        """(number, key) of all entries, in any order."""
        ...


class OpenedMemory:
    """One opened memory; see `protocols.memory.MemoryStore`.

    Args:
        entries: Where it lies.
        is_new: Whether nothing can be there yet; if not, what is there belongs to it.
    """

    def __init__(self, entries: Entries, *, is_new: bool = False) -> None:
        self._entries = entries
        self._numbers = {} if is_new else {key: number for number, key in sorted(entries.stored())}
        self._last = max(self._numbers.values(), default=0)

    def write(self, key: str, value: str) -> None:
        """Store a value; an existing key keeps its place in the order."""
        if key not in self._numbers:
            self._last += 1
            self._numbers[key] = self._last
        self._entries.put(self._numbers[key], key, value)

    def read(self, key: str) -> str | None:
        """The value, or None when the key was never written, or the store no longer has it."""
        number = self._numbers.get(key)
        return None if number is None else self._entries.get(number)

    def keys(self) -> Sequence[str]:
        """All keys in the order of first writing."""
        return tuple(self._numbers)

    def render(self, max_chars: int | None = None) -> str:
        """A line "key: value" per entry; with a limit, the last entries that fit, or the beginning of the last one."""
        lines = [f"{key}: {self.read(key) or ''}" for key in self._numbers]
        if max_chars is None or not lines:
            return "\n".join(lines)
        first = len(lines)
        room = max_chars + 1  # each line takes its length and a line break, the first one no break
        while first and (room := room - len(lines[first - 1]) - 1) >= 0:
            first -= 1
        return "\n".join(lines[first:]) if first < len(lines) else lines[-1][: max(0, max_chars)]


class SearchableMemory(OpenedMemory):
    """A memory in a LangGraph store with an index of embeddings, which finds entries by meaning."""

    _entries: LangGraphEntries

    def find(self, query: str, top_k: int) -> Sequence[tuple[str, str]]:
        """(key, value) of the nearest entries, best first."""
        return self._entries.find(query, top_k)


class KeyValueEntries:
    """Entries in a LangChain key-value store, as JSON text or its bytes.

    Args:
        store: The store.
        prefix: Of the keys.
        as_bytes: Whether to write bytes; both are read.
    """

    def __init__(self, store: KeyValueStore[str, Any], prefix: str, *, as_bytes: bool) -> None:
        self._store, self._prefix, self._as_bytes = store, prefix, as_bytes

    def put(self, number: int, key: str, text: str) -> None:
        """Write one entry."""
        written = json.dumps({"key": key, "text": text})
        self._store.mset([(self._name(number), written.encode() if self._as_bytes else written)])

    def get(self, number: int) -> str | None:
        """The text of an entry."""
        entry = self._read(number)
        return None if entry is None else entry[1]

    def stored(self) -> Iterator[tuple[int, str]]:
        """All entries under the prefix."""
        for name in self._store.yield_keys(prefix=self._prefix):
            number = int(str(name).removeprefix(self._prefix))
            if (entry := self._read(number)) is not None:
                yield number, entry[0]

    def _name(self, number: int) -> str:
        return f"{self._prefix}{number:08d}"

    def _read(self, number: int) -> tuple[str, str] | None:
        (found,) = self._store.mget([self._name(number)])
        if found is None:
            return None
        try:
            entry = json.loads(found)
            return str(entry["key"]), str(entry["text"])
        except (ValueError, TypeError, KeyError):
            problem = f"has under {self._name(number)!r} what is no entry of a memory"
            raise DataError(f"store {type(self._store).__name__}", problem, "Choose another namespace.") from None


class LangGraphEntries:
    """Entries in a namespace of a LangGraph store; their text is what its index embeds."""

    def __init__(self, store: LangGraphStore, namespace: tuple[str, ...]) -> None:
        self._store, self._namespace = store, namespace

    def put(self, number: int, key: str, text: str) -> None:
        """Write one entry."""
        self._store.put(self._namespace, f"{number:08d}", {"key": key, "text": text})

    def get(self, number: int) -> str | None:
        """The text of an entry."""
        item = self._store.get(self._namespace, f"{number:08d}")
        return None if item is None else str(item.value["text"])

    def stored(self) -> Iterator[tuple[int, str]]:
        """All entries of the namespace, a page at a time."""
        offset = 0
        while page := self._store.search(self._namespace, limit=_PAGE, offset=offset):
            yield from ((int(item.key), str(item.value["key"])) for item in page)
            offset += len(page)

    def find(self, query: str, top_k: int) -> list[tuple[str, str]]:
        """The nearest entries by the store's embeddings; those without one are left out."""
        if not query.strip():
            return []
        text = query.encode("utf-8", "replace").decode()
        found = self._store.search(self._namespace, query=text, limit=top_k)
        return [(str(item.value["key"]), str(item.value["text"])) for item in found if item.score is not None]
