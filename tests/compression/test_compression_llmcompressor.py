"""One small layer, pruned and quantized as llmcompressor's own functions did it (benchmarks/weight_agreement.py)."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from lottery_plugins.compression import GPTQ, SparseGPT, Wanda
from lottery_plugins.compression.weights.input_statistics import InputGram, InputNorm
from lottery_plugins.compression.weights.optimal_brain import inverse_root
from lottery_plugins.compression.weights.rounding import Grid

REFERENCE = {
    name: torch.tensor(rows)
    for name, rows in json.loads(Path(__file__).with_name("llmcompressor_layer.json").read_text()).items()
}
WEIGHT, INPUTS = REFERENCE["weight"], REFERENCE["inputs"]


def statistic(kind):
    seen = kind(INPUTS.shape[1], INPUTS.device)
    seen.add(INPUTS)
    return seen


@pytest.mark.parametrize("pattern", ["", "2:4"])
def test_wanda_removes_the_same_weights(pattern):
    linear = nn.Linear(24, 12, bias=False)
    linear.weight = nn.Parameter(WEIGHT.clone(), requires_grad=False)
    pruned = Wanda(pattern=pattern)._pruned("layer", linear, statistic(InputNorm)).weight
    assert torch.equal(pruned == 0, REFERENCE[f"wanda {pattern}".strip()] == 1)


def test_sparsegpt_gives_the_same_weights_but_for_the_one_more_that_they_remove():
    root = inverse_root(statistic(InputGram).gram, 0.01, "test")
    found, expected = SparseGPT().pruned_weight(WEIGHT, root), REFERENCE["sparsegpt"]
    (row, column), *others = ((expected == 0) & (found != 0)).nonzero().tolist()
    assert others == []
    same = [index for index in range(12) if index != row]
    torch.testing.assert_close(found[same], expected[same], atol=2e-4, rtol=0)
    torch.testing.assert_close(found[row, :column], expected[row, :column], atol=2e-4, rtol=0)


def test_sparsegpt_with_a_pattern_gives_the_same_weights():
    root = inverse_root(statistic(InputGram).gram, 0.01, "test")
    found = SparseGPT(pattern="2:4").pruned_weight(WEIGHT, root)
    torch.testing.assert_close(found, REFERENCE["sparsegpt 2:4"], atol=2e-4, rtol=0)


@pytest.mark.parametrize(("name", "act_order"), [("gptq", False), ("gptq act_order", True)])
def test_gptq_gives_the_same_levels(name, act_order):
    grid = Grid(torch.full((12, 3), 0.25), torch.full((12, 3), 7.0), 8, 4)
    levels = GPTQ(group_size=8, act_order=act_order).levels(WEIGHT, statistic(InputGram).gram, grid, "test")
    assert torch.equal(grid.values(levels), REFERENCE[name])
