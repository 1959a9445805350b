"""`langchain-store`: a memory in a LangChain or LangGraph store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4

from lottery_langchain.entries import ENTRY_HELP, check_entry, load_entry, made_by
from lottery_langchain.opened_memory import KeyValueEntries, LangGraphEntries, OpenedMemory, SearchableMemory
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["LangChainMemory", "NamedStore"]

SCOPES = ("problem", "run")


@dataclass(frozen=True)
class LangChainMemory:
    """A memory in a store of LangChain (`langchain_core.stores.BaseStore`) or LangGraph (`langgraph.store.base`).

    A LangGraph store with an index of embeddings is also searched, when a model recalls by a key that is not there.

    Each opened memory has a namespace of its own in the store, so problems do not see each other's entries even when
    they share it. What a run leaves in a store that lasts is not deleted: it lies under `lottery/`.

    Args:
        store: The store, or what makes one when it is called without arguments.
        scope: "problem": a fresh memory per problem. "run": one for all problems, whose results then depend on order.
        namespace: A fixed one: what earlier runs wrote there is found again. Only with the scope "run".
        as_bytes: Whether values go into a key-value store as bytes, which byte stores want.

    Raises:
        ConfigError: The scope is none, or a fixed namespace would be shared by problems that are told to be apart.
    """

    name: ClassVar[str] = "langchain-store"
    summary: ClassVar[str] = "Remember in a LangChain or LangGraph store."

    store: Any
    scope: str = "problem"
    namespace: str = ""
    as_bytes: bool = False

    def __post_init__(self) -> None:
        check_scope(self.name, self.scope, self.namespace)

    def open(self) -> OpenedMemory:
        """A memory of its own in the store; empty unless the namespace is fixed.

        Raises:
            ConfigError: It is no store.
        """
        store = self.store() if callable(self.store) else self.store
        return opened(store, self.namespace, as_bytes=self.as_bytes)


@dataclass(frozen=True)
class NamedStore:
    """A memory in the LangChain or LangGraph store at an import path; without one, in LangChain's `InMemoryStore`.

    Raises:
        ConfigError: If the path is none, the scope is none, or a namespace is fixed for memories that are to be apart.
    """

    name: ClassVar[str] = "langchain-store"
    summary: ClassVar[str] = "Remember in a LangChain or LangGraph store, named by its import path."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("langchain_core", "pip install langchain-core"),)

    entry: str = option(
        "", "import path of a store, or of a function without arguments that makes one", allowed=ENTRY_HELP
    )
    scope: str = option(
        "problem", "who shares a memory; with 'run' results depend on the order of problems", allowed="problem, run"
    )
    namespace: str = option("", "where a memory lies that earlier runs left; only with scope=run")
    as_bytes: bool = option(False, "write bytes, which byte stores want")

    def __post_init__(self) -> None:
        if self.entry:
            check_entry(self.entry, f"memory: {self.name}.entry")
        check_scope(self.name, self.scope, self.namespace)

    def open(self) -> OpenedMemory:
        """Import the store and open a memory in it.

        Raises:
            ConfigError: There is no store at that path.
        """
        if self.entry:
            where = f"memory: {self.name}.entry"
            found = load_entry(self.entry, where)
            store = made_by(found, where, self.entry) if callable(found) else found
        else:
            from langchain_core.stores import InMemoryStore

            store = InMemoryStore()
        return LangChainMemory(store, self.scope, self.namespace, self.as_bytes).open()


def check_scope(name: str, scope: str, namespace: str) -> None:
    """Check what decides who shares a memory.

    Raises:
        ConfigError: The scope is unknown, or a fixed namespace contradicts it, or is no plain word.
    """
    if scope not in SCOPES:
        raise ConfigError(f"memory: {name}.scope", scope, f"one of {', '.join(SCOPES)}")
    if namespace and scope != "run":
        raise ConfigError(
            f"memory: {name}.namespace",
            namespace,
            "none with scope=problem, where each problem has its own",
            "Add scope=run: results then depend on the order of the problems.",
        )
    if not all(character.isalnum() or character in "-_" for character in namespace):
        raise ConfigError(f"memory: {name}.namespace", namespace, "letters, digits, '-' and '_'")


def opened(store: Any, namespace: str, *, as_bytes: bool) -> OpenedMemory:
    """A memory in a store, at a fixed place or a new one.

    Raises:
        ConfigError: It is no store.
    """
    from langchain_core.stores import BaseStore

    place = namespace or uuid4().hex
    if isinstance(store, BaseStore):
        return OpenedMemory(KeyValueEntries(store, f"lottery/{place}/", as_bytes=as_bytes), is_new=not namespace)
    if _is_of_langgraph(store):
        kind = SearchableMemory if getattr(store, "index_config", None) else OpenedMemory
        return kind(LangGraphEntries(store, ("lottery", place)), is_new=not namespace)
    raise ConfigError(
        "memory: langchain-store",
        f"a {type(store).__name__}",
        "a langchain_core.stores.BaseStore or a langgraph.store.base.BaseStore",
        "A function that makes one takes no arguments.",
    )


def _is_of_langgraph(store: Any) -> bool:
    try:
        from langgraph.store.base import BaseStore
    except ImportError:  # then nothing can be one
        return False
    return isinstance(store, BaseStore)
