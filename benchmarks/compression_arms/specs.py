"""What is measured, as data: the specs of all methods that are installed, and the tasks of each ability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lottery_plugins.discovery import discover
from lottery_plugins.errors import LotteryError
from lottery_plugins.options import missing_requirements
from lottery_plugins.specs import parse_specs

__all__ = ["ABILITIES", "AUGMENTED", "KNOBS", "ORIGINAL", "Chosen", "acts_while_loading", "choose"]

ORIGINAL = "none"

RATIOS = tuple(f"compression_ratio={ratio}" for ratio in (0.25, 0.5, 0.75))
SPARSITIES = ("sparsity=0.25", "sparsity=0.5", "pattern=2of4")

VARIANTS: Mapping[str, Sequence[str]] = {
    "cast": ("dtype=bfloat16", "dtype=float16"),
    "rtn": ("bits=8", "bits=3", "bits=2"),
    "gptq": ("", "bits=3"),
    "awq": ("", "bits=3"),
    "hqq": ("", "bits=3"),
    "magnitude": SPARSITIES,
    "wanda": SPARSITIES,
    "sparsegpt": SPARSITIES,
    "layer-drop": ("compression_ratio=0.1", "compression_ratio=0.25"),
    "svd": ("compression_ratio=0.2", "compression_ratio=0.5"),
    "key-norm": RATIOS,
    "streaming-llm": RATIOS,
    "h2o": RATIOS,
    "snapkv": RATIOS,
    "tova": RATIOS,
    "pyramid-kv": RATIOS,
    "kv-quant": ("bits=4", "bits=2"),
}
"""Options of the methods that are measured with more than their defaults; "" is the defaults."""

JOINED = (
    "int8+wanda:sparsity=0.3",
    "gptq+wanda:sparsity=0.5",
    "int4+snapkv:compression_ratio=0.5",
    "int8+snapkv:compression_ratio=0.5+kv-quant:bits=4",
)

ABILITIES: Mapping[str, Sequence[str]] = {
    "retrieval": ("lottery_needle",),
    "resources": ("lottery_arithmetic", "lottery_invented_facts"),
    "planning": ("lottery_schedule",),
    "operations": ("lottery_operations",),
    "long context": ("lottery_multi_hop",),
}

AUGMENTED: Mapping[str, Mapping[str, str]] = {
    "lottery_needle": {"reasoner": "retrieve-then-read:top_k=1", "retriever": "prompt"},
    "lottery_arithmetic": {"reasoner": "program-aided", "tools": "python"},
    "lottery_invented_facts": {"reasoner": "retrieve-then-read:top_k=1", "retriever": "bm25"},
    "lottery_schedule": {"reasoner": "program-aided", "tools": "python"},
    "lottery_operations": {"reasoner": "program-aided", "tools": "python"},
    "lottery_multi_hop": {"reasoner": "retrieve-then-read:top_k=2", "retriever": "prompt"},
}
"""What each task is given in the augmented arm."""

KNOBS: Mapping[str, Sequence[int]] = {"needle_lengths": [256], "hops_lengths": [128], "hops_counts": [1, 2]}
"""Shorter texts than the tasks' own: there are many methods, and longer ones are for `kv_heatmap.py`."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Specs to measure, the original first, and why others are left out."""

    specs: tuple[str, ...]
    left_out: Mapping[str, str]


def choose(only: Sequence[str] = ()) -> Chosen:
    """The specs of all methods that can be made here.

    Args:
        only: Whole specs, and words: all specs that have one in them.
    """
    specs, left_out = [], {}
    for plugin in discover().plugins("compression"):
        missing = [install for _, install in missing_requirements(plugin.cls)]
        if missing:
            left_out[plugin.name] = f"needs {', '.join(missing)}"
            continue
        specs += [f"{plugin.name}:{options}".rstrip(":") for options in VARIANTS.get(plugin.name, ("",))]
    specs += JOINED
    if only:
        named = [word for word in only if word in specs or ":" in word or "+" in word]
        words = [word for word in only if word not in named]
        specs = list(dict.fromkeys([*named, *(spec for spec in specs if any(word in spec for word in words))]))
        left_out = {name: why for name, why in left_out.items() if any(word in name for word in only)}
    makeable = []
    for spec in specs:
        try:
            _make(spec)
            makeable.append(spec)
        except LotteryError as error:
            left_out[spec] = str(error)
    return Chosen((ORIGINAL, *makeable), left_out)


def acts_while_loading(spec: str) -> bool:
    """Whether a spec has a method that decides how the model is loaded."""
    return spec != ORIGINAL and any(method.stage == "load" for method in _make(spec))


def _make(spec: str) -> list[object]:
    from lottery_plugins.compression.apply import check_composition

    registry = discover()
    made = [registry.create("compression", one) for one in parse_specs(spec, "spec")]
    return list(check_composition(made))
