"""Packed linear layers compute the same and leave the given model alone."""

import pytest
import torch
from packed_models import SIZES
from transformers import LlamaConfig, LlamaForCausalLM

from lottery_plugins.backends.packed import linear
from lottery_plugins.backends.packed.linear import FastLinear, JoinedLinears, prepacked


def tied():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES, tie_word_embeddings=True, attention_bias=True)).eval()


WAYS = ("apart", "joined", "packed")


def trial(monkeypatch, **seconds):
    """All trials take these seconds, for any number of tokens; a way of which nothing is said takes 1 s."""
    times = {way: dict.fromkeys(linear.TOKENS, seconds.get(way, 1.0)) for way in WAYS}
    monkeypatch.setattr(
        linear, "_trial", lambda groups: times if len(groups[0]) > 1 else times | {"joined": times["apart"]}
    )


@pytest.fixture(params=["joined", "packed"])
def always(monkeypatch, request):
    """Every trial is won."""
    trial(monkeypatch, **{request.param: 0.5})


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [0, 1, 7, 40])
@pytest.mark.parametrize("bias", [False, True])
def test_joined_layers_compute_the_same(dtype, tokens, packed, bias):
    plain = [torch.nn.Linear(24, out, bias=bias).to(dtype) for out in (40, 8)]
    joined = JoinedLinears(plain, packed=packed)
    fast = [FastLinear(layer, joined, index) for index, layer in enumerate(plain)]
    states = torch.randn(1, tokens, 24).to(dtype)
    with torch.inference_mode():
        for one, other in zip(fast, plain, strict=True):
            assert torch.allclose(one(states), other(states), atol=1e-5 if dtype is torch.float32 else 0.05)


def test_joined_layers_may_be_asked_in_any_order_and_again():
    plain = [torch.nn.Linear(8, 4) for _ in range(3)]
    joined = JoinedLinears(plain, packed=False)
    first, second = torch.randn(1, 5, 8), torch.randn(1, 5, 8)
    with torch.inference_mode():
        for index, states in [(1, first), (0, first), (0, first), (2, second), (2, first), (1, second)]:
            assert torch.allclose(joined.one(index, states), plain[index](states), atol=1e-5)


def test_joined_layers_keep_nothing_when_all_have_answered():
    joined = JoinedLinears([torch.nn.Linear(8, 4) for _ in range(2)], packed=False)
    states = torch.randn(1, 5, 8)
    with torch.inference_mode():
        for index in (0, 1):
            joined.one(index, states)
    assert joined._states is None
    assert joined._parts == {}


def test_the_given_model_keeps_its_layers_and_the_clone_shares_its_weights(monkeypatch):
    trial(monkeypatch, packed=0.5)
    made = tied()
    clone, report = prepacked(made)
    layers = [m for m in clone.modules() if isinstance(m, FastLinear)]
    assert len(layers) == report.layers == 3 * 7 + 1
    assert not any(isinstance(m, FastLinear) for m in made.modules())
    assert {id(p) for p in clone.parameters()} == {id(p) for p in made.parameters()}
    assert report.bytes_added == sum(m.weight.nbytes for m in layers)


def test_the_clone_computes_the_same(always):
    made = tied()
    clone, report = prepacked(made)
    assert report.layers
    ids = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        assert torch.allclose(clone(ids).logits, made(ids).logits, atol=1e-4)


def test_layers_with_the_same_states_are_one_product_and_those_of_bfloat16_are_not(monkeypatch):
    trial(monkeypatch, packed=0.5)
    for dtype, sizes in ((torch.float32, [1, 1, 2, 3]), (torch.bfloat16, [1] * 7)):
        layer = prepacked(tied().to(dtype))[0].model.layers[0]
        groups = {}
        for module in layer.modules():
            if isinstance(module, FastLinear):
                groups.setdefault(id(module._joined), []).append(module)
        assert sorted(len(members) for members in groups.values()) == sizes


def test_a_layer_that_gains_nothing_stays(monkeypatch):
    trial(monkeypatch, joined=0.96, packed=0.96)
    clone, report = prepacked(tied())
    assert report.layers == 0
    assert not any(isinstance(module, FastLinear) for module in clone.modules())


def test_a_head_tied_to_the_embedding_needs_a_clear_gain(monkeypatch):
    trial(monkeypatch, packed=1 / 1.1)
    clone, _ = prepacked(tied())
    assert type(clone.lm_head) is torch.nn.Linear
    assert isinstance(clone.model.layers[0].mlp.up_proj, FastLinear)


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


def test_the_trial_times_each_way():
    made = [torch.nn.Linear(64, 64).requires_grad_(False) for _ in range(2)]
    for group, ways in ((made, ["apart", "joined", "packed"]), (made[:1], ["apart", "packed"])):
        times = linear._trial([group, group])
        assert list(times) == ways
        assert all(list(taken) == [1, 8, 32] and min(taken.values()) > 0 for taken in times.values())


@pytest.mark.parametrize(
    ("gains", "tokens"), [((0.5, 1.1, 1.2), 8), ((1.0, 1.1, 1.2), 1), ((0.5, 0.9, 1.2), 32), ((2.0, 0.9, 1.2), 32)]
)
def test_packed_weights_are_used_from_where_they_win(gains, tokens):
    times = {
        "apart": dict.fromkeys(linear.TOKENS, 1.0),
        "packed": {n: 1 / gain for n, gain in zip(linear.TOKENS, gains, strict=True)},
    }
    assert linear._min_tokens(times, "packed", torch.float32) == tokens
    assert linear._min_tokens(times, "packed", torch.bfloat16) == 1


def test_fewer_tokens_use_the_original_weights(monkeypatch):
    plain = torch.nn.Linear(24, 40)
    joined = JoinedLinears([plain], packed=False)
    layer = FastLinear(plain, joined, min_tokens=8)
    used = []
    monkeypatch.setattr(joined, "one", lambda index, states: used.append(states.shape[1]))
    with torch.inference_mode():
        for tokens in (1, 7, 8, 9):
            layer(torch.randn(1, tokens, 24))
    assert used == [8, 9]


def test_a_model_that_names_its_linear_layers_input_is_served(always, monkeypatch):
    made = tied()
    layer = made.model.layers[0].mlp
    monkeypatch.setattr(
        type(layer),
        "forward",
        lambda self, x: self.down_proj(input=self.act_fn(self.gate_proj(input=x)) * self.up_proj(input=x)),
    )
    clone, report = prepacked(made)
    assert report.layers >= 5 * 3
    ids = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        assert torch.allclose(clone(ids).logits, made(ids).logits, atol=1e-4)
