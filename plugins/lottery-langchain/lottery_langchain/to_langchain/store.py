"""A memory of ours as a LangChain key-value store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.stores import BaseStore

from lottery_plugins.protocols.memory import MemoryStore

__all__ = ["LotteryStore", "as_langchain_store"]


class LotteryStore(BaseStore[str, str]):
    """An opened memory of ours as a store of texts.

    Our memories never forget by themselves what was asked of them, so a deleted entry is emptied in the memory and
    hidden here; another view of the same memory still sees its key.

    Args:
        memory: The opened memory.
    """

    def __init__(self, memory: MemoryStore) -> None:
        self._memory = memory
        self._deleted: set[str] = set()

    def mget(self, keys: Sequence[str]) -> list[str | None]:
        """The values; None for keys that are not there."""
        return [None if key in self._deleted else self._memory.read(key) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, str]]) -> None:
        """Write the values in their order."""
        for key, value in key_value_pairs:
            self._memory.write(key, value)
            self._deleted.discard(key)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Empty and hide the entries; unknown keys are passed over."""
        for key in keys:
            if self._memory.read(key) is not None:
                self._memory.write(key, "")
                self._deleted.add(key)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """The keys that begin with the prefix, in the order of first writing."""
        for key in tuple(self._memory.keys()):
            if key not in self._deleted and key.startswith(prefix or ""):
                yield key


def as_langchain_store(memory: MemoryStore) -> LotteryStore:
    """Hand an opened memory to LangChain: `as_langchain_store(Scratchpad().open())`."""
    return LotteryStore(memory)
