"""How long several ways to compute the same take, each for some numbers of tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

__all__ = ["TOKENS", "Times", "measured"]

TOKENS = (1, 8, 32)  # of the trials; for many more, all ways are limited by the same arithmetic
_TRIAL_SECONDS, _MIN_ROUNDS = 0.05, 6

Times = dict[str, dict[int, float]]  # seconds by way and tokens


def measured(
    ways: Mapping[str, Sequence[Callable[[torch.Tensor], Any]]], in_features: int, dtype: torch.dtype
) -> Times:
    """The shortest runs, the ways in turn, for what other processes take away.

    Args:
        ways: Per way the same work on several weights, which take turns.
        in_features: Size of the states.
        dtype: Of the states.
    """
    times: Times = {way: {} for way in ways}
    for tokens in TOKENS:
        states = torch.randn(1, tokens, in_features).to(dtype)
        taken: dict[str, list[float]] = {way: [] for way in ways}
        end = time.perf_counter() + _TRIAL_SECONDS
        turn = 0
        while turn < _MIN_ROUNDS or time.perf_counter() < end:
            for way, works in ways.items():
                work = works[turn % len(works)]
                start = time.perf_counter()
                work(states)
                taken[way].append(time.perf_counter() - start)
            turn += 1
        for way, seconds in taken.items():
            times[way][tokens] = min(seconds[1:])
    return times
