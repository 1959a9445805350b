"""Every weight method on small random models of many architectures."""

import functools

import pytest
import torch
import transformers

from lottery_plugins.compression import AWQ, METHODS
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.compression.structure import structural_clone
from lottery_plugins.compression.weights import folding
from lottery_plugins.compression.weights.folding import Fold, find_folds, fold
from lottery_plugins.compression.weights.input_statistics import InputGram
from lottery_plugins.compression.weights.layerwise import observed_layers
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
OPTIONS = {"awq": {"num_powers": 3}, "int4": {"group_size": 16}, "layer-drop": {"num_layers": 1}}
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
def test_a_method_works_on_an_architecture(name, method):
    model = built(name)
    assert isinstance(method(), WeightMethod)
    before, ids = model_digest(model), torch.tensor([DATA.input_ids[0], DATA.input_ids[3]])
    build = method(**OPTIONS.get(method.name, {}))
    compressed = build.compress(model, DATA)
    with torch.no_grad():
        logits, alone = compressed(ids).logits, steps(compressed, ids)
        original = model(ids).logits
    assert torch.isfinite(logits).all()
    assert not torch.equal(logits, original)
    torch.testing.assert_close(alone, logits, atol=1e-3, rtol=1e-3)  # the cache holds what a forward sees
    assert stored_bytes(compressed).nominal < stored_bytes(model).total
    assert model_digest(model) == before


PLACES = {  # norms or linear layers that scales are folded into, in a decoder layer
    "Qwen2": 3, "Qwen3": 3, "Gemma2": 3, "Gemma3": 3, "Phi3": 2, "GPTNeoX": 2, "OPT": 4, "Mixtral": 1, "Llama": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_scales_are_folded_where_they_can_be_and_the_model_computes_what_it_did(name):
    clone, generator = structural_clone(built(name)), torch.Generator().manual_seed(0)
    for layer in observed_layers(clone, DATA, InputGram, "test"):
        places = find_folds(layer)
        scales = [torch.rand(len(layer.seen[p.linears[0]].magnitude), generator=generator) * 4 + 0.3 for p in places]
        assert sum(fold(layer, place, scale) for place, scale in zip(places, scales, strict=True)) == PLACES[name]
    ids = torch.tensor(DATA.input_ids)
    with torch.no_grad():
        torch.testing.assert_close(clone(ids).logits, built(name)(ids).logits, atol=1e-4, rtol=1e-3)


def test_a_scale_that_would_change_the_output_is_taken_back():
    clone = structural_clone(built("GPTNeoX"))
    layer = next(iter(observed_layers(clone, DATA, InputGram, "test")))
    paths = [path for path in layer.linears if path.endswith(("dense_h_to_4h", "dense_4h_to_h"))]
    before = model_digest(clone)
    assert not fold(layer, Fold(layer.linears[paths[0]], (paths[1],)), torch.linspace(0.2, 3, 48))  # GELU between them
    assert model_digest(clone) == before


def test_a_model_without_a_place_for_scales_is_refused(monkeypatch):
    monkeypatch.setattr(folding, "find_folds", lambda _: [])
    with pytest.raises(ConfigError, match=r"compression: awq: got 'LlamaForCausalLM'.*Use gptq or rtn"):
        AWQ().compress(built("Llama"), DATA)


@pytest.mark.parametrize("method", WEIGHT_METHODS, ids=lambda method: method.name)
def test_a_model_in_bfloat16_stays_in_it(method):
    model = transformers.LlamaForCausalLM(built("Llama").config).to(torch.bfloat16).eval()
    compressed = method(**OPTIONS.get(method.name, {})).compress(model, DATA)
    with torch.no_grad():
        logits = compressed(torch.tensor(DATA.input_ids)).logits
    assert logits.dtype == torch.bfloat16
    assert torch.isfinite(logits).all()
    assert all(parameter.dtype == torch.bfloat16 for parameter in compressed.parameters())
