"""What the packed runner serves, and that it refuses the rest by name."""

import pytest
import torch
from packed_models import SERVED, SIZES, model
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Row

SMALL = PackedOptions(kv_cache_gb=0.001, threads=1, prepack="off")


@pytest.mark.parametrize("name", SERVED)
def test_a_served_model_passes_all_checks(name):
    runner = build_runner(model(name), SMALL)
    token = runner.begin([Row(ids=[1], cached=0, position=0, blocks=[0], params=SamplingParams(max_tokens=1))])()[
        0
    ].token
    assert 0 <= token < 61
    assert runner.max_length == 256


def test_experts_are_served():
    torch.manual_seed(0)
    made = MixtralForCausalLM(MixtralConfig(**SIZES, num_local_experts=4)).eval()
    assert build_runner(made, SMALL).num_blocks > 0


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: model("gemma2-softcap"), "softcap"),
        (lambda: BloomForCausalLM(BloomConfig(vocab_size=61, hidden_size=32, n_layer=2, n_head=4)), "positions"),
        (lambda: T5ForConditionalGeneration(T5Config(vocab_size=61, d_model=32, num_layers=1)), "cross attention"),
        (lambda: MambaForCausalLM(MambaConfig(vocab_size=61, hidden_size=32, num_hidden_layers=2)), "MambaForCausalLM"),
        (lambda: LlamaForCausalLM(LlamaConfig(**SIZES)).train(), "training"),
    ],
)
def test_an_unserved_model_is_refused_by_name(make, reason):
    made = make()
    if reason != "training":
        made = made.eval()
    with pytest.raises(ConfigError, match=reason) as caught:
        build_runner(made, SMALL)
    assert type(made).__name__[:5] in str(caught.value)


def test_a_model_whose_attention_is_not_what_it_says_is_found_by_its_numbers(monkeypatch):
    torch.manual_seed(0)
    made = LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    layer = made.model.layers[1].self_attn
    own = layer.forward

    def mixing(hidden_states, **kwargs):
        """Adds the mean of all tokens, as if they were one sequence."""
        out, weights = own(hidden_states, **kwargs)
        return out + hidden_states.mean(dim=1, keepdim=True), weights

    monkeypatch.setattr(layer, "forward", mixing)
    with pytest.raises(ConfigError, match="logits differ"):
        build_runner(made, SMALL)


def test_a_model_that_fails_in_a_first_try_is_refused_with_its_reason(monkeypatch):
    torch.manual_seed(0)
    made = LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    monkeypatch.delattr(made.model.layers[0].self_attn, "layer_idx")
    with pytest.raises(ConfigError, match=r"LlamaForCausalLM \(AttributeError.*layer_idx"):
        build_runner(made, SMALL)


def test_a_window_that_the_models_own_cache_does_not_have_is_refused(monkeypatch):
    torch.manual_seed(0)
    made = LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    layer = made.model.layers[0].self_attn
    own = layer.forward
    monkeypatch.setattr(layer, "forward", lambda *args, **kwargs: own(*args, **{**kwargs, "sliding_window": 5}))
    with pytest.raises(ConfigError, match="a window of 5"):
        support.layer_shapes(made)


def test_a_press_needs_full_attention():
    with pytest.raises(ConfigError, match="sliding window"):
        build_runner(model("mistral-window"), SMALL, KeyNorm())


def test_a_model_that_gives_nan_is_not_taken_for_an_unserved_one():
    torch.manual_seed(0)
    made = LlamaForCausalLM(LlamaConfig(**SIZES)).eval()
    with torch.no_grad():
        made.lm_head.weight[3] = torch.nan
    assert build_runner(made, SMALL).num_blocks > 0


def test_a_long_rope_is_served_up_to_its_original_length():
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [2.0] * 4,
            "original_max_position_embeddings": 64, "factor": 4.0}  # fmt: skip
    made = LlamaForCausalLM(LlamaConfig(**SIZES, rope_parameters=rope)).eval()
    assert build_runner(made, SMALL).max_length == 64


@pytest.mark.parametrize(
    ("options", "where"),
    [({"kv_cache_gb": 0}, "kv_cache_gb"), ({"block_size": 0}, "block_size"), ({"threads": 0}, "threads"),
     ({"max_step_tokens": 1.5}, "max_step_tokens"), ({"prepack": "yes"}, "prepack")],
)  # fmt: skip
def test_options_outside_their_range_are_refused(options, where):
    with pytest.raises(ConfigError, match=where):
        PackedOptions(**options)


def test_a_cache_too_small_for_anything_is_refused():
    with pytest.raises(ConfigError, match="kv_cache_gb"):
        build_runner(model("llama-grouped"), PackedOptions(kv_cache_gb=1e-6, threads=1))
