"""Computed blocks by the tokens in them, so that a prefix is computed once and found again.

A tree: a node is one block, its parent the block before it in the text. Full blocks are shared as they are; of a block
that fits only in part, or that is not full, the fitting positions are copied (copy on write), so that reuse is exact to
the token. Nodes that no job uses stay until their block is needed: first go those of trajectories that are over, the
longest unused first, then those of the trajectory that is to be finished last; always ends before beginnings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
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
        users: Jobs that use it or a child of it; pins count.
        rank: Of the trajectories that used it and are not over, the one to be finished first; None: all are over.
        full: Full children by their tokens.
        by_first: All children by their first token, in the order in which they were added.
    """

    ids: tuple[int, ...]
    block: int
    parent: Node | None
    key: int = 0
    users: int = 0
    rank: int | None = None
    full: dict[tuple[int, ...], Node] = field(default_factory=dict)
    by_first: dict[int, list[Node]] = field(default_factory=dict)

    def children(self) -> Iterator[Node]:
        """All children."""
        return itertools.chain.from_iterable(self.by_first.values())


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

    @property
    def all_nodes(self) -> list[Node]:
        """The full blocks and the partial one."""
        return [*self.nodes] if self.partial is None else [*self.nodes, self.partial]


class PrefixTree:
    """All computed blocks.

    Args:
        block_size: Positions a block.

    Attributes:
        num_unused: Blocks that may be evicted.
    """

    def __init__(self, block_size: int) -> None:
        self._size = block_size
        self.root = Node((), -1, None, users=1)
        self._unused: dict[int | None, dict[Node, None]] = {}  # by rank, in the order in which they fell out of use
        self.num_unused = 0

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
            if node.users == 0:
                self._take_out(node)
            node.users += 1

    def let_go(self, nodes: Sequence[Node], rank: int | None = None) -> None:
        """Undo `hold`, given the nodes from the beginning of the text to its end.

        Args:
            nodes: As they were held.
            rank: Of the trajectory that will need them again; None: nobody is known to.
        """
        for node in reversed(nodes):  # ends are evicted before beginnings
            if rank is not None:  # a beginning is needed at least as early as its ends
                node.rank = rank if node.rank is None else min(node.rank, rank)
            node.users -= 1
            if node.users == 0:
                self._put_in(node)

    def abandon(self, ids: Sequence[int]) -> None:
        """The trajectory of this text is over: what only it used may be evicted first."""
        for node in reversed(self.match(ids, len(ids)).all_nodes):
            if node.users or any(child.rank is not None or child.users for child in node.children()):
                return
            self._take_out(node)
            node.rank = None
            self._put_in(node)

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

    def evict(self) -> Node:
        """Forget the block that is needed last, if at all."""
        rank = None if None in self._unused else max(rank for rank in self._unused if rank is not None)
        node = next(iter(self._unused[rank]))
        self._take_out(node)
        self._detach(node)
        return node

    def _put_in(self, node: Node) -> None:
        self._unused.setdefault(node.rank, {})[node] = None
        self.num_unused += 1

    def _take_out(self, node: Node) -> None:
        same_rank = self._unused[node.rank]
        del same_rank[node]
        if not same_rank:
            del self._unused[node.rank]
        self.num_unused -= 1

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
