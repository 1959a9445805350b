"""The contract suite for methods that act on the KV cache; see `testing.contracts.compression`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lottery_plugins.compression.kv.eviction import kept_positions
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.protocols.compression import removed_count
from lottery_plugins.protocols.kv_cache import KVPress, LayerView
from lottery_plugins.testing.contracts.compression_pieces import (
    assert_refused,
    check_declaration,
    greedy,
    last_logits,
    model_digest,
    prompts,
    ratios,
    tiny_model,
    try_on,
)

__all__ = ["check_kv_press"]


def check_kv_press(press: type[KVPress], options: Mapping[str, Any] | None = None, *, max_examples: int = 15) -> None:
    """Check a press: declaration, finite scores, kept counts, batches, identity at ratio 0, untouched model.

    Args:
        press: The class.
        options: Options besides `compression_ratio`.
        max_examples: Batches and ratios that are tried for each claim.
    """
    check_declaration(press, "kv-cache", KVPress, options)
    build: Callable[..., KVPress] = functools.partial(press, **(options or {}))
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        assert_refused(functools.partial(build, compression_ratio=wrong), f"compression_ratio={wrong}")
    _check_scores(build)
    model = tiny_model()
    before = model_digest(model)

    def batch_invariant(rows: list[list[int]], ratio: float) -> None:
        with attached(build(compression_ratio=ratio), model) as work:
            together = greedy(model, rows)
            if ratio:
                expected = sum(len(row) - removed_count(len(row), ratio) for row in rows)
                assert work.statistics.kept_tokens == expected, "another number of positions was kept than documented"
            assert together == [greedy(model, [row])[0] for row in rows], "a row in a batch differs from the row alone"
        assert model_digest(model) == before, "a hook or a change stayed on the model"

    def identity_at_zero(rows: list[list[int]]) -> None:
        with attached(build(compression_ratio=0.0), model):
            pressed, scored = last_logits(model, rows), score_in_two_phases(model, rows[0], [5, 6, 7])
        assert torch.equal(pressed, last_logits(model, rows)), "ratio 0 changes logits"
        assert scored == score_in_two_phases(model, rows[0], [5, 6, 7]), "ratio 0 changes a log-likelihood"

    try_on(batch_invariant, max_examples, rows=prompts(), ratio=ratios())
    try_on(identity_at_zero, max_examples, rows=prompts())


def _check_scores(build: Callable[..., KVPress]) -> None:
    """Scores are finite, repeatable, and choose the documented number for every length and written ratio."""
    generator = torch.Generator().manual_seed(0)
    for length in range(1, 41):
        pads = length % 3
        keys = torch.randn(2, 2, length + pads, 8, generator=generator)
        valid = (torch.arange(length + pads) >= pads).repeat(2, 1)
        view = LayerView(0, keys, torch.randn(keys.shape, generator=generator), valid)
        widths = []
        for percent in (0, 1, 10, 25, 29, 50, 70, 75, 90, 99):
            press = build(compression_ratio=percent / 100)
            score = press.score(view)
            assert score.shape == keys.shape[:3], "scores must be (batch, kv_heads, seq_len)"
            assert score.dtype == torch.float32, "scores must be float32"
            assert torch.isfinite(score).all(), "scores must be finite"
            assert torch.equal(score, press.score(view)), "the same view was scored differently"
            positions, kept_valid = kept_positions(score, valid, percent / 100)
            assert positions.shape[-1] == length - length * percent // 100, "another number is kept than documented"
            assert kept_valid.all(), "rows of equal length need no padding"
            assert (positions >= pads).all(), "padding was kept"
            assert (positions.diff(dim=-1) > 0).all(), "a position was kept twice or out of order"
            widths.append(positions.shape[-1])
        assert widths == sorted(widths, reverse=True), "a higher ratio kept more"
