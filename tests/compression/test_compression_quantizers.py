"""Quantizers on groups of columns: what is stored, what stays exact, and that outputs come nearer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lottery_plugins.compression import AWQ, GPTQ, Int4, RoundToNearest, Wanda
from lottery_plugins.compression.linear import PackedLinear
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.compression.structure import decoder_linears, structural_clone
from lottery_plugins.compression.weights.gptq import GPTQ as Method
from lottery_plugins.compression.weights.input_statistics import InputGram
from lottery_plugins.compression.weights.rounding import find_grid, round_to_nearest, rounded_values
from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression import model_digest, tiny_calibration, tiny_model


def drawn(rows, cols, seed=0):
    return torch.randn(rows, cols, generator=torch.Generator().manual_seed(seed))


def correlated(tokens, cols, seed=0):
    """Inputs whose columns depend on each other and differ in size, as those of a model do."""
    return drawn(tokens, cols, seed) @ drawn(cols, cols, seed + 1) * torch.linspace(0.1, 3, cols)


def statistic(inputs):
    seen = InputGram(inputs.shape[1], inputs.device)
    seen.add(inputs)
    return seen


def linear_of(weight):
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False).requires_grad_(False)
    linear.weight.data = weight
    return linear


def packed_layers(model):
    return [module for module in model.modules() if isinstance(module, PackedLinear)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 70), st.integers(2, 8), st.integers(0, 40), st.booleans(), st.integers(0, 9))
def test_rounding_of_any_shape_is_within_a_step_and_keeps_zeros(rows, cols, bits, group_size, symmetric, seed):
    weight = drawn(rows, cols, seed)
    weight[:, ::3] = 0
    layer = round_to_nearest(linear_of(weight), bits, group_size, symmetric=symmetric)
    found = layer.dequantize()
    assert found.shape == weight.shape
    assert (found[:, ::3] == 0).all()
    reach = weight.abs().amax() * 2 if symmetric else weight.amax() - weight.amin() + 1e-9
    assert ((found - weight).abs() <= 1.02 * reach / (2**bits - 1)).all()
    assert torch.equal(found, rounded_values(weight, bits, group_size, symmetric=symmetric))
    x = drawn(3, cols, seed + 1)
    torch.testing.assert_close(layer(x), x @ found.t(), atol=1e-4, rtol=1e-4)


def test_bytes_are_those_of_the_bits_and_of_whole_groups():
    model = tiny_model()
    linear, norms = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 128), 5 * 64 * 4
    for bits in (2, 3, 4, 8):
        stored = stored_bytes(RoundToNearest(bits=bits, group_size=32).compress(model)).other
        assert stored == linear * bits // 8 + 3 * linear // 32 + norms
    assert (
        stored_bytes(Int4(group_size=48).compress(model)).other
        > stored_bytes(Int4(group_size=32).compress(model)).other
    )


def test_int4_is_round_to_nearest_with_four_bits():
    assert model_digest(Int4(group_size=32).compress(tiny_model())) == model_digest(
        RoundToNearest(group_size=32).compress(tiny_model())
    )


@pytest.mark.parametrize("options", [{}, {"act_order": False}, {"symmetric": True}, {"group_size": 0}, {"bits": 3}])
def test_gptq_keeps_outputs_nearer_than_rounding_to_nearest(options):
    weight, inputs = drawn(24, 64), correlated(300, 64)
    method = GPTQ(**{"group_size": 16, **options})
    grid = find_grid(weight, method.bits, method.group_size, symmetric=method.symmetric)
    levels = method.levels(weight, statistic(inputs).gram, grid, "test")
    found = torch.nn.functional.pad(levels, (0, -64 % grid.group_size))
    nearest = rounded_values(weight, method.bits, method.group_size, symmetric=method.symmetric)
    errors = [float((inputs @ (w - weight).t()).square().mean()) for w in (grid.values(found), nearest)]
    assert errors[0] < 0.8 * errors[1]
    assert set(levels.unique().tolist()) <= set(range(2**method.bits))


def literal_gptq(weight, gram, grid, damping):
    """The paper, read literally: each column's error is spread by the inverse over the columns that are left."""
    weight, cols = weight.double().clone(), weight.shape[1]
    hessian = gram.double() + torch.eye(cols) * damping * gram.diagonal().mean()
    result = torch.empty_like(weight)
    for column in range(cols):
        inverse = torch.linalg.inv(hessian[column:, column:])
        single = grid.of_columns(torch.tensor([column]))
        result[:, column] = single.values(single.levels(weight[:, column, None].float()))[:, 0].double()
        error = (weight[:, column] - result[:, column]) / inverse[0, 0]
        weight[:, column:] -= error[:, None] * inverse[0]
    return result


def test_gptq_does_what_the_paper_says():
    weight, gram = drawn(16, 80), statistic(correlated(400, 80)).gram
    grid = find_grid(weight, 4, 16)
    found = grid.values(Method(group_size=16, act_order=False).levels(weight, gram, grid, "test"))
    assert (found - literal_gptq(weight, gram, grid, 0.01)).abs().lt(1e-4).float().mean() > 0.99


def test_quantizing_keeps_what_was_pruned():
    pruned = Wanda().compress(tiny_model(), tiny_calibration())
    zeros = {path: linear.weight == 0 for path, linear in decoder_linears(pruned, "test")}
    for method in (GPTQ(group_size=16), AWQ(group_size=16), RoundToNearest(bits=3, symmetric=True)):
        compressed = method.compress(pruned, tiny_calibration())
        for path, zero in zeros.items():
            assert (compressed.get_submodule(path).dequantize()[zero] == 0).all()


def test_awq_folds_scales_and_the_outputs_come_nearer():
    model = structural_clone(tiny_model())
    model.model.layers[0].input_layernorm.weight = nn.Parameter(torch.linspace(0.1, 8, 64) ** 2)
    model.model.layers[1].post_attention_layernorm.weight = nn.Parameter(torch.linspace(8, 0.1, 64) ** 2)
    data = tiny_calibration()
    ids = torch.tensor(data.input_ids)
    with torch.no_grad():
        expected = model(ids).logits
        errors = [
            float((method.compress(model, data)(ids).logits - expected).square().mean())
            for method in (AWQ(bits=3, group_size=0), RoundToNearest(bits=3, group_size=0))
        ]
    assert errors[0] < 0.9 * errors[1]


def test_awq_with_one_power_scales_nothing():
    found = AWQ(num_powers=1).compress(tiny_model(), tiny_calibration())
    expected = RoundToNearest().compress(tiny_model())
    for (path, first), second in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(first, second), path
    for first, second in zip(packed_layers(found), packed_layers(expected), strict=True):
        assert torch.equal(first.dequantize(), second.dequantize())


def test_a_model_that_is_quantized_already_is_refused():
    quantized = Int4().compress(tiny_model())
    for method in (GPTQ(), AWQ(), RoundToNearest()):
        with pytest.raises(ConfigError, match=rf"compression: {method.name}.*torch\.nn\.Linear"):
            method.compress(quantized, tiny_calibration())


@pytest.mark.parametrize(
    "options", [{"bits": 1}, {"bits": 9}, {"bits": True}, {"bits": 4.5}, {"group_size": -1}, {"group_size": 2.5}]
)
@pytest.mark.parametrize("method", [RoundToNearest, GPTQ, AWQ])
def test_grids_that_make_no_sense_are_refused(method, options):
    with pytest.raises(ConfigError, match=rf"compression: {method.name}\."):
        method(**options)


def test_damping_and_powers_that_make_no_sense_are_refused():
    for damping in (0, -1, float("nan"), float("inf"), True):
        with pytest.raises(ConfigError, match=r"gptq\.damping"):
            GPTQ(damping=damping)
    with pytest.raises(ConfigError, match=r"awq\.num_powers"):
        AWQ(num_powers=0)


def test_damping_that_is_too_small_is_told_with_the_layer():
    with pytest.raises(ConfigError, match=r"gptq\.damping, model\.layers\.\d.*1e-30"):
        GPTQ(damping=1e-30).compress(tiny_model(), tiny_calibration())


def test_a_method_without_its_calibration_data_is_refused():
    for method in (GPTQ(), AWQ()):
        with pytest.raises(ConfigError, match="calibration data"):
            method.compress(tiny_model(), None)
