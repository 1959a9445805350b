"""Switching a transformers model to another attention function and back, which its modules read from their configs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["AttentionSwitch"]


class AttentionSwitch:
    """Sets the name of the attention function in all configs that a model's modules read.

    Args:
        model: A transformers model. Its configs, those inside of others included, are found once.
    """

    def __init__(self, model: Any) -> None:
        configs = {id(c): c for m in model.modules() if (c := getattr(m, "config", None)) is not None}
        for config in list(configs.values()):
            for name in getattr(config, "sub_configs", ()):
                if (sub := getattr(config, name, None)) is not None:
                    configs[id(sub)] = sub
        self._configs = [c for c in configs.values() if hasattr(c, "_attn_implementation_internal")]

    def to(self, name: str) -> list[Any]:
        """Attend by the function registered under `name`; returns what `back` takes."""
        before = [config._attn_implementation_internal for config in self._configs]
        for config in self._configs:
            config._attn_implementation_internal = name
        return before

    def back(self, before: Sequence[Any]) -> None:
        """Attend as it was before; () changes nothing."""
        for config, name in zip(self._configs, before, strict=False):
            config._attn_implementation_internal = name
