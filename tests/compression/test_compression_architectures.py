"""Every weight method on small random models of many architectures: it works, or it says why not in one sentence."""

import functools

import pytest
import torch
import transformers

from lottery_plugins.compression import METHODS
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, WeightMethod
from lottery_plugins.testing.contracts.compression import model_digest

SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
GROUPED = {**SIZES, "num_key_value_heads": 2}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
ARCHITECTURES = {
    "Qwen2": GROUPED,
    "Qwen3": {**GROUPED, "head_dim": 8},
    "Gemma2": {**GROUPED, "head_dim": 8, "sliding_window": 16},
    "Gemma3": {**GROUPED, "head_dim": 8, "sliding_window": 16},
    "Phi3": {**GROUPED, **ENDS},
    "GPTNeoX": SIZES,
    "OPT": {**SIZES, "ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 64},
    "Mixtral": {**GROUPED, "num_local_experts": 3},
    "Llama": {**GROUPED, "attention_bias": True},
}
OPTIONS = {"int4": {"group_size": 16}, "layer-drop": {"num_layers": 1}}
REFUSED = {}
DATA = CalibrationData(tuple(tuple(range(3 + row, 23 + row)) for row in range(5)), "counting")
WEIGHT_METHODS = [m for m in METHODS if m.stage == "weights" and not getattr(m, "requires", ())]


@functools.cache
def built(name):
    config = getattr(transformers, {"Gemma3": "Gemma3TextConfig"}.get(name, f"{name}Config"))(**ARCHITECTURES[name])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{name}ForCausalLM")(config).eval()


def steps(model, ids):
    """Logits of each token, one forward a token, over the model's own cache."""
    cache, found = None, []
    for position in range(ids.shape[1]):
        output = model(ids[:, position : position + 1], past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        found.append(output.logits)
    return torch.cat(found, dim=1)


@pytest.mark.parametrize("method", WEIGHT_METHODS, ids=lambda method: method.name)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_method_works_on_an_architecture_or_says_why_not(name, method):
    model = built(name)
    assert isinstance(method(), WeightMethod)
    before, ids = model_digest(model), torch.tensor([DATA.input_ids[0], DATA.input_ids[3]])
    build = method(**OPTIONS.get(method.name, {}))
    if (name, method.name) in REFUSED:
        with pytest.raises(ConfigError, match=REFUSED[name, method.name]):
            build.compress(model, DATA)
        return
    compressed = build.compress(model, DATA)
    with torch.no_grad():
        logits, alone = compressed(ids).logits, steps(compressed, ids)
        original = model(ids).logits
    assert torch.isfinite(logits).all()
    assert not torch.equal(logits, original)
    torch.testing.assert_close(alone, logits, atol=1e-3, rtol=1e-3)  # the cache holds what a forward sees
    assert stored_bytes(compressed).nominal < stored_bytes(model).total
    assert model_digest(model) == before
