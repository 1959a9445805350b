"""LangChain in lottery-plugins, and lottery-plugins in LangChain.

From LangChain: `LangChainTool`, `LangChainRetriever`, `LangChainIndex` and `LangChainMemory` wrap an object of theirs;
the plugins `langchain-tools`, `langchain-retriever`, `langchain-index` and `langchain-store` wrap one that the user
names by its import path. To LangChain: `as_langchain_tool`, `as_langchain_retriever`, `as_langchain_store` and
`LotteryChatModel`. Importing this package imports no LangChain; using a name does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lottery_langchain.index import LangChainIndex, NamedIndex
from lottery_langchain.memory import LangChainMemory, NamedStore
from lottery_langchain.retriever import LangChainRetriever, NamedRetriever
from lottery_langchain.tool import LangChainTool
from lottery_langchain.toolset import NamedTools
from lottery_plugins import hookimpl

if TYPE_CHECKING:
    from lottery_langchain.to_langchain.chat_model import LotteryChatModel
    from lottery_langchain.to_langchain.retriever import LotteryRetriever, as_langchain_retriever
    from lottery_langchain.to_langchain.store import LotteryStore, as_langchain_store
    from lottery_langchain.to_langchain.tool import LotteryTool, as_langchain_tool

__all__ = [
    "LangChainIndex",
    "LangChainMemory",
    "LangChainRetriever",
    "LangChainTool",
    "LotteryChatModel",
    "LotteryRetriever",
    "LotteryStore",
    "LotteryTool",
    "NamedIndex",
    "NamedRetriever",
    "NamedStore",
    "NamedTools",
    "as_langchain_retriever",
    "as_langchain_store",
    "as_langchain_tool",
]

_TO_LANGCHAIN = {
    "LotteryChatModel": "chat_model",
    "LotteryRetriever": "retriever",
    "LotteryStore": "store",
    "LotteryTool": "tool",
    "as_langchain_retriever": "retriever",
    "as_langchain_store": "store",
    "as_langchain_tool": "tool",
}


def __getattr__(name: str) -> Any:
    """What needs LangChain itself is imported when it is asked for."""
    if name not in _TO_LANGCHAIN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"lottery_langchain.to_langchain.{_TO_LANGCHAIN[name]}"), name)


@hookimpl
def lottery_tools() -> list[type]:
    """Registered as `tools=langchain-tools:entry=...`."""
    return [NamedTools]


@hookimpl
def lottery_retrievers() -> list[type]:
    """Registered as `retriever=langchain-retriever:entry=...` and `retriever=langchain-index:entry=...`."""
    return [NamedIndex, NamedRetriever]


@hookimpl
def lottery_memory_backends() -> list[type]:
    """Registered as `memory=langchain-store`."""
    return [NamedStore]
