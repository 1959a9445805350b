"""Checkpoints of compressed models: the same bytes each time, read back to the bit, refused when they are wrong."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from lottery_plugins.compression import Int4, Int8, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.checkpoint import read_record, save_checkpoint
from lottery_plugins.compression.checkpoint_format import register
from lottery_plugins.compression.checkpoint_make import make_checkpoint
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.testing.contracts.compression import tiny_model
from lottery_plugins.testing.contracts.compression_files import check_saved_checkpoint, folder_digest

REPOSITORY = Path(__file__).resolve().parents[2]
JOINED = (Int4(group_size=32), Wanda(sparsity=0.5))


def load(folder, **arguments):
    from transformers import AutoModelForCausalLM

    register()
    return AutoModelForCausalLM.from_pretrained(folder, **{"dtype": "auto", **arguments}).eval()


def logits(model):
    with torch.no_grad():
        return model(torch.arange(3, 60).view(3, 19)).logits


@pytest.mark.parametrize(
    ("method", "options"), [(Int8, {}), (Int4, {"group_size": 32}), (Wanda, {}), (Wanda, {"pattern": "2:4"})]
)
def test_a_saved_method_keeps_its_contract(method, options):
    check_saved_checkpoint(method, options)


def test_joined_methods_come_back_to_the_bit(original, saved):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(original, dtype="auto").eval()
    expected = apply(JOINED, model, AutoTokenizer.from_pretrained(original)).model
    assert torch.equal(logits(load(saved)), logits(expected))


PROGRAM = """
import sys

sys.path.insert(0, sys.argv[1])
import _lottery_autoload

_lottery_autoload.install()  # what the .pth file does where the package is installed
import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[2], dtype="auto").eval()
print(float(model(torch.arange(3, 60).view(3, 19)).logits.double().abs().sum()))
from lottery_plugins.cli import main

spec = "int4:group_size=32+wanda:sparsity=0.5"
sys.exit(main(["compress", sys.argv[3], "--compression", spec, "--out", sys.argv[4]]))
"""


def test_another_process_reads_it_importing_nothing_of_ours_and_writes_the_same_bytes(original, saved, job, tmp_path):
    words = [str(REPOSITORY), str(saved), str(original), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    found = float(done.stdout.splitlines()[0])
    assert found == pytest.approx(float(logits(load(saved)).double().abs().sum()), rel=1e-12)
    mine, others = folder_digest(saved), folder_digest(tmp_path / "out")
    cards = ("README.md", "lottery.json")  # they have the spec as it was written
    assert {n: d for n, d in mine.items() if n not in cards} == {n: d for n, d in others.items() if n not in cards}
    make_checkpoint(
        replace(job(original, tmp_path / "again"), compression=read_record(tmp_path / "out")["compression"])
    )
    assert folder_digest(tmp_path / "again") == others


def test_without_this_package_transformers_stops_with_an_error(saved, monkeypatch):
    from transformers import AutoModelForCausalLM
    from transformers.quantizers import auto

    register()
    for mapping in (auto.AUTO_QUANTIZER_MAPPING, auto.AUTO_QUANTIZATION_CONFIG_MAPPING):
        monkeypatch.delitem(mapping, "lottery")
    with pytest.raises(RuntimeError, match="mismatch"):
        AutoModelForCausalLM.from_pretrained(saved, dtype="auto")


def test_a_plain_method_gives_a_folder_that_needs_nothing_of_ours(original, job, tmp_path):
    make_checkpoint(job(original, tmp_path / "pruned", [Wanda(sparsity=0.5)]))
    config = json.loads((tmp_path / "pruned" / "config.json").read_text())
    assert "quantization_config" not in config
    weight = load(tmp_path / "pruned").model.layers[0].mlp.up_proj.weight
    assert (weight == 0).float().mean() == 0.5


def test_it_can_be_saved_again_by_transformers(saved, tmp_path):
    model = load(saved)
    model.save_pretrained(tmp_path / "again")
    assert torch.equal(logits(load(tmp_path / "again")), logits(model))


def test_read_in_another_type_only_what_is_not_compressed_takes_it(saved):
    model = load(saved, dtype="bfloat16")
    layer = model.model.layers[1].mlp.up_proj
    assert (model.dtype, layer.scale.dtype, layer.packed.dtype) == (torch.bfloat16, torch.float16, torch.uint8)
    assert logits(model).dtype == torch.bfloat16


def test_the_record_and_the_card_say_how_it_was_made(original, saved):
    record = read_record(saved)
    assert [method["name"] for method in record["methods"]] == ["wanda", "int4"]
    assert record["methods"][1]["options"] == {"group_size": 32}
    assert record["calibration"].startswith("bundled:calibration.txt (")
    assert 0 < record["after"]["nominal"] < record["after"]["total"] < record["before"]["total"]
    card = (saved / "README.md").read_text()
    assert f"lottery compress {original} --compression int4+wanda" in card
    assert "zeros are stored densely" in card


def test_a_name_is_no_markup_in_the_card(original, job, tmp_path):
    strange = tmp_path / "x`<img>*[a](b)\n# new"
    shutil.copytree(original, strange)
    make_checkpoint(job(strange, tmp_path / "out", [Int8()]))
    lines = (tmp_path / "out" / "README.md").read_text().splitlines()
    title = next(line for line in lines if line.startswith("# "))
    assert title == r"# x\`&lt;img&gt;\*\[a\](b) \# new, compressed: int8"
    assert not any("<img>" in line for line in lines if not line.startswith("    "))


class Doubled(nn.Module):
    """A stranger's layer, which no config describes."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return 2 * self.linear(x)


def test_a_model_that_a_checkpoint_cannot_hold_is_refused_by_name(tmp_path):
    model = apply([], tiny_model()).model
    model.model.layers[1].mlp.up_proj = Doubled(model.model.layers[1].mlp.up_proj)
    with pytest.raises(ConfigError, match=r"model\.layers\.1\.mlp\.up_proj is a Doubled"):
        save_checkpoint(model, None, tmp_path, {})


def test_a_hook_that_changes_the_model_is_refused(tmp_path):
    model = apply([Int8()], tiny_model()).model
    model.model.layers[0].mlp.up_proj.register_forward_hook(lambda m, args, out: out * 2)
    with pytest.raises(ConfigError, match=r"layers\.0\.mlp\.up_proj"):
        save_checkpoint(model, None, tmp_path, {})


@pytest.mark.parametrize(
    "change",
    [
        lambda layers: layers.update({"model.norm": next(iter(layers.values()))}),
        lambda layers: layers.update({"no.such.layer": next(iter(layers.values()))}),
        lambda layers: next(iter(layers.values())).update(kind="os.system"),
        lambda layers: next(iter(layers.values())).update(in_features=7),
        lambda layers: layers.clear(),
    ],
)
def test_a_config_that_lies_is_one_clear_error(saved, tmp_path, change):
    shutil.copytree(saved, tmp_path / "copy")
    path = tmp_path / "copy" / "config.json"
    config = json.loads(path.read_text())
    change(config["quantization_config"]["layers"])
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match="checkpoint"):
        load(tmp_path / "copy")


def test_a_missing_tensor_is_an_error_not_a_random_one(saved, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(saved, tmp_path / "copy")
    path = tmp_path / "copy" / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.1.mlp.up_proj.scale"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"up_proj\.scale"):
        load(tmp_path / "copy")
