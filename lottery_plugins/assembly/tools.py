"""The tools of a run: opened, and found by what they say of themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lottery_plugins.config import RunConfig
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.retriever import Index
from lottery_plugins.protocols.tool import Tool, ToolDescription, ToolSet
from lottery_plugins.registry import Registry
from lottery_plugins.retrievers.bm25 import Bm25

__all__ = ["open_tools", "rank_tools"]


def open_tools(config: RunConfig, registry: Registry) -> tuple[dict[str, Tool], tuple[ToolSet, ...]]:
    """The run's tools by name, and the sets of which each problem opens its own.

    Raises:
        ConfigError: Two tools have one name.
    """
    tools: dict[str, Tool] = {}
    own: list[ToolSet] = []
    taken: set[str] = set()
    for spec in config.tools:
        made = registry.create("tool", spec)
        opened = made.open() if isinstance(made, ToolSet) else (made,)
        for tool in opened:
            name = tool.description.name
            if name in taken:
                raise ConfigError("tools", name, "each tool once", f"tools={spec.name} offers it again.")
            taken.add(name)
        if isinstance(made, ToolSet) and made.scope == "problem":
            own.append(made)
        else:
            tools |= {tool.description.name: tool for tool in opened}
    return tools, tuple(own)


def rank_tools(query: str, tools: Sequence[ToolDescription]) -> Sequence[ToolDescription]:
    """R over C: the tools by the words that their descriptions share with the query, the others after them."""
    by_name = {tool.name: tool for tool in tools}
    found = _index_of_tools(tuple((tool.name, tool.description) for tool in tools)).search(query, len(tools))
    ranked = [hit.document.id for hit in found]
    return [by_name[name] for name in dict.fromkeys((*ranked, *by_name))]


@lru_cache(maxsize=64)
def _index_of_tools(described: tuple[tuple[str, str], ...]) -> Index:
    """An index over names and descriptions; names are split at what is no letter."""
    words = [Document(name, f"{name} {re.sub('[^a-zA-Z]+', ' ', name)} {text}") for name, text in described]
    return Bm25().build(words)
