"""Boosted trees as plain numbers: what xgboost trained, evaluated without it."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Trees"]

_LEAF = -1


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees whose leaves are added up. Node 0 of each tree is its root; a child has a higher number than its parent.

    Attributes:
        num_features: Features that they take.
        features: Per tree and node, the feature that is looked at; -1 in a leaf.
        values: Per tree and node, what a feature must be below to go left, in float32; in a leaf, what it adds.
        left: Per tree and node, where to go then.
        right: Per tree and node, where to go otherwise.
    """

    num_features: int
    features: tuple[tuple[int, ...], ...]
    values: tuple[tuple[float, ...], ...]
    left: tuple[tuple[int, ...], ...]
    right: tuple[tuple[int, ...], ...]

    def margin(self, values: Sequence[float]) -> float:
        """The logarithm of the odds."""
        if len(values) != self.num_features:
            raise ValueError(f"{len(values)} features, not {self.num_features}")
        single = _single(values)
        return math.fsum(self._leaf(tree, single) for tree in range(len(self.features)))

    def _leaf(self, tree: int, values: Sequence[float]) -> float:
        node = 0
        while (feature := self.features[tree][node]) != _LEAF:
            goes_left = values[feature] < self.values[tree][node]
            node = (self.left if goes_left else self.right)[tree][node]
        return self.values[tree][node]

    @classmethod
    def from_dump(cls, dump: Sequence[Mapping[str, Any]], num_features: int) -> Trees:
        """From xgboost's `get_dump(dump_format="json")`, parsed: one nested mapping per tree."""
        made = [_flat(tree) for tree in dump]
        return cls(
            num_features,
            features=tuple(tuple(node.feature for node in tree) for tree in made),
            values=tuple(_single([node.value for node in tree]) for tree in made),
            left=tuple(tuple(node.left for node in tree) for tree in made),
            right=tuple(tuple(node.right for node in tree) for tree in made),
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trees:
        """From a classifier's file.

        Raises:
            ValueError, KeyError, TypeError, OverflowError, struct.error: It is none.
        """
        features, left, right = (tuple(tuple(tree) for tree in data[name]) for name in ("features", "left", "right"))
        trees = cls(data["num_features"], features, tuple(map(_single, data["values"])), left, right)
        for nodes in zip(trees.features, trees.values, trees.left, trees.right, strict=True):
            _check_nodes([_Node(*node) for node in zip(*nodes, strict=True)], trees.num_features)
        return trees


class _Node(NamedTuple):
    feature: int
    value: float
    left: int = 0
    right: int = 0


def _check_nodes(tree: Sequence[_Node], num_features: int) -> None:
    """Refuse a tree that could be walked for ever, or out of.

    Raises:
        ValueError: It could.
    """
    for number, node in enumerate(tree):
        is_inner = 0 <= node.feature < num_features and number < min(node.left, node.right)
        goes_on = is_inner and max(node.left, node.right) < len(tree)
        if not math.isfinite(node.value) or not (node.feature == _LEAF or goes_on):
            raise ValueError(f"node {number} of a tree leads nowhere")


def _flat(root: Mapping[str, Any]) -> list[_Node]:
    """The nodes of a tree, parents before children."""
    order = [root]
    for node in order:
        order.extend(node.get("children", ()))
    place = {node["nodeid"]: i for i, node in enumerate(order)}
    return [
        _Node(_LEAF, node["leaf"])
        if "leaf" in node
        else _Node(int(node["split"][1:]), node["split_condition"], place[node["yes"]], place[node["no"]])
        for node in order
    ]


def _single(values: Sequence[float]) -> tuple[float, ...]:
    """The values rounded to float32, in which xgboost compares and adds."""
    return struct.unpack(f"{len(values)}f", struct.pack(f"{len(values)}f", *values))
