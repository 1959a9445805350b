"""A norm is replaced where the function gives the same bits, and left alone elsewhere."""

import copy

import pytest
import torch
from packed_models import SIZES
from transformers import LlamaConfig, LlamaForCausalLM

from lottery_plugins.backends.packed.norms import FastNorm, replace_norms


class PlusOneRMSNorm(torch.nn.Module):
    """As Gemma writes it: the weight is what is added to 1."""

    def __init__(self, size):
        super().__init__()
        self.weight, self.eps = torch.nn.Parameter(torch.zeros(size)), 1e-6

    def forward(self, states):
        return torch.nn.functional.rms_norm(states, self.weight.shape, 1 + self.weight, self.eps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_llama_gives_the_same_bits_with_its_norms_replaced(dtype):
    torch.manual_seed(0)
    made = LlamaForCausalLM(LlamaConfig(**SIZES)).eval().to(dtype)
    for parameter in made.parameters():
        parameter.data.normal_(std=0.3)
    clone = copy.deepcopy(made)
    replaced = replace_norms(clone)
    assert replaced == sum(isinstance(module, FastNorm) for module in clone.modules())
    assert replaced in (0, 2 * SIZES["num_hidden_layers"] + 1)
    assert replaced or dtype is not torch.float32
    ids = torch.arange(1, 20)[None]
    with torch.inference_mode():
        assert torch.equal(clone(ids).logits, made(ids).logits)


def test_a_norm_that_computes_otherwise_stays():
    made = torch.nn.Sequential(PlusOneRMSNorm(8), torch.nn.LayerNorm(8))
    assert replace_norms(made) == 0
