"""The weight methods: what is stored, how far from the original, and the choice that the paper describes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lottery_plugins.compression import Int4, Int8, Wanda
from lottery_plugins.compression.linear import Int8Linear
from lottery_plugins.compression.structure import decoder_linears, structural_clone
from lottery_plugins.compression.weights.rounding import round_to_nearest
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.testing.contracts.compression import tiny_calibration, tiny_model


def random_linear(rows, cols, seed=0, bias=False, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    linear = nn.Linear(cols, rows, bias=bias)
    linear.weight.data = torch.randn(rows, cols, generator=generator) * spread
    return linear.requires_grad_(False)


sizes = st.tuples(st.integers(1, 40), st.integers(1, 6), st.integers(0, 99), st.sampled_from([1e-3, 1.0, 50.0]))


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_int8_is_within_half_a_step_of_each_weight(size):
    rows, groups, seed, spread = size
    linear = random_linear(rows, 16 * groups, seed, spread=spread)
    quantized = Int8Linear(linear)
    error = (quantized.dequantize() - linear.weight).abs()
    assert (error <= quantized.scale[:, None] * 0.5001).all()
    assert quantized.levels.dtype == torch.int8


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_int4_is_within_a_step_of_each_weight_and_two_weights_share_a_byte(size):
    rows, groups, seed, spread = size
    linear = random_linear(rows, 16 * groups, seed, spread=spread)
    quantized = round_to_nearest(linear, 4, group_size=16)
    step = quantized.scale.float().expand(-1, 16, -1).reshape(-1, rows).t()  # (rows, cols)
    error = (quantized.dequantize() - linear.weight).abs()
    assert (error <= step * 1.01).all()  # half a step for the level, half for the zero point
    assert error.mean() <= step.mean() * 0.35
    assert quantized.packed.numel() * 2 == linear.weight.numel()
    assert quantized.packed.dtype == torch.uint8


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("make", [Int8Linear, lambda linear: round_to_nearest(linear, 4, 32)])
def test_forward_multiplies_by_the_dequantized_weight(make, dtype, bias):
    linear = random_linear(24, 64, bias=bias).to(dtype)
    quantized = make(linear)
    x = torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(1)).to(dtype)
    expected = nn.functional.linear(
        x.float(), quantized.dequantize(), None if linear.bias is None else linear.bias.float()
    )
    result = quantized(x)
    assert result.dtype == dtype
    tolerance = {torch.float32: 1e-4, torch.bfloat16: 0.3, torch.float16: 0.05}[dtype]
    torch.testing.assert_close(result.float(), expected, atol=tolerance, rtol=0.02)


@pytest.mark.parametrize("make", [Int8Linear, lambda linear: round_to_nearest(linear, 4, 32)])
def test_zero_weights_stay_exactly_zero(make):
    linear = random_linear(24, 64)
    linear.weight.data[:, ::3] = 0
    linear.weight.data[5] = 0
    quantized = make(linear)
    assert (quantized.dequantize()[:, ::3] == 0).all()
    assert (quantized.dequantize()[5] == 0).all()
    assert quantized.num_zeros == int((linear.weight == 0).sum())


def test_weights_that_are_not_finite_are_refused():
    linear = random_linear(4, 32)
    linear.weight.data[0, 0] = float("inf")
    with pytest.raises(ConfigError, match="finite"):
        Int8Linear(linear)


@pytest.mark.parametrize("size", [0, -2, 1, 1.5, True])
def test_int4_refuses_useless_group_sizes(size):
    with pytest.raises(ConfigError, match="group_size"):
        Int4(group_size=size)


def test_only_linear_layers_of_the_decoder_are_replaced():
    compressed = Int8().compress(tiny_model())
    assert isinstance(compressed.lm_head, nn.Linear)
    assert compressed.lm_head.weight is compressed.model.embed_tokens.weight
    assert sum(isinstance(module, Int8Linear) for module in compressed.modules()) == 14


def test_a_model_compressed_already_is_refused():
    for method in (Int4(), Wanda()):
        with pytest.raises(ConfigError, match=r"torch\.nn\.Linear"):
            method.compress(Int8().compress(tiny_model()), tiny_calibration())


def plain_wanda(model, calibration, sparsity):
    """The paper, read literally: for each layer run the whole, partly pruned model again."""
    model = structural_clone(model)
    batch, inputs = torch.tensor(calibration.input_ids), {}
    for layer in model.model.layers:
        linears = [m for m in layer.modules() if isinstance(m, nn.Linear)]
        handles = [m.register_forward_pre_hook(lambda m, args: inputs.update({m: args[0]})) for m in linears]
        with torch.no_grad():
            model(batch, use_cache=False)
        for handle in handles:
            handle.remove()
        for linear in linears:
            norm = inputs[linear].reshape(-1, linear.in_features).norm(dim=0)
            weight = linear.weight.detach().clone()
            for row in weight:
                row[(row.abs() * norm).argsort()[: int(linear.in_features * sparsity)]] = 0
            linear.weight = nn.Parameter(weight)
    return model


def test_wanda_removes_what_the_paper_says():
    data = CalibrationData((*tiny_calibration(0).input_ids, *tiny_calibration(1).input_ids), "random")
    expected = dict(decoder_linears(plain_wanda(tiny_model(), data, 0.5), "test"))
    found = dict(decoder_linears(Wanda(sparsity=0.5).compress(tiny_model(), data), "test"))
    agree = torch.cat([(found[path].weight == expected[path].weight).flatten() for path in expected])
    assert agree.float().mean() > 0.999  # rounding may decide between two weights of equal score


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1, exclude_max=True))
def test_wanda_removes_the_same_count_from_every_row(sparsity):
    pruned = Wanda(sparsity=sparsity).compress(tiny_model(), tiny_calibration())
    for _, linear in decoder_linears(pruned, "test"):
        assert ((linear.weight == 0).sum(dim=1) == int(sparsity * linear.in_features)).all()


@pytest.mark.parametrize(("pattern", "sparsity", "kept", "of"), [("2:4", 0.5, 2, 4), ("1of4", 0.75, 1, 4)])
def test_wanda_keeps_n_of_every_m(pattern, sparsity, kept, of):
    pruned = Wanda(pattern=pattern, sparsity=sparsity).compress(tiny_model(), tiny_calibration())
    for _, linear in decoder_linears(pruned, "test"):
        assert ((linear.weight != 0).unflatten(1, (-1, of)).sum(dim=-1) == kept).all()


@pytest.mark.parametrize(
    "options",
    [
        {"sparsity": 1.0},
        {"sparsity": "half"},
        {"pattern": "4:2"},
        {"pattern": "two of four"},
        {"pattern": "1:4"},
    ],
)
def test_wanda_refuses_options_that_make_no_sense(options):
    with pytest.raises(ConfigError, match=r"compression: wanda\."):
        Wanda(**options)


def test_wanda_names_the_layer_that_a_pattern_does_not_fit():
    with pytest.raises(ConfigError, match=r"input size of model\.layers\.0"):
        Wanda(pattern="3:6").compress(tiny_model(), tiny_calibration())


def test_wanda_without_calibration_data_is_refused():
    with pytest.raises(ConfigError, match="calibration"):
        Wanda().compress(tiny_model(), None)


def test_models_without_linear_decoder_layers_are_refused():
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=32)).eval()
    for method in (Int8(), Int4(), Wanda()):
        with pytest.raises(ConfigError, match=r"GPT2LMHeadModel.*torch\.nn\.Linear"):
            method.compress(model, tiny_calibration())
