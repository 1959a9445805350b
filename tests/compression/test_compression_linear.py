"""Compressed linear layers: packed levels, and layouts that bring a layer back."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lottery_plugins.compression.bits import pack, unpacked
from lottery_plugins.compression.linear import CompressedLinear, Int8Linear, PackedLinear
from lottery_plugins.compression.weights.rounding import round_to_nearest
from lottery_plugins.errors import ConfigError, DataError


def linear_of(rows=24, cols=64, bias=True, seed=0):
    generator = torch.Generator().manual_seed(seed)
    linear = nn.Linear(cols, rows, bias=bias).requires_grad_(False)
    linear.weight.copy_(torch.randn(rows, cols, generator=generator))
    return linear


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 9), st.integers(1, 7), st.integers(0, 99))
def test_unpacked_numbers_are_those_that_were_packed(bits, eights, width, seed):
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randint(0, 2**bits, (8 * eights, width), generator=generator, dtype=torch.uint8)
    data = pack(numbers, bits)
    assert data.shape == (eights * bits, width)
    assert torch.equal(unpacked(data, bits), numbers.float())


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_given_levels_scale_and_zero_make_the_weight(bits):
    generator = torch.Generator().manual_seed(bits)
    levels = torch.randint(0, 2**bits, (24, 64), generator=generator, dtype=torch.uint8)
    scale = torch.rand(4, 24, generator=generator).half()
    zero = torch.randint(0, 2**bits, (4, 24), generator=generator)
    layer = PackedLinear(levels, scale, zero, bits)
    each = [t.float().repeat_interleave(16, dim=0).t() for t in (scale, zero)]  # (rows, cols)
    torch.testing.assert_close(layer.dequantize(), (levels.float() - each[1]) * each[0], atol=1e-5, rtol=1e-5)
    assert layer.packed.numel() * 8 == 24 * 64 * bits
    assert ((layer.dequantize() == 0) == ((levels.float() == each[1]) | (each[0] == 0))).all()


def test_more_bits_are_nearer():
    linear = linear_of()
    errors = [(round_to_nearest(linear, bits, 16).dequantize() - linear.weight).abs().mean() for bits in range(1, 9)]
    assert errors == sorted(errors, reverse=True)


def test_levels_that_do_not_fill_bytes_are_refused():
    levels = torch.zeros(4, 12, dtype=torch.uint8)
    with pytest.raises(ConfigError, match="multiple of 8"):
        PackedLinear(levels, torch.ones(1, 4), torch.zeros(1, 4), 3)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "make", [Int8Linear, lambda a: round_to_nearest(a, 4, 32), lambda a: round_to_nearest(a, 3, 16)]
)
def test_a_layer_comes_back_from_its_layout_and_its_tensors(make, bias):
    layer = make(linear_of(bias=bias))
    again = CompressedLinear.from_layout(json.loads(json.dumps(layer.layout())))
    again.load_state_dict(layer.state_dict(), strict=True)
    x = torch.randn(3, 64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again(x), layer(x))
    assert (type(again), again.num_zeros, again.bits) == (type(layer), layer.num_zeros, layer.bits)
    assert again.layout() == layer.layout()


def test_an_empty_layer_is_built_where_torch_builds():
    layout = Int8Linear(linear_of()).layout()
    with torch.device("meta"):
        layer = CompressedLinear.from_layout(layout)
    assert layer.levels.is_meta


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "torch.nn.Linear"},
        {"kind": ["int8"]},
        {"in_features": None},
        {"settings": {}},
        {"settings": {"bits": {"a": 1}}},
        {"buffers": {"packed": ["object", 3]}},
        {"buffers": {"packed": ["uint8", -3]}},
        {"buffers": {"forward": ["uint8", 3]}},
        {"buffers": [1]},
        {"parameters": None},
    ],
)
def test_a_layout_that_is_none_is_refused(change):
    layout = round_to_nearest(linear_of(), 4, 16).layout()
    with pytest.raises(DataError, match="checkpoint"):
        CompressedLinear.from_layout({**layout, **change})
