"""Joining methods, the report, byte counts, and calibration text."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from lottery_plugins.compression import Int4, Int8, KeyNorm, StreamingLLM, Wanda
from lottery_plugins.compression.apply import apply, check_composition
from lottery_plugins.compression.linear import Int8Linear
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression import greedy, model_digest, tiny_calibration, tiny_model

ROWS = [[3, 9, 27, 81, 11, 33, 99], [5, 25]]


class LetterTokenizer:
    """One token per character."""

    def __call__(self, text, **_):
        return {"input_ids": [1 + ord(letter) % 127 for letter in text]}


def test_methods_run_in_their_order_whatever_the_order_written():
    result = apply([KeyNorm(), Int8(), Wanda()], tiny_model(), calibration=tiny_calibration())
    assert [method.name for method in result.report.methods] == ["wanda", "int8", "key-norm"]
    zeros = [(m.dequantize() == 0).float().mean() for m in result.model.modules() if isinstance(m, Int8Linear)]
    assert min(zeros) >= 0.5
    assert result.report.after.zero_ratio == 0.5


def test_pruning_and_quantizing_in_one_go_equals_one_after_the_other():
    data = tiny_calibration()
    joined = apply([Int4(), Wanda(sparsity=0.3)], tiny_model(), calibration=data).model
    pruned = Wanda(sparsity=0.3).compress(tiny_model(), data)
    assert model_digest(joined) == model_digest(Int4().compress(pruned))


@pytest.mark.parametrize(
    ("methods", "both"),
    [
        ([Int8(), Int4()], "Both quantize weights"),
        ([Int8(), Int8()], "Both quantize weights"),
        ([Wanda(), Wanda(sparsity=0.1)], "Both prune weights"),
        ([KeyNorm(), Int8(), StreamingLLM()], "Both drop cached positions"),
    ],
)
def test_impossible_pairs_are_refused_with_the_reason(methods, both):
    with pytest.raises(ConfigError, match=both):
        check_composition(methods)


def test_ratio_zero_and_no_method_are_the_identity_to_the_bit():
    model, ids = tiny_model(), torch.tensor([[3, 1, 4, 1, 5]])
    for methods in ([], [Wanda(sparsity=0)], [KeyNorm(compression_ratio=0)]):
        result = apply(methods, model)
        assert torch.equal(result.model(ids).logits, model(ids).logits)
        assert result.model is not model
        assert result.report.after == result.report.before


def test_the_original_is_untouched_and_unchanged_tensors_are_shared():
    model = tiny_model()
    before, tokens = model_digest(model), greedy(model, ROWS)
    result = apply([Int8(), Wanda(), KeyNorm()], model, calibration=tiny_calibration())
    assert greedy(result.model, ROWS) != tokens
    assert greedy(model, ROWS) == tokens
    assert model_digest(model) == before
    assert result.model.lm_head.weight is model.lm_head.weight
    assert result.press.statistics.prompts == 2


def test_report_is_json_and_says_what_a_reader_must_know():
    result = apply([Wanda(sparsity=0.25), KeyNorm()], tiny_model(), LetterTokenizer())
    report = json.loads(json.dumps(result.report.to_json()))
    assert report["methods"][0] == {
        "name": "wanda",
        "options": {
            "sparsity": 0.25,
            "pattern": "",
            "num_calibration": 16,
            "sequence_length": 128,
            "calibration": "bundled",
            "calibration_seed": 0,
        },
    }
    assert report["calibration_source"].startswith("bundled:calibration.txt (16 x 128 tokens, seed 0, ")
    assert report["kv_compression_ratio"] == 0.5
    assert report["after"]["total"] == report["before"]["total"]
    assert report["after"]["nominal"] < report["after"]["total"]
    assert "densely" in report["after"]["note"]
    assert report["before"]["note"] == ""


def test_a_model_that_a_press_cannot_serve_is_refused_before_any_work():
    from transformers import MistralConfig, MistralForCausalLM

    small = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2}
    model = MistralForCausalLM(MistralConfig(vocab_size=32, num_hidden_layers=1, sliding_window=8, **small))
    with pytest.raises(ConfigError, match="key-norm"):
        apply([Wanda(calibration="no such file"), KeyNorm()], model, LetterTokenizer())


def test_a_method_that_needs_text_needs_a_tokenizer():
    with pytest.raises(ConfigError, match="tokenizer"):
        apply([Wanda()], tiny_model())


def test_stored_bytes_are_those_of_the_numbers_stored():
    model = tiny_model()
    linear = 2 * (64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 64 * 128)  # weights of the decoder's linear layers
    rows = 2 * (64 + 32 + 32 + 64 + 128 + 128 + 64)
    norms, embedding = 5 * 64 * 4, 128 * 64 * 4
    plain = stored_bytes(model)
    assert (plain.total, plain.embedding) == (4 * linear + norms + embedding, embedding)
    assert stored_bytes(Int8().compress(model)).other == linear + 4 * rows + norms
    groups = linear // 32
    assert stored_bytes(Int4(group_size=32).compress(model)).other == linear // 2 + 3 * groups + norms
    pruned = stored_bytes(Wanda().compress(model, tiny_calibration()))
    assert (pruned.total, pruned.nominal, pruned.zero_ratio) == (plain.total, plain.total - 2 * linear, 0.5)


class Parts(nn.Module):
    """A model whose tensors are views of one block of memory."""

    def __init__(self):
        super().__init__()
        block = torch.zeros(100)
        self.a, self.b = nn.Parameter(block[:60]), nn.Parameter(block[40:90])
        self.c = nn.Parameter(torch.zeros(8, 4, dtype=torch.float16).t())

    def get_input_embeddings(self):
        return None

    get_output_embeddings = get_input_embeddings


def test_shared_memory_counts_once():
    assert stored_bytes(Parts()).total == 90 * 4 + 32 * 2


def test_importing_the_methods_loads_no_torch():
    code = (
        "import sys, lottery_plugins.compression, lottery_plugins.compression.apply; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
