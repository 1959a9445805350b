"""Computed blocks by the tokens in them, so that a prefix is computed once and found again.

A tree: a node is one block, its parent the block before it in the text. Full blocks are shared as they are; of a block
that fits only in part, or that is not full, the fitting positions are copied (copy on write), so that reuse is exact to
the token. Nodes that no sequence uses stay until their block is needed, the longest unused first, ends before
beginnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Match", "Node", "PrefixTree", "chain"]

_MOST_COMPARED = 64  # blocks with the same first token that are compared for a partial match, the latest first


def chain(key: int, ids: Sequence[int]) -> int:
    """Names a block by its tokens and all before it; `key` names the block before."""
    return hash((key, tuple(ids)))


@dataclass(slots=True, eq=False)
class Node:
    """A computed block.

    Attributes:
        ids: Its tokens; fewer than a block holds when it is not full.
        block: Its number in the cache.
        parent: The block before it; None for the root only.
        key: `chain` of it and all before it.
        users: Sequences that use it or a child of it; pins count.
        full: Full children by their tokens.
        by_first: All children by their first token, in the order in which they were added.
    """

    ids: tuple[int, ...]
    block: int
    parent: Node | None
    key: int = 0
    users: int = 0
    full: dict[tuple[int, ...], Node] = field(default_factory=dict)
    by_first: dict[int, list[Node]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """What of a text is computed.

    Attributes:
        nodes: Full blocks, from the beginning of the text.
        partial: The block that fits the text behind them best; None when there is none.
        num_partial: How many of its positions fit.
    """

    nodes: tuple[Node, ...]
    partial: Node | None = None
    num_partial: int = 0


class PrefixTree:
    """All computed blocks.

    Args:
        block_size: Positions a block.
    """

    def __init__(self, block_size: int) -> None:
        self._size = block_size
        self.root = Node((), -1, None, users=1)
        self._unused: dict[Node, None] = {}  # in the order in which they fell out of use

    @property
    def num_unused(self) -> int:
        """Blocks that may be evicted."""
        return len(self._unused)

    def match(self, ids: Sequence[int], limit: int) -> Match:
        """What of `ids[:limit]` is computed."""
        nodes: list[Node] = []
        node, at = self.root, 0
        while at + self._size <= limit:
            child = node.full.get(tuple(ids[at : at + self._size]))
            if child is None:
                break
            nodes.append(child)
            node, at = child, at + self._size
        partial, num_partial = self._nearest(node, ids[at : min(limit, at + self._size)])
        return Match(tuple(nodes), partial, num_partial)

    def hold(self, nodes: Iterable[Node]) -> None:
        """Keep nodes from eviction."""
        for node in nodes:
            node.users += 1
            self._unused.pop(node, None)

    def let_go(self, nodes: Sequence[Node]) -> None:
        """Undo `hold`, given the nodes from the beginning of the text to its end."""
        for node in reversed(nodes):  # ends are evicted before beginnings
            node.users -= 1
            if node.users == 0:
                self._unused[node] = None

    def add(self, parent: Node, ids: tuple[int, ...], block: int) -> Node | None:
        """Add a computed block, held by the caller; None when there is a full one of the same tokens."""
        if ids in parent.full:
            return None
        node = Node(ids, block, parent, users=1)
        self._attach(node)
        return node

    def grow(self, node: Node, ids: tuple[int, ...]) -> bool:
        """More tokens were computed in a block that was not full. False when there is a full one of the same tokens:
        then the node is taken out, and its block is the caller's alone.
        """
        self._detach(node)
        if node.parent is not None and ids in node.parent.full:
            return False
        node.ids = ids
        self._attach(node)
        return True

    def evict(self) -> int:
        """Forget the block that has been unused longest; returns its number."""
        node = next(iter(self._unused))
        del self._unused[node]
        self._detach(node)
        return node.block

    def _nearest(self, parent: Node, ids: Sequence[int]) -> tuple[Node | None, int]:
        """The child that shares most tokens with the beginning of `ids`."""
        best, most = None, 0
        if len(ids):
            for node in parent.by_first.get(ids[0], ())[-1 : -_MOST_COMPARED - 1 : -1]:
                shared = _common(node.ids, ids)
                if shared > most:
                    best, most = node, shared
        return best, most

    def _attach(self, node: Node) -> None:
        parent = node.parent
        if parent is None:
            raise ValueError("the root has no place in the tree")
        node.key = chain(parent.key, node.ids)
        parent.by_first.setdefault(node.ids[0], []).append(node)
        if len(node.ids) == self._size:
            parent.full[node.ids] = node

    def _detach(self, node: Node) -> None:
        parent = node.parent
        if parent is None:
            raise ValueError("the root can't be taken out")
        siblings = parent.by_first[node.ids[0]]
        siblings.remove(node)
        if not siblings:
            del parent.by_first[node.ids[0]]
        if parent.full.get(node.ids) is node:
            del parent.full[node.ids]


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count
