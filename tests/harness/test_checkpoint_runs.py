"""Checkpoints of `lottery compress` as the model of a run."""

import json

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from lottery_plugins.compression import Int4, Wanda
from lottery_plugins.compression.checkpoint_make import Job, make_checkpoint
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.testing.contracts.compression_files import save_tiny_model

SPEC = "int4:group_size=32+wanda:sparsity=0.5"
RUN = {"dtype": "float32", "device": "cpu", "batch_size": 2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The original, and a checkpoint of it."""
    root = tmp_path_factory.mktemp("models")
    original = save_tiny_model(root / "original")
    methods = [Int4(group_size=32), Wanda(sparsity=0.5)]
    make_checkpoint(Job(model=str(original), compression=SPEC, methods=methods, out=root / "saved"))
    return str(original), str(root / "saved")


def requests():
    options = {"until": ["\n"], "do_sample": False, "max_gen_toks": 6}
    texts = ["the first text", "x", "numbers 1 2 3"]
    return [
        Instance("generate_until", {"text": text}, (text, options), 0, metadata=("a_task", i, 1))
        for i, text in enumerate(texts)
    ]


def test_a_saved_model_answers_as_the_model_compressed_in_the_run(folders):
    original, saved = folders
    here = LotteryLM(pretrained=original, compression=SPEC, **RUN)
    read = LotteryLM(pretrained=saved, **RUN)
    assert read.generate_until(requests()) == here.generate_until(requests())
    assert HFLM(pretrained=saved, **RUN).generate_until(requests()) == here.generate_until(requests())


def test_the_ledger_says_what_a_saved_model_was_made_of(folders):
    original, saved = folders
    here = LotteryLM(pretrained=original, compression=SPEC, engine="packed", **RUN)
    read = LotteryLM(pretrained=saved, engine="packed", **RUN)
    for model in (here, read):
        model.generate_until(requests())
        model.get_model_info()
    first, second = here.ledger("r.json"), read.ledger("r.json")
    assert second.weights == first.weights
    assert second.weights.stored < second.weights.original_stored
    assert second.calibration == first.calibration
    assert first.calibration.startswith("bundled:calibration.txt")
    assert second.run["checkpoint"]["compression"] == SPEC
    assert first.run["checkpoint"] is None
    assert first.flops == second.flops > 0
    assert first.compression_seconds > 0
    assert second.compression_seconds is None
    assert json.loads(json.dumps(second.to_json()))["tasks"]["a_task"]["flops"] == second.flops


def test_a_cache_method_joins_a_saved_model_and_a_weight_method_does_not(folders):
    _, saved = folders
    model = LotteryLM(pretrained=saved, compression="key-norm:compression_ratio=0.5", engine="packed", **RUN)
    model.generate_until(requests())
    ledger = model.ledger("r.json")
    assert ledger.compressed_kv_bytes_per_token < ledger.kv_bytes_per_token
    assert ledger.nominal_kv_bytes_per_token <= ledger.kv_bytes_per_token
    with pytest.raises(ConfigError, match="not compressed already"):
        LotteryLM(pretrained=saved, compression="int8", **RUN)


def test_a_record_that_is_none_is_one_clear_error(folders, tmp_path):
    (tmp_path / "lottery.json").write_text("[]")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(DataError, match=r"lottery\.json"):
        LotteryLM(pretrained=str(tmp_path), **RUN)


def test_layers_of_another_package_are_imported_where_a_kind_is_unknown(monkeypatch):
    from lottery_plugins.compression.linear import CompressedLinear, Int8Linear
    from lottery_plugins.harness import checkpoints
    from lottery_plugins.registry import Registered, Registry

    class Strange:
        name = "strange"

        @staticmethod
        def layers():
            class StrangeLinear(Int8Linear):
                kind = "strange-test-kind"

            return (StrangeLinear,)

    class Broken:
        name = "broken"

        @staticmethod
        def layers():
            raise ModuleNotFoundError("no-such-library")

    plugins = [Registered("compression", cls, "acme", "1") for cls in (Broken, Strange)]
    monkeypatch.setattr(checkpoints, "discover", lambda: Registry(plugins))
    checkpoints.attach()
    form = {"in_features": 2, "out_features": 3, "num_zeros": 0, "settings": {}, "parameters": {}, "buffers": {}}
    assert type(CompressedLinear.from_layout({"kind": "strange-test-kind", **form})).__name__ == "StrangeLinear"
    with pytest.raises(DataError, match="Install the package"):
        CompressedLinear.from_layout({"kind": "stranger", **form})
