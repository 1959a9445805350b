"""Weights packed as in a GGUF file: the formats against the package gguf, and a whole model against transformers."""

import os

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from lottery_plugins.compression import Gguf, Int8, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.libraries.gguf_blocks import FORMATS, widen
from lottery_plugins.compression.libraries.gguf_linear import GgufEmbedding, GgufLinear
from lottery_plugins.compression.linear import CompressedLinear
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.testing.contracts.compression import greedy, model_digest, tiny_calibration

gguf = pytest.importorskip("gguf")

ROWS = [[5, 6, 7, 8], [9, 10], [3]]


@pytest.mark.parametrize("name", FORMATS)
def test_blocks_are_widened_as_the_package_gguf_does_it_to_the_bit(name):
    form = FORMATS[name]
    kind = gguf.GGMLQuantizationType[name]
    assert gguf.GGML_QUANT_SIZES[kind] == (form.weights, form.size)
    rows = np.random.default_rng(0).integers(0, 256, (40, 3 * form.size), dtype=np.uint8)
    with np.errstate(all="ignore"):  # any two bytes are a scale here, also one that is infinite
        expected = gguf.dequantize(rows, kind)
    assert np.array_equal(widen(torch.from_numpy(rows), name).numpy(), expected, equal_nan=True)


def interleaved(weight, heads):
    """Rows in llama.cpp's order of queries and keys."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write(folder, name="model.gguf", formats=("Q4_1", "Q5_0", "Q8_0"), output=False):
    """A tiny Llama whose tensors take turns at the formats."""
    rng = np.random.default_rng(0)
    path = folder / name
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(128)
    writer.add_embedding_length(64)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(128)
    shapes = {"token_embd": (128, 64), **({"output": (128, 64)} if output else {})}
    for block in range(2):
        shapes |= {f"blk.{block}.{key}": shape for key, shape in {
            "attn_q": (64, 64), "attn_k": (32, 64), "attn_v": (32, 64), "attn_output": (64, 64),
            "ffn_gate": (96, 64), "ffn_up": (96, 64), "ffn_down": (64, 96),
        }.items()}  # fmt: skip
    for index, (tensor, shape) in enumerate(shapes.items()):
        values = rng.normal(0, 0.2, shape).astype(np.float32)
        if tensor.endswith(("attn_q", "attn_k")):
            values = interleaved(values, shape[0] // 16)
        kind = gguf.GGMLQuantizationType[formats[index % len(formats)]]
        writer.add_tensor(f"{tensor}.weight", gguf.quantize(values, kind), raw_dtype=kind)
    for tensor in ["output_norm", *(f"blk.{block}.{norm}" for block in range(2) for norm in ("attn_norm", "ffn_norm"))]:
        writer.add_tensor(f"{tensor}.weight", rng.uniform(0.5, 1.5, 64).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def load(path, **options):
    pytest.importorskip("accelerate")
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, **options).eval()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("gguf"))


@pytest.mark.parametrize("output", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_model_is_the_loaded_one_to_the_bit(tmp_path, dtype, output):
    path = write(tmp_path, output=output)
    model = load(path, dtype=dtype)
    before = model_digest(model)
    result = apply([Gguf()], model)
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    with torch.no_grad():
        assert torch.equal(result.model(ids).logits, model(ids).logits)
    assert greedy(result.model, ROWS) == greedy(model, ROWS)
    assert model_digest(model) == before
    assert type(result.model.get_input_embeddings()) is GgufEmbedding
    assert type(result.model.get_output_embeddings()) is GgufLinear
    assert result.report.after.zero_ratio == 0


def test_bytes_are_those_of_the_file(path):
    after = apply([Gguf()], load(path)).report.after
    reader = gguf.GGUFReader(path)
    assert after.total == sum(tensor.n_bytes for tensor in reader.tensors)
    assert after.embedding == next(
        int(tensor.n_bytes) for tensor in reader.tensors if tensor.name == "token_embd.weight"
    )
    assert after.total < os.path.getsize(path)


def test_file_may_be_named_where_the_model_does_not_tell_it(path, tmp_path):
    model = load(path)
    del model.config.quantization_config
    with pytest.raises(ConfigError, match="gguf:file=NAME"):
        Gguf().compress(model)
    model.config.name_or_path = str(path.parent)
    for name in (path.name, str(path)):
        assert type(Gguf(file=name).compress(model).model.layers[0].mlp.up_proj) is GgufLinear
    model.config.name_or_path = str(tmp_path)
    with pytest.raises(DataError, match="no file"):
        Gguf(file="absent.gguf").compress(model)


def test_plain_tensors_of_the_file_stay_as_they_are(tmp_path):
    path = write(tmp_path, formats=("F16", "Q8_0"))
    model = load(path)
    packed = Gguf().compress(model)
    kinds = [type(module).__name__ for name, module in packed.named_modules() if name.endswith("_proj")]
    assert sorted(set(kinds)) == ["GgufLinear", "Linear"]
    assert greedy(packed, ROWS) == greedy(model, ROWS)


def test_weights_that_are_not_the_files_are_refused(path):
    with pytest.raises(ConfigError, match="not what the model has"):
        apply([Wanda(), Gguf()], load(path), calibration=tiny_calibration())


def test_second_quantization_is_refused(path):
    with pytest.raises(ConfigError, match="one method of each kind"):
        apply([Int8(), Gguf()], load(path))
    with pytest.raises(ConfigError, match="quantized by gguf"):
        Int8().compress(Gguf().compress(load(path)))


def test_format_that_is_not_served_is_named(tmp_path):
    path = write(tmp_path, formats=("Q8_0",))
    model = load(path)
    from lottery_plugins.compression.libraries import gguf_file

    file = gguf_file.GgufFile(path)
    with pytest.raises(ConfigError, match=r"is stored as IQ4_XS.*Q4_K"):
        file._format(type("Tensor", (), {"name": "x", "tensor_type": gguf.GGMLQuantizationType.IQ4_XS}))
    assert type(Gguf().compress(model).lm_head) is GgufLinear


def test_file_that_is_no_gguf_is_named(path):
    other = path.with_name("other.gguf")
    other.write_bytes(b"no gguf")
    with pytest.raises(DataError, match=r"other\.gguf can't be read"):
        Gguf(file=str(other)).compress(load(path))


def test_layer_comes_back_from_its_layout(path):
    layer = Gguf().compress(load(path)).model.layers[0].self_attn.q_proj
    again = CompressedLinear.from_layout(layer.layout())
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again.dequantize(), layer.dequantize())
