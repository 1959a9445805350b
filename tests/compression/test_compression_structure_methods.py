"""Methods that change the model's structure: whole layers left out, and factors in the place of matrices."""

import itertools
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from lottery_plugins.compression import SVD, Int4, LayerDrop, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.linear import CompressedLinear, PackedLinear
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.compression.structure import decoder_linears
from lottery_plugins.compression.weights.low_rank import LowRankLinear, low_rank
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.testing.contracts.compression import greedy, tiny_calibration, tiny_model

ROWS = [[3, 9, 27, 81, 11, 33, 99], [5, 25]]


def deep_model(layers=6):
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2, "num_key_value_heads": 1}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = LlamaConfig(vocab_size=128, num_hidden_layers=layers, initializer_range=0.2, pad_token_id=0, **sizes)
        return LlamaForCausalLM(config).eval()


def by_hand(model, kept):
    """A model of the kept layers, built and loaded anew."""
    config = LlamaConfig(**{**model.config.to_dict(), "num_hidden_layers": len(kept)})
    fresh = LlamaForCausalLM(config).eval()
    state = {name: value for name, value in model.state_dict().items() if ".layers." not in name}
    for new, old in enumerate(kept):
        for name, value in model.model.layers[old].state_dict().items():
            state[f"model.layers.{new}.{name}"] = value
    fresh.load_state_dict(state)
    return fresh


def influences(model, data):
    """ShortGPT's block influence, from the hidden states that the model itself gives out."""
    layers, found = len(model.model.layers), []
    last = []
    model.model.layers[-1].register_forward_hook(lambda *args: last.append(args[2]))
    with torch.no_grad():
        states = list(model(torch.tensor(data.input_ids), output_hidden_states=True).hidden_states[:layers])
    states.append(last[0] if isinstance(last[0], torch.Tensor) else last[0][0])
    for before, after in itertools.pairwise(states):
        found.append(float(1 - torch.cosine_similarity(before, after, dim=-1).mean()))
    return found


@pytest.mark.parametrize(("options", "removed"), [({"ratio": 0.5}, 3), ({"num_layers": 2}, 2), ({"ratio": 0.4}, 2)])
def test_the_layers_of_least_influence_go_and_the_rest_generates_as_a_smaller_model_does(options, removed):
    model, data = deep_model(), tiny_calibration()
    values = influences(deep_model(), data)
    least = sorted(range(6), key=lambda index: values[index])[:removed]
    dropped = LayerDrop(**options).compress(model, data)
    expected = by_hand(model, [index for index in range(6) if index not in least])
    ids = torch.tensor([ROWS[0]])
    assert torch.equal(dropped(ids).logits, expected(ids).logits)
    assert greedy(dropped, ROWS) == greedy(expected, ROWS)
    assert dropped.config.num_hidden_layers == 6 - removed
    assert model.config.num_hidden_layers == 6
    assert [layer.self_attn.layer_idx for layer in model.model.layers] == list(range(6))
    assert stored_bytes(dropped).total == stored_bytes(expected).total


def test_no_layer_is_dropped_without_need_and_not_all_are():
    assert LayerDrop(num_layers=0).compress(deep_model(), None).config.num_hidden_layers == 6
    assert LayerDrop(ratio=0.1).compress(deep_model(), tiny_calibration()).config.num_hidden_layers == 6
    with pytest.raises(ConfigError, match=r"num_layers.*at most 5"):
        LayerDrop(num_layers=6).compress(deep_model(), tiny_calibration())
    with pytest.raises(ConfigError, match="calibration data"):
        LayerDrop(num_layers=1).compress(deep_model(), None)
    with pytest.raises(ConfigError, match=r"layer-drop\.num_layers"):
        LayerDrop(num_layers=-1)


def test_lists_of_the_config_that_have_an_entry_a_layer_lose_those_of_the_dropped():
    from transformers import Gemma2Config, Gemma2ForCausalLM

    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1}
    model = Gemma2ForCausalLM(Gemma2Config(vocab_size=64, num_hidden_layers=4, head_dim=8, sliding_window=4, **small))
    types = list(model.config.layer_types)
    data = CalibrationData(((1, 2, 3, 4, 5, 6, 7, 8), (9, 8, 7, 6, 5, 4, 3, 2)), "test")
    dropped = LayerDrop(num_layers=1).compress(model.eval(), data)
    kept = [
        layer.self_attn.layer_type if hasattr(layer.self_attn, "layer_type") else None for layer in dropped.model.layers
    ]
    assert len(dropped.config.layer_types) == 3
    assert kept in ([None] * 3, dropped.config.layer_types)
    assert model.config.layer_types == types


def outputs_error(weight, found, inputs):
    return float((inputs @ (found - weight).t()).square().sum())


def whitened(weight, inputs, rank):
    """SVD-LLM, read literally: decompose weight @ S with S S^T the inputs' products, and undo S."""
    root = torch.linalg.cholesky((inputs.t() @ inputs).double())
    left, values, right = torch.linalg.svd(weight.double() @ root, full_matrices=False)
    return (left[:, :rank] * values[:rank] @ right[:rank] @ torch.linalg.inv(root)).float()


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 9), st.data())
def test_the_product_is_that_of_svd_llm_and_without_inputs_that_of_a_plain_svd(rows, cols, seed, data):
    rank = data.draw(st.integers(1, min(rows, cols) - 1))
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, cols, generator=generator)
    inputs = torch.randn(90, cols, generator=generator) * torch.linspace(0.2, 3, cols)
    linear = nn.Linear(cols, rows).requires_grad_(False)
    linear.weight.data = weight
    for gram, rows_seen in ((inputs.t() @ inputs, inputs), (None, torch.eye(cols))):
        layer = low_rank(linear, rank, gram)
        assert layer.rank == rank
        best = outputs_error(weight, whitened(weight, rows_seen, rank), rows_seen)
        assert outputs_error(weight, layer.dequantize(), rows_seen) <= best * 1.001 + 1e-3
        x = torch.randn(3, cols, generator=generator)
        torch.testing.assert_close(layer(x), x @ layer.dequantize().t() + linear.bias, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
def test_factors_have_at_most_the_weights_that_the_ratio_leaves(ratio):
    model = tiny_model()
    factored = SVD(ratio=ratio, whiten=False).compress(model, None)
    before, after = stored_bytes(model), stored_bytes(factored)
    assert after.other <= before.other * (1 - ratio) + 5 * 64 * 4  # the norms stay
    assert after.zero_ratio == 0


def test_later_methods_act_on_the_factors():
    result = apply([Int4(), SVD(ratio=0.5), Wanda()], tiny_model(), calibration=tiny_calibration())
    assert [method.name for method in result.report.methods] == ["svd", "wanda", "int4"]
    factored = [m for m in result.model.modules() if isinstance(m, LowRankLinear)]
    assert len(factored) == 14
    assert all(isinstance(m.first, PackedLinear) and isinstance(m.second, PackedLinear) for m in factored)
    assert 0.4 < result.report.after.zero_ratio < 0.6
    assert greedy(result.model, ROWS) == greedy(result.model, ROWS)


@pytest.mark.parametrize("methods", [[SVD(ratio=0.5)], [SVD(ratio=0.5), Int4(group_size=16)]])
def test_a_factored_layer_is_laid_out_and_made_anew(methods):
    compressed = apply(methods, tiny_model(), calibration=tiny_calibration()).model
    layer = next(m for m in compressed.modules() if isinstance(m, LowRankLinear))
    made = CompressedLinear.from_layout(json.loads(json.dumps(layer.layout())))
    assert isinstance(made, LowRankLinear)
    made.load_state_dict(layer.state_dict())
    x = torch.randn(2, layer.in_features, generator=torch.Generator().manual_seed(0))
    assert torch.equal(made(x), layer(x))
    assert (made.rank, made.out_features) == (layer.rank, layer.out_features)


def test_plain_svd_needs_no_text_and_whitening_does():
    assert not SVD(whiten=False).needs_calibration
    assert not SVD(ratio=0).needs_calibration
    with pytest.raises(ConfigError, match="calibration data"):
        SVD().compress(tiny_model(), None)
    with pytest.raises(ConfigError, match=r"svd\.ratio"):
        SVD(ratio=1)


def test_whitening_keeps_the_outputs_of_the_calibration_text_nearer():
    model, data = deep_model(2), tiny_calibration()
    ids = torch.tensor(data.input_ids)
    with torch.no_grad():
        errors = [
            float((SVD(ratio=0.4, whiten=whiten).compress(model, data)(ids).logits - model(ids).logits).square().mean())
            for whiten in (True, False)
        ]
    assert errors[0] < errors[1]


def test_a_matrix_of_one_row_stays_as_it_is():
    model = deep_model(1)
    model.model.layers[0].mlp.extra = nn.Linear(32, 1)
    factored = dict(decoder_linears(SVD(ratio=0.5, whiten=False).compress(model, None), "test"))
    assert "model.layers.0.mlp.extra" in factored
