"""What each KV method keeps, on caches small enough to be worked out by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.compression import H2O, TOVA, KVQuant, PyramidKV, SnapKV
from lottery_plugins.compression.kv.eviction import kept_positions
from lottery_plugins.errors import BackendError, ConfigError
from lottery_plugins.protocols.kv_cache import LayerView, kept_count


def view(weights, *, mass=None, pads=0):
    """A layer with one key head, in which the last queries attend to the tokens by these weights, later ones least.

    Args:
        weights: Of each of the last queries, one per token: exp of its scores.
        mass: Attention received by each token.
        pads: Positions before the first token.
    """
    num_queries, length = len(weights), len(weights[0])
    scores = torch.tensor(weights).log()
    keys = torch.eye(length)[None, None]
    queries = scores[None, None]  # against unit keys, a query's numbers are its scores
    received = torch.tensor([[mass]]) if mass is not None else None
    if pads:
        keys = torch.nn.functional.pad(keys, (0, 0, pads, 0), value=5.0)
        received = torch.nn.functional.pad(received, (pads, 0), value=5.0) if received is not None else None
    valid = (torch.arange(length + pads) >= pads)[None]
    return LayerView(0, keys, keys, valid, 4, queries, valid[:, -num_queries:], 1.0, received)


def kept(press, of):
    """Tokens that stay, counted from the first."""
    length = int(of.valid.sum())
    positions, _ = kept_positions(press.score(of), of.valid, torch.tensor([kept_count(press, length)]))
    return (positions[0, 0] - (of.valid.shape[1] - length)).tolist()


@pytest.mark.parametrize("pads", [0, 3])
def test_h2o_keeps_the_newest_half_and_those_that_received_most(pads):
    seen = view([[1.0] * 8], mass=[3.0, 0.1, 2.5, 0.2, 9.0, 0.1, 0.3, 0.2], pads=pads)
    assert kept(H2O(compression_ratio=0.5), seen) == [0, 4, 6, 7]
    assert kept(H2O(compression_ratio=0.5, recent=0.0), seen) == [0, 2, 4, 6]
    assert kept(H2O(compression_ratio=0.875), seen) == [7]


def test_h2o_gives_ties_to_the_earlier():
    seen = view([[1.0] * 6], mass=[1.0, 1.0 + 1e-6, 1.0, 1.0, 1.0, 0.9])
    assert kept(H2O(compression_ratio=0.5, recent=0.0), seen) == [0, 1, 2]


@pytest.mark.parametrize("pads", [0, 2])
def test_tova_keeps_what_the_last_query_attends_to_and_the_last(pads):
    seen = view([[0.9, 0.1, 0.1, 0.1, 0.1, 0.1], [0.1, 0.5, 0.2, 0.6, 0.3, 0.01]], pads=pads)
    assert kept(TOVA(compression_ratio=0.5), seen) == [1, 3, 5]


@pytest.mark.parametrize("pads", [0, 4])
def test_snapkv_keeps_the_window_and_what_stands_around_what_it_attends_to(pads):
    attended = [0.01, 0.01, 0.01, 5.0, 0.01, 0.01, 0.01, 0.01, 1.0, 1.0]
    seen = view([attended, attended], pads=pads)
    assert kept(SnapKV(compression_ratio=0.5, window=2, kernel=3), seen) == [2, 3, 4, 8, 9]
    assert kept(SnapKV(compression_ratio=0.7, window=2, kernel=1), seen) == [3, 8, 9]


def test_snapkv_halves_a_window_that_would_leave_no_room():
    attended = [0.01, 5.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01]
    assert kept(SnapKV(compression_ratio=0.75, window=6, kernel=1), view([attended] * 6)) == [1, 7]


def test_pyramid_budgets_fall_evenly_and_have_the_mean():
    press = PyramidKV(compression_ratio=0.5, window=10, beta=20)
    assert [kept_count(press, 200, layer, 5) for layer in range(5)] == [190, 145, 100, 55, 10]
    assert [kept_count(press, 200, 0, 1), kept_count(PyramidKV(window=200), 200, 3, 5)] == [100, 100]


@given(st.integers(1, 300), st.integers(0, 99), st.integers(1, 12), st.integers(1, 64), st.integers(1, 30))
def test_pyramid_budgets_never_rise_with_the_layer_and_sum_to_the_whole(tokens, percent, layers, window, beta):
    press = PyramidKV(compression_ratio=percent / 100, window=window, beta=beta)
    budgets = [kept_count(press, tokens, layer, layers) for layer in range(layers)]
    assert budgets == sorted(budgets, reverse=True)
    assert sum(budgets) == layers * (tokens - tokens * percent // 100)
    assert all(1 <= budget <= tokens for budget in budgets)


@pytest.mark.parametrize("press", [H2O(), TOVA(), SnapKV()])
def test_a_press_that_was_not_given_what_it_asks_for_says_so(press):
    keys = torch.ones(1, 1, 4, 2)
    with pytest.raises(BackendError, match=f"{press.name}.*was given no"):
        press.score(LayerView(0, keys, keys, torch.ones(1, 4, dtype=torch.bool)))


@pytest.mark.parametrize(
    ("method", "options", "named"),
    [
        (H2O, {"recent": 1.0}, "h2o.recent"),
        (H2O, {"prefill_interval": -1}, "h2o.prefill_interval"),
        (KVQuant, {"bits": 3}, "kv-quant.bits"),
        (KVQuant, {"group_size": 12}, "kv-quant.group_size"),
        (KVQuant, {"residual": -1}, "kv-quant.residual"),
        (PyramidKV, {"beta": 0}, "pyramid-kv.beta"),
        (PyramidKV, {"kernel": 4}, "pyramid-kv.kernel"),
        (SnapKV, {"window": 0}, "snapkv.window"),
        (TOVA, {"decoding_interval": 1.5}, "tova.decoding_interval"),
    ],
)
def test_options_outside_their_range_are_refused_by_name(method, options, named):
    with pytest.raises(ConfigError, match=named):
        method(**options)


def test_kv_quant_keeps_the_levels_of_a_group_exactly():
    method = KVQuant(group_size=16)
    values = torch.arange(16.0).expand(1, 16, 16)  # all 16 levels in each position
    assert torch.equal(method.decode_values(method.encode_values(values), 16), values)
    keys = values.transpose(1, 2)  # all 16 levels in each channel
    assert torch.equal(method.decode_keys(method.encode_keys(keys), 16), keys)


def test_kv_quant_takes_the_bytes_that_its_numbers_and_scales_need():
    assert KVQuant(bits=4, group_size=32).group_bytes(64) == 32 * 64 // 2 + 64 * 4
    assert KVQuant(bits=2, group_size=64).group_bytes(128) == 64 * 128 // 4 + 128 * 4
    assert KVQuant(bits=4, group_size=64).group_bytes(80) == 64 * 80 // 2 + 80 * 4


def test_kv_quant_survives_numbers_that_16_bits_cannot_hold():
    wild = torch.tensor([1e9, -1e9, 0.0, 1e-9]).repeat(8, 4)[None]
    method = KVQuant(group_size=8)
    assert method.decode_values(method.encode_values(wild), 16).isfinite().all()
