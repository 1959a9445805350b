"""Packed linear layers compute the same and leave the given model alone."""

import pytest
import torch
from packed_models import SIZES
from transformers import LlamaConfig, LlamaForCausalLM

from lottery_plugins.backends.packed import linear
from lottery_plugins.backends.packed.linear import PackedLinear, prepacked


def tied():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True, attention_bias=True)).eval()


@pytest.fixture
def always(monkeypatch):
    """Every trial is won."""
    monkeypatch.setattr(linear, "_gains", lambda _: dict.fromkeys((1, 8, 32), 2.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [0, 1, 7, 40])
def test_a_packed_layer_computes_the_same(dtype, tokens):
    plain = torch.nn.Linear(24, 40).to(dtype)
    states = torch.randn(1, tokens, 24).to(dtype)
    with torch.inference_mode():
        assert torch.allclose(PackedLinear(plain)(states), plain(states), atol=1e-5 if dtype is torch.float32 else 0.05)


def test_the_given_model_keeps_its_layers_and_the_clone_shares_its_weights(always):
    made = tied()
    clone, report = prepacked(made)
    layers = [m for m in clone.modules() if isinstance(m, PackedLinear)]
    assert len(layers) == report.layers == 3 * 7 + 1
    assert not any(isinstance(m, PackedLinear) for m in made.modules())
    assert {id(p) for p in clone.parameters()} == {id(p) for p in made.parameters()}
    assert report.bytes_added == sum(m.weight.nbytes for m in layers)
    ids = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        assert torch.allclose(clone(ids).logits, made(ids).logits, atol=1e-4)


def test_a_layer_that_gains_nothing_stays(monkeypatch):
    monkeypatch.setattr(linear, "_gains", lambda _: dict.fromkeys((1, 8, 32), 1.0))
    made = tied()
    assert prepacked(made)[0] is made


def test_a_head_tied_to_the_embedding_needs_a_clear_gain(monkeypatch):
    monkeypatch.setattr(linear, "_gains", lambda _: dict.fromkeys((1, 8, 32), 1.1))
    clone, _ = prepacked(tied())
    assert type(clone.lm_head) is torch.nn.Linear
    assert isinstance(clone.model.layers[0].mlp.up_proj, PackedLinear)


def test_copies_stay_within_the_bytes_allowed(always):
    _, report = prepacked(tied(), bytes_allowed=20_000)
    assert 0 < report.bytes_added <= 20_000


def test_a_subclass_of_linear_is_left_as_it_is(always):
    class Special(torch.nn.Linear):
        pass

    made = tied()
    made.model.layers[0].mlp.up_proj = Special(32, 48)
    clone, _ = prepacked(made)
    assert type(clone.model.layers[0].mlp.up_proj) is Special


def test_the_trial_finds_a_gain_or_none():
    gains = linear._gains(torch.nn.Linear(64, 64).requires_grad_(False))
    assert list(gains) == [1, 8, 32]
    assert all(gain > 0 for gain in gains.values())


@pytest.mark.parametrize(
    ("gains", "tokens"), [((0.5, 1.1, 1.2), 8), ((1.0, 1.1, 1.2), 1), ((0.5, 0.9, 1.2), 32), ((2.0, 0.9, 1.2), 32)]
)
def test_packed_weights_are_used_from_where_they_win(gains, tokens):
    trials = dict(zip((1, 8, 32), gains, strict=True))
    assert linear._min_tokens(trials, torch.float32) == tokens
    assert linear._min_tokens(trials, torch.bfloat16) == 1


def test_fewer_tokens_use_the_original_weights(monkeypatch):
    layer = PackedLinear(torch.nn.Linear(24, 40), min_tokens=8)
    used = []
    monkeypatch.setattr(linear, "_product", lambda states, packed, bias: used.append(states.shape[1]))
    with torch.inference_mode():
        for tokens in (1, 7, 8, 9):
            layer(torch.randn(1, tokens, 24))
    assert used == [8, 9]
