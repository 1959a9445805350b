"""Methods that act as the model is loaded, and checkpoints that were quantized elsewhere, in a run."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from lm_eval.api.instance import Instance

from lottery_plugins.compression import Cast, Gguf, Int8
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.checkpoint import save_checkpoint
from lottery_plugins.compression.loading import methods_after_loading, with_load_arguments
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.harness.model import LotteryLM

SMALL = "packed:kv_cache_gb=0.02"


@pytest.fixture
def arguments(tiny_model):
    return {"pretrained": tiny_model, "device": "cpu", "batch_size": 2, "resume": False, "engine": SMALL}


def generate(lm):
    kwargs = {"until": ["\n"], "do_sample": False, "max_gen_toks": 6}
    requests = [
        Instance(request_type="generate_until", doc={}, arguments=(text, kwargs), idx=0, metadata=("a_task", i, 1))
        for i, text in enumerate(["the first text", "x"])
    ]
    return lm.generate_until(requests)


def weights_of(lm):
    return lm.ledger("results.json").weights


@pytest.mark.parametrize("engine", [SMALL, "rounds"])
def test_cast_loads_the_type_and_the_ledger_has_the_bytes_of_the_checkpoint(arguments, engine):
    plain = weights_of(LotteryLM(**arguments))
    lm = LotteryLM(**{**arguments, "engine": engine}, compression="cast:dtype=bfloat16+int8")
    assert lm.base._model.model.layers[0].mlp.up_proj.dequantize(torch.bfloat16).dtype == torch.bfloat16
    assert lm.base._model.dtype == torch.bfloat16
    assert len(generate(lm)) == 2
    lm = LotteryLM(**arguments, compression="cast")
    assert weights_of(lm).original_stored == plain.stored
    assert weights_of(lm).stored * 2 == plain.stored


def test_cast_and_another_type_of_the_users_is_refused(arguments):
    with pytest.raises(ConfigError, match=r"dtype: got 'float32'.*'bfloat16'.*Leave dtype out"):
        LotteryLM(**arguments, dtype="float32", compression="cast")
    assert LotteryLM(**arguments, dtype="bfloat16", compression="cast").engine.name == "packed"


def test_load_methods_give_arguments_and_are_not_left_for_later():
    methods = [Cast(dtype="float16"), Gguf()]
    assert with_load_arguments(methods, {"pretrained": "x"}) == {"pretrained": "x", "dtype": "float16"}
    assert methods_after_loading(methods) == [Gguf()]
    with pytest.raises(ConfigError, match=r"cast\.dtype"):
        Cast(dtype="float8")


@pytest.fixture
def quantized(tiny_model, tmp_path):
    """A checkpoint that this package quantized before."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    made = apply([Int8()], model)
    folder = tmp_path / "quantized"
    folder.mkdir()
    save_checkpoint(made.model, AutoTokenizer.from_pretrained(tiny_model), folder, {})
    return str(folder), made.report


def test_quantized_checkpoint_is_counted_as_it_is_stored_with_a_note(arguments, quantized):
    folder, report = quantized
    fresh = LotteryLM(**arguments, compression="int8")
    lm = LotteryLM(**{**arguments, "pretrained": folder})
    weights = weights_of(lm)
    assert (weights.stored, weights.original_stored) == (report.after.total, report.before.total)
    assert weights.note == "the checkpoint was quantized by lottery"
    assert generate(lm) == generate(fresh)


def test_quantized_checkpoint_takes_a_kv_method_and_no_second_quantization(arguments, quantized):
    folder, _ = quantized
    lm = LotteryLM(**{**arguments, "pretrained": folder}, compression="key-norm:compression_ratio=0.5")
    assert len(generate(lm)) == 2
    with pytest.raises(ConfigError, match="int4: got 'a checkpoint quantized by lottery'"):
        LotteryLM(**{**arguments, "pretrained": folder}, compression="int4")


@pytest.mark.skipif(find_spec("gptqmodel") is not None, reason="this machine loads gptq and awq")
@pytest.mark.parametrize("method", ["gptq", "awq", "hqq"])
def test_quantized_checkpoint_that_can_not_be_loaded_here_is_told_in_one_sentence(arguments, tmp_path, method):
    folder = Path(shutil.copytree(arguments["pretrained"], tmp_path / "copy"))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": method, "bits": 4, "group_size": 32}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=f"was quantized by {method}.*can't be loaded here: ") as caught:
        LotteryLM(**{**arguments, "pretrained": str(folder)})
    assert "\n" not in str(caught.value)
