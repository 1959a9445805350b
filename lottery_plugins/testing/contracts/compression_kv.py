"""Contract suites for methods that act on the KV cache; see `testing.contracts.compression`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hypothesis import strategies as st

from lottery_plugins.attention_math import attention_mass
from lottery_plugins.compression.kv.eviction import kept_positions
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.protocols.kv_cache import (
    KVPress,
    KVQuantizer,
    LayerView,
    checked_score,
    demands,
    encoded_count,
    kept_count,
)
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

__all__ = ["check_kv_press", "check_kv_quantizer"]

_PERCENTS = (0, 1, 10, 25, 29, 50, 70, 75, 90, 99)


def check_kv_press(press: type[KVPress], options: Mapping[str, Any] | None = None, *, max_examples: int = 15) -> None:
    """Check a press: declaration, scores, kept counts, padding, batches, identity at ratio 0, untouched model.

    Args:
        press: The class.
        options: Options besides `compression_ratio`. With a `decoding_interval`, a small one, generation is tried
            with it too. A `prefill_interval` needs engine=packed and has no place here.
        max_examples: Batches and ratios that are tried for each claim.
    """
    check_declaration(press, "kv-cache", KVPress, options)
    build: Callable[..., KVPress] = functools.partial(press, **(options or {}))
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        assert_refused(functools.partial(build, compression_ratio=wrong), f"compression_ratio={wrong}")
    for length in (*range(1, 12), 20, 33, 40):
        _check_budgets(build, length)
        _check_scores(build, length)
    model = tiny_model()
    before = model_digest(model)

    def batch_invariant(rows: list[list[int]], ratio: float) -> None:
        method = build(compression_ratio=ratio)
        with attached(method, model) as work:
            together = greedy(model, rows)
            if ratio:
                expected = [sum(kept_count(method, len(row), layer, 2) for row in rows) for layer in range(2)]
                assert work.statistics.kept_by_layer == expected, "another number was kept than documented"
            assert together == [greedy(model, [row])[0] for row in rows], "a row in a batch differs from the row alone"
        assert model_digest(model) == before, "a hook or a change stayed on the model"

    def identity_at_zero(rows: list[list[int]]) -> None:
        with attached(build(compression_ratio=0.0), model):
            pressed, scored = last_logits(model, rows), score_in_two_phases(model, rows[0], [5, 6, 7])
        assert torch.equal(pressed, last_logits(model, rows)), "ratio 0 changes logits"
        assert scored == score_in_two_phases(model, rows[0], [5, 6, 7]), "ratio 0 changes a log-likelihood"

    def scores_repeat(rows: list[list[int]], ratio: float) -> None:
        with attached(build(compression_ratio=ratio), model):
            first, second = (score_in_two_phases(model, rows[0], rows[-1]) for _ in range(2))
        assert first == second, "the same log-likelihood came out differently"
        assert first.logprob < 0, "a log-likelihood is not that of a probability"

    try_on(batch_invariant, max_examples, rows=prompts(), ratio=ratios())
    try_on(identity_at_zero, max_examples, rows=prompts())
    try_on(scores_repeat, max_examples, rows=prompts(), ratio=ratios())


def _view(press: KVPress, length: int, pads: int, seed: int = 0) -> LayerView:
    """Two equal rows of random keys, values and queries, with what a press asks for and nothing else."""
    generator = torch.Generator().manual_seed(seed)
    wanted, seq_len = demands(press), length + pads
    states = [torch.randn(1, heads, length, 8, generator=generator).repeat(2, 1, 1, 1) for heads in (2, 2, 4)]
    keys, values, queries = (torch.nn.functional.pad(part, (0, 0, pads, 0), value=9.0) for part in states)
    valid = (torch.arange(seq_len) >= pads).repeat(2, 1)
    count = min(wanted.num_queries, seq_len)
    return LayerView(
        layer=1,
        keys=keys,
        values=values,
        valid=valid,
        num_layers=3,
        queries=queries[:, :, seq_len - count :] if count else None,
        query_valid=valid[:, seq_len - count :] if count else None,
        scaling=0.5,
        mass=attention_mass(queries, keys, 0.5, valid) if wanted.needs_mass else None,
    )


def _check_scores(build: Callable[..., KVPress], length: int) -> None:
    """Scores are finite and repeatable, choose tokens alone, and those that the row without padding chooses."""
    pads = length % 3
    for percent in _PERCENTS:
        press = build(compression_ratio=percent / 100)
        view = _view(press, length, pads)
        score = checked_score(press, view)
        assert score.dtype == torch.float32, "scores must be float32"
        assert torch.equal(score, press.score(view)), "the same view was scored differently"
        keep = torch.tensor([kept_count(press, length, 1, 3)] * 2)
        positions, kept_valid = kept_positions(score, view.valid, keep)
        assert kept_valid.all(), "rows of equal length need no padding"
        assert (positions >= pads).all(), "padding was kept"
        assert (positions.diff(dim=-1) > 0).all(), "a position was kept twice or out of order"
        alone = _view(press, length, 0)
        unpadded, _ = kept_positions(press.score(alone), alone.valid, keep)
        assert torch.equal(positions - pads, unpadded), "padding changes what is kept"


def _check_budgets(build: Callable[..., KVPress], length: int) -> None:
    """A layer keeps at least one position, and never more at a higher ratio; the mean is the documented one."""
    for num_layers in (1, 2, 5):
        before = [length] * num_layers
        for percent in _PERCENTS:
            press = build(compression_ratio=percent / 100)
            kept = [kept_count(press, length, layer, num_layers) for layer in range(num_layers)]
            documented = num_layers * (length - length * percent // 100)
            assert all(1 <= count <= length for count in kept), "a layer keeps nothing, or more than there is"
            assert sum(kept) == documented, "another number is kept than documented"
            assert all(low >= high for low, high in zip(before, kept, strict=True)), "a higher ratio keeps more"
            before = kept


def check_kv_quantizer(
    quantizer: type[KVQuantizer], options: Mapping[str, Any] | None = None, *, max_error: float, max_examples: int = 15
) -> None:
    """Check a quantizer: declaration, round trip, bytes, rows that stand for themselves, generation, untouched model.

    Args:
        quantizer: The class.
        options: Options that make its groups and residual small, so that prompts of 20 tokens have some: together at
            most 12 positions.
        max_error: Largest difference between a number and what decoding gives for it, as a share of the range of all
            numbers of the group of positions.
        max_examples: Batches that are tried for each claim.
    """
    check_declaration(quantizer, "kv-cache", KVQuantizer, options)
    method: KVQuantizer = quantizer(**(options or {}))
    assert method.group_size + method.residual <= 12, "choose options with a smaller group_size and residual"
    for head_dim in (8, 16, 64, 80):
        for scale in (0.0, 1e-4, 1.0, 300.0):
            _check_round_trip(method, head_dim, scale, max_error)
    model = tiny_model()
    before = model_digest(model)

    def batch_invariant(rows: list[list[int]]) -> None:
        with attached(None, model, method) as work:
            together = greedy(model, rows)
            assert work.statistics.packed_bytes_after == _expected_bytes(method, rows), "other bytes than documented"
            assert together == [greedy(model, [row])[0] for row in rows], "a row in a batch differs from the row alone"
        assert model_digest(model) == before, "a hook or a change stayed on the model"

    def short_texts_are_left_alone(row: list[int]) -> None:
        expected = score_in_two_phases(model, row, [5, 6, 7])
        with attached(None, model, method):
            found = score_in_two_phases(model, row, [5, 6, 7])
        if encoded_count(method, len(row)) == 0:
            assert abs(found.logprob - expected.logprob) < 1e-3, "a text without a whole group was changed"

    try_on(batch_invariant, max_examples, rows=prompts())
    try_on(short_texts_are_left_alone, max_examples, row=st.lists(st.integers(1, 127), min_size=1, max_size=12))


def _check_round_trip(method: KVQuantizer, head_dim: int, scale: float, max_error: float) -> None:
    """Decoding gives numbers near enough, encoding is exact about bytes, and no row or head depends on another."""
    generator = torch.Generator().manual_seed(head_dim)
    states = torch.randn(2, 3, method.group_size, head_dim, generator=generator) * scale
    for encode, decode in (
        (method.encode_keys, method.decode_keys),
        (method.encode_values, method.decode_values),
    ):
        data = encode(states)
        assert data.dtype == torch.uint8, "encoded data are bytes"
        assert data.shape == (2, 3, method.group_bytes(head_dim)), "another number of bytes than documented"
        decoded = decode(data, head_dim)
        assert decoded.shape == states.shape, "decoding gives another shape"
        assert decoded.dtype == torch.float32, "decoding gives float32"
        extent = (states.amax(dim=(2, 3)) - states.amin(dim=(2, 3)))[..., None, None]
        assert ((decoded - states).abs() <= max_error * extent + 1e-6).all(), "decoding is further off than documented"
        assert torch.equal(encode(states), data), "the same numbers were encoded differently"
        assert torch.equal(encode(states[1:, 2:]), data[1:, 2:]), "a head's bytes depend on its neighbours"
        assert torch.equal(decode(data[:1, 1], head_dim), decoded[:1, 1]), "a head's numbers depend on its neighbours"
        assert torch.equal(encode(states.transpose(2, 3).contiguous().transpose(2, 3)), data), (
            "strides change the bytes"
        )


def _expected_bytes(method: KVQuantizer, rows: list[list[int]]) -> int:
    """Bytes of the tiny model's encoded cache: 2 layers of 2 heads of 16 float32."""
    total = 0
    for row in rows:
        encoded = encoded_count(method, len(row))
        groups = encoded // method.group_size
        total += 2 * 2 * 2 * (groups * method.group_bytes(16) + (len(row) - encoded) * 16 * 4)
    return total
