"""Write a Llama model of transformers as an f32 GGUF file, for llama.cpp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["write_gguf"]

_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def write_gguf(model: Any, target: Path) -> None:
    """Weights and shape of a `LlamaForCausalLM`; its vocabulary is named "<0>", "<1>", ...

    Raises:
        ValueError: It is not a Llama.
    """
    from gguf import GGUFWriter

    config = model.config
    if config.model_type != "llama":
        raise ValueError(f"write_gguf: {config.model_type!r} is not a llama; leave the way llama.cpp out.")
    writer = GGUFWriter(target, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"<{i}>" for i in range(config.vocab_size)])
    writer.add_token_types([1] * config.vocab_size)
    writer.add_token_merges(["< 0"])  # a vocabulary must have one; no text is ever encoded with it
    for name, values in _tensors(model).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(model: Any) -> dict[str, Any]:
    weights = {name: tensor.detach().float().numpy() for name, tensor in model.state_dict().items()}
    config = model.config
    found = {"token_embd": weights["model.embed_tokens.weight"], "output_norm": weights["model.norm.weight"]}
    if not config.tie_word_embeddings:
        found["output"] = weights["lm_head.weight"]
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for layer in range(config.num_hidden_layers):
        for ours, theirs in _LAYER.items():
            weight = weights[f"model.layers.{layer}.{theirs}.weight"]
            found[f"blk.{layer}.{ours}"] = _interleaved(weight, heads[ours]) if ours in heads else weight
    return {f"{name}.weight": weight for name, weight in found.items()}


def _interleaved(weight: Any, heads: int) -> Any:
    """Rows in llama.cpp's order: it rotates neighbouring pairs, transformers the halves of a head."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
