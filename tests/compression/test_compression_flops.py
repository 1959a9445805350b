"""Counted operations against torch's own counter, and against sums written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lottery_plugins.compression import Int4, Int8, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.flops import ForwardCost, forward_cost
from lottery_plugins.testing.contracts.compression import tiny_calibration, tiny_model


def counted(model, prompt, generated):
    """What torch counts for a prompt and some tokens, read one by one, so that nothing hidden is multiplied."""
    ids, cache = torch.arange(1, prompt + generated + 1)[None], None
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for i in range(prompt + generated):
            cache = model(ids[:, i : i + 1], past_key_values=cache, use_cache=True).past_key_values
    return counter.get_total_flops()


def eager(model):
    """Attention as matrix products, which torch's counter sees."""
    model.set_attn_implementation("eager")
    return model


def test_operations_are_those_that_torch_counts():
    model = eager(apply([], tiny_model()).model)
    assert forward_cost(model).of(prompt=9, cached=0, forwarded=14) == counted(model, 9, 5)


@pytest.mark.parametrize("methods", [[Int8()], [Int4(group_size=32)], [Wanda()], [Int4(group_size=32), Wanda()]])
def test_compressed_layers_multiply_as_much_as_before(methods):
    model = apply(methods, tiny_model(), calibration=tiny_calibration()).model
    assert forward_cost(model) == forward_cost(tiny_model())
    assert forward_cost(eager(model)).of(6, 0, 8) == counted(model, 6, 2)


def test_fewer_layers_and_another_architecture_are_counted():
    from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

    sizes = {"hidden_size": 32, "num_attention_heads": 4, "vocab_size": 50}
    short = MistralConfig(**sizes, num_key_value_heads=2, intermediate_size=48, num_hidden_layers=1, sliding_window=4)
    mistral = eager(MistralForCausalLM(short).eval())
    assert forward_cost(mistral).windows == (4,)
    assert forward_cost(mistral).of(10, 0, 10) < forward_cost(mistral).of(5, 0, 5) * 2.2
    gpt2 = eager(GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=32, n_layer=2, n_head=2, n_positions=32)).eval())
    assert forward_cost(gpt2).of(6, 0, 8) == counted(gpt2, 6, 2)


def test_a_mixture_of_experts_counts_those_that_a_token_is_sent_to():
    from transformers import MixtralConfig, MixtralForCausalLM

    config = MixtralConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=50, num_local_experts=4, num_experts_per_tok=2, sliding_window=None,
    )  # fmt: skip
    with torch.device("meta"):
        cost = forward_cost(MixtralForCausalLM(config))
    attention, router, expert, head = 2 * 32 * 32 + 2 * 32 * 16, 4 * 32, 3 * 32 * 48, 32 * 50
    assert cost is not None
    assert cost.multiplications == attention + router + 2 * expert + head


def test_what_it_does_not_know_is_not_counted():
    model = apply([], tiny_model()).model
    model.model.layers[0].strange = nn.Conv1d(3, 3, 3)
    assert forward_cost(model) is None


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 12), st.sampled_from([None, 1, 5, 40]))
def test_positions_seen_are_the_sum_over_tokens(cached, read, generated, window):
    cost = ForwardCost(multiplications=0, per_position=1, windows=(window, None))
    seen = sum(min(i + 1, window or 10**9) + i + 1 for i in range(cached, cached + read + generated))
    assert cost.of(cached + read, cached, read + generated) == seen


def test_a_cache_of_which_half_is_left_costs_half_the_attention_while_decoding():
    cost = ForwardCost(multiplications=0, per_position=1, windows=(None,))
    assert cost.of(100, 0, 101, kept_share=0.5) == sum(range(1, 101)) + 51
