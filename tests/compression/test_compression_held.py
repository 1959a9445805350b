"""What a model really stores, wherever a library keeps it, and what checkpoints say of how they were made."""

import pytest
import torch
from torch import nn

from lottery_plugins.compression import Int8
from lottery_plugins.compression.held import held_tensors, is_plain
from lottery_plugins.compression.prequantized import dense_bytes, how_quantized
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.compression.structure import structural_clone
from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression import tiny_model


class TwoPart(torch.Tensor):
    """A tensor that says it is float32 of some shape, and holds bytes and a scale."""

    @staticmethod
    def __new__(cls, levels, scale):
        return torch.Tensor._make_wrapper_subclass(cls, levels.shape, dtype=torch.float32)

    def __init__(self, levels, scale):
        self.levels, self.scale = levels, scale

    def __tensor_flatten__(self):
        return ["levels", "scale"], None

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.detach.default:
            return args[0]
        raise NotImplementedError(func)


class State:
    """Scales that a library keeps beside a weight."""

    __module__ = "bitsandbytes.functional"

    def __init__(self, scale):
        self.absmax, self.inner = scale, {"code": torch.zeros(16), "itself": self}


class Packed(nn.Module):
    __module__ = "bitsandbytes.nn.modules"

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(10, dtype=torch.uint8), requires_grad=False)
        self.quant_state = State(torch.zeros(5))
        self.register_buffer("computed", torch.zeros(100), persistent=False)


def with_layer(layer):
    model = structural_clone(tiny_model())
    model.model.layers[0].mlp.up_proj = layer
    return model


def names_and_sizes(module):
    return {name: tensor.nbytes for name, tensor in held_tensors(module)}


def test_states_of_libraries_are_counted_once_and_computed_buffers_are_not():
    assert names_and_sizes(Packed()) == {"weight": 10, "quant_state.absmax": 20, "quant_state.inner.code": 64}
    dense = stored_bytes(tiny_model()).total - tiny_model().model.layers[0].mlp.up_proj.weight.nbytes
    assert stored_bytes(with_layer(Packed())).total == dense + 94


def test_tensor_of_parts_is_counted_by_its_parts_and_is_not_plain():
    layer = nn.Linear(64, 128, bias=False)
    levels = torch.zeros(128, 64, dtype=torch.int8)
    layer.weight = nn.Parameter(TwoPart(levels, torch.ones(128)), requires_grad=False)
    assert names_and_sizes(layer) == {"weight.levels": 128 * 64, "weight.scale": 512}
    assert not is_plain(layer.weight)
    assert stored_bytes(with_layer(layer)).zero_ratio < 1e-3  # its levels are not taken for weights that are zero


def test_clone_shares_the_states_that_go_with_weights():
    model = with_layer(Packed())
    assert (
        structural_clone(model).model.layers[0].mlp.up_proj.quant_state is model.model.layers[0].mlp.up_proj.quant_state
    )


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (None, ""),
        ({"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": False}, "gptq (bits=4, group_size=64)"),
        ({"quant_method": "fp8"}, "fp8"),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "pack-quantized",
                "version": "0.20",
                "config_groups": {
                    "group_0": {"weights": {"num_bits": 4, "strategy": "group"}, "input_activations": None}
                },
            },
            "compressed-tensors (format=pack-quantized, num_bits=4, strategy=group)",
        ),
        (
            {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}},
            "torchao (weights=Int8WeightOnlyConfig)",
        ),
    ],
)
def test_config_tells_how_a_checkpoint_was_quantized(made, told):
    config = structural_clone(tiny_model()).config
    if made is not None:
        config.quantization_config = made
    assert how_quantized(config) == told


def test_second_quantization_of_a_checkpoint_is_refused_with_the_first():
    model = structural_clone(tiny_model())
    model.config.quantization_config = {"quant_method": "gptq", "bits": 4}
    with pytest.raises(
        ConfigError, match=r"int8: got 'a checkpoint quantized by gptq \(bits=4\)'.*original checkpoint"
    ):
        Int8().compress(model)


def test_dense_bytes_are_those_of_the_checkpoints_own_type():
    model = structural_clone(tiny_model())
    compressed = Int8().compress(model)
    dense, counted = dense_bytes(compressed, model.config), stored_bytes(model)
    assert (dense.total, dense.embedding, dense.other) == (counted.total, counted.embedding, counted.other)
    for named in (torch.bfloat16, "bfloat16"):
        model.config.dtype = named
        assert dense_bytes(compressed, model.config).total * 2 == counted.total
