"""Where the positions of each job lie: blocks taken, shared, copied, and given back.

Joins the pool of free blocks with the tree of computed ones. A job is admitted only when all blocks that it can come to
need are there, so a started job never runs out of memory.
"""

from __future__ import annotations

from collections.abc import Callable

from lottery_plugins.engine.blocks import BlockPool
from lottery_plugins.engine.compression import CacheMethods, CacheState
from lottery_plugins.engine.jobs import Job, Kept
from lottery_plugins.engine.prefixes import Match, Node, PrefixTree, chain
from lottery_plugins.engine.residents import Residents

__all__ = ["JobCache"]


class JobCache:
    """The cache as jobs see it.

    Args:
        num_blocks: Blocks of the cache.
        block_size: Positions a block.
        copy: Copies the first positions of a block into another (`Runner.copy`).
        methods: What compresses the caches of jobs; None for nothing.
    """

    def __init__(
        self,
        num_blocks: int,
        block_size: int,
        copy: Callable[[int, int, int], None],
        methods: CacheMethods | None = None,
    ) -> None:
        self.block_size = block_size
        self._methods = methods
        self.pool = BlockPool(num_blocks)
        self.tree = PrefixTree(block_size)
        self.residents = Residents()
        self.num_evicted = 0
        self._copy = copy
        self._coming: dict[int, Job] = {}  # blocks that a running job will compute, by key

    def coming(self, job: Job) -> int | None:
        """Key of the first block that the job lacks, if another one is about to compute it."""
        if job.compressed_at is not None:
            return None
        limit = self._limit(job)
        match = self.tree.match(job.ids, limit)
        at = len(match.nodes) * self.block_size
        if at + self.block_size > limit + 1:
            return None
        key = chain(match.nodes[-1].key if match.nodes else 0, job.ids[at : at + self.block_size])
        return key if key in self._coming else None

    def num_needed(self, job: Job) -> int:
        """Blocks that the job needs when nothing of it is computed."""
        if self._methods is None:
            return self._blocks_for(job.max_ids)
        if job.slots_needed is None:
            job.slots_needed = self._methods.slots_needed(job.state, job.num_context, job.max_ids, bool(job.targets))
        first, most = job.slots_needed
        return self._blocks_for(first) + self._blocks_for(most)

    def admit(self, job: Job) -> bool:
        """Give a job its blocks, what is computed of it included; False when too few are free.

        Args:
            job: Has no blocks yet, or those of a compressed cache.
        """
        if job.compressed_at is not None:
            return self._extend(job)
        match = self.tree.match(job.ids, self._limit(job))
        held = match.all_nodes
        self.tree.hold(held)
        claimed = match.partial is not None and self._can_claim(match)
        missing = self.num_needed(job) - len(match.nodes) - claimed
        if not self._make_room(missing):
            self.tree.let_go(held)
            return False
        job.nodes = list(match.nodes)
        job.table = [node.block for node in match.nodes]
        if match.partial is not None and claimed:
            job.tail = match.partial
            job.table.append(match.partial.block)
        taken = self.pool.take(missing, job.table[-1] if job.table else None)
        job.table += taken
        job.owned.update(taken)
        if match.partial is not None and not claimed:
            self._copy(match.partial.block, taken[0], match.num_partial)
            self.tree.let_go([match.partial])
        job.cached = job.found = len(match.nodes) * self.block_size + match.num_partial
        self._announce(job)
        if job.rank is not None:
            self.residents.enter(job.rank)
        return True

    def has_full_block(self, job: Job) -> bool:
        """Whether a block of the job is full that the tree has not been told of."""
        return (len(job.nodes) + 1) * self.block_size <= job.cached

    def publish(self, job: Job, *, with_tail: bool) -> list[int]:
        """Tell the tree what was computed of a job; returns the keys of the blocks that are new to it.

        Args:
            job: Not compressed.
            with_tail: Whether the last block is told of although it is not full.
        """
        size, keys = self.block_size, []
        computed = min(job.cached, job.num_shared)
        while (len(job.nodes) + 1) * size <= computed:
            at = len(job.nodes) * size
            job.nodes.append(self._published(job, tuple(job.ids[at : at + size])))
            keys.append(job.nodes[-1].key)
            self._coming.pop(keys[-1], None)
        at = len(job.nodes) * size
        if with_tail and at < computed:
            self._publish_tail(job, tuple(job.ids[at:computed]))
        return keys

    def leave(self, job: Job) -> list[int]:
        """Give back all blocks of a job, keeping for others what was computed; returns the keys it was awaited for."""
        if job.compressed_at is None:
            self.publish(job, with_tail=True)
        for key in job.awaited:
            self._coming.pop(key, None)
        self.tree.let_go(job.held, job.rank)
        self.pool.give_back(job.owned)
        job.nodes, job.tail, job.table = [], None, []
        job.owned.clear()
        return job.awaited

    def split_off(self, job: Job) -> list[int]:
        """Make a job's cache private before it is compressed; returns the blocks for what stays.

        What is computed stays in the tree for others; call `settle` once all is written.
        """
        if job.compressed_at is not None:
            return job.table
        self.publish(job, with_tail=True)
        return job.table[self._blocks_for(job.cached) :]

    def settle(self, job: Job, after: CacheState) -> None:
        """What stays is written: forget the uncompressed cache."""
        if job.compressed_at is None:
            num_read = self._blocks_for(job.cached)
            left = job.owned.intersection(job.table[:num_read])
            self.tree.let_go(job.held)
            self.pool.give_back(left)
            job.owned -= left
            job.nodes, job.tail, job.table = [], None, job.table[num_read:]
        job.state = after

    def keep_for_session(self, job: Job, num_ids: int) -> Kept | None:
        """Hand a compressed job's cache to its session, cut to `num_ids` tokens of the text; None where that can't be,
        since it was compressed behind them.
        """
        if job.compressed_at is None or num_ids < job.compressed_at:
            return None
        state = job.state.read(min(num_ids, job.cached + job.shift))
        num_blocks = self._blocks_for(state.cached)
        self.pool.give_back(job.table[num_blocks:])
        kept = Kept(job.table[:num_blocks], state, job.observed)
        job.table, job.owned = [], set()
        return kept

    def take_kept(self, kept: Kept) -> Kept | None:
        """A kept cache for a job: itself when no other session shares it, else a copy; None: no room."""
        if kept.sessions == 1:
            return kept
        if not self._make_room(len(kept.blocks)):
            return None
        copies = self.pool.take(len(kept.blocks))
        for source, target in zip(kept.blocks, copies, strict=True):
            self._copy(source, target, self.block_size)
        kept.sessions -= 1
        return Kept(copies, kept.state, kept.observed and kept.observed.copy())

    def drop_kept(self, kept: Kept) -> None:
        """A session lets go of a kept cache."""
        kept.sessions -= 1
        if kept.sessions == 0:
            self.pool.give_back(kept.blocks)

    def _extend(self, job: Job) -> bool:
        missing = self.num_needed(job) - len(job.table)
        if not self._make_room(missing):
            return False
        taken = self.pool.take(max(0, missing), job.table[-1] if job.table else None)
        job.table += taken
        job.owned.update(taken)
        return True

    def _announce(self, job: Job) -> None:
        """Note the full blocks of the prompt that the job is going to compute."""
        at, key = len(job.nodes) * self.block_size, job.nodes[-1].key if job.nodes else 0
        while at + self.block_size <= self._limit(job) + 1:
            key = chain(key, job.ids[at : at + self.block_size])
            if key not in self._coming:
                self._coming[key] = job
                job.awaited.append(key)
            at += self.block_size

    def _published(self, job: Job, ids: tuple[int, ...]) -> Node:
        """The node of a job's next full block: its own, or an equal one that was there before."""
        parent, block = job.nodes[-1] if job.nodes else self.tree.root, job.table[len(job.nodes)]
        if job.tail is not None:
            node, job.tail = job.tail, None
            if self.tree.grow(node, ids):
                return node
            job.owned.add(block)
        else:
            added = self.tree.add(parent, ids, block)
            if added is not None:
                job.owned.discard(block)
                return added
        equal = parent.full[ids]
        self.tree.hold([equal])
        return equal

    def _publish_tail(self, job: Job, ids: tuple[int, ...]) -> None:
        if job.tail is not None:
            if len(ids) > len(job.tail.ids):
                self.tree.grow(job.tail, ids)
            return
        block = job.table[len(job.nodes)]
        job.tail = self.tree.add(job.nodes[-1] if job.nodes else self.tree.root, ids, block)
        job.owned.discard(block)

    def _can_claim(self, match: Match) -> bool:
        """Whether the partial block (held once, by us) can be filled further instead of being copied."""
        node = match.partial
        return node is not None and node.users == 1 and match.num_partial == len(node.ids) < self.block_size

    def _make_room(self, count: int) -> bool:
        """Evict until `count` blocks are free; False, and nothing is evicted, when that can't be."""
        if self.pool.num_free + self.tree.num_unused < count:
            return False
        while self.pool.num_free < count:
            node = self.tree.evict()
            self.pool.give_back([node.block])
            self.num_evicted += 1
            if node.rank is not None:
                self.residents.lose(node.rank)
        return True

    def _blocks_for(self, positions: int) -> int:
        return -(-positions // self.block_size)

    def _limit(self, job: Job) -> int:
        """Tokens that may be found computed: the last one of the context is forwarded, since its logits are needed."""
        return self._methods.num_findable(job.num_context) if self._methods else job.num_context - 1
