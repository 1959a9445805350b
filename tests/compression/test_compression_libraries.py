"""Methods that stand on libraries: the contract, what is stored, and the library's own layer as the reference."""

import pytest
import torch
from torch import nn

from lottery_plugins.compression import BnbInt8, BnbNf4, Cast, Hqq, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.linear import CompressedLinear
from lottery_plugins.compression.structure import decoder_linears
from lottery_plugins.errors import ConfigError, MissingExtraError
from lottery_plugins.testing.contracts.compression import check_weight_method, tiny_calibration, tiny_model
from lottery_plugins.testing.contracts.compression_files import check_saved_checkpoint

INPUTS = torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(1)) * 3


def random_linear(rows=32, cols=64, bias=False):
    torch.manual_seed(0)
    return nn.Linear(cols, rows, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
def test_hqq_keeps_the_contract(bits):
    pytest.importorskip("hqq")
    check_weight_method(Hqq, {"bits": bits, "group_size": 32}, smaller=True, max_examples=5)


@pytest.mark.parametrize(("method", "options"), [(BnbNf4, {}), (BnbInt8, {}), (BnbInt8, {"threshold": 1.0})])
def test_bitsandbytes_keeps_the_contract(method, options):
    pytest.importorskip("bitsandbytes")
    check_weight_method(method, options, smaller=True, max_examples=5)


@pytest.mark.parametrize(
    ("method", "options", "bits"),
    [(Hqq, {"bits": 3, "group_size": 64}, 3 + 32 / 64), (BnbNf4, {}, 4 + 32 / 64), (BnbInt8, {}, 8 + 32 / 64)],
)
def test_stored_bytes_are_those_of_the_docstring(method, options, bits):
    pytest.importorskip(method.requires[0][0])
    compressed = method(**options).compress(tiny_model())
    linears = [module for module in compressed.modules() if isinstance(module, CompressedLinear)]
    weights = {(module.in_features, module.out_features) for module in linears}
    stored = sum(tensor.nbytes for linear in linears for tensor in linear.buffers() if linear.in_features == 64)
    dense = sum(
        rows * cols for _, m in decoder_linears(tiny_model(), "x") for rows, cols in [m.weight.shape] if cols == 64
    )
    assert (128, 64) in weights
    assert stored * 8 == dense * bits


def test_hqq_has_the_numbers_of_its_own_layer():
    quantize = pytest.importorskip("hqq.core.quantize")
    from lottery_plugins.compression.libraries.hqq_linear import HqqLinear

    linear = random_linear()
    config = quantize.BaseQuantizeConfig(nbits=4, group_size=32, axis=1)
    theirs = quantize.HQQLinear(linear, config, compute_dtype=torch.float32, device="cpu", del_orig=False).dequantize()
    torch.testing.assert_close(HqqLinear.fitted(linear, 4, 32).dequantize(), theirs, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("bias", [False, True])
def test_nf4_multiplies_by_the_weights_of_bitsandbytes_own_layer(bias):
    bnb = pytest.importorskip("bitsandbytes")
    from lottery_plugins.compression.libraries.bnb_linear import Nf4Linear

    linear = random_linear(bias=bias)
    packed, state = bnb.functional.quantize_4bit(linear.weight, blocksize=64, quant_type="nf4")
    theirs = nn.functional.linear(INPUTS, bnb.functional.dequantize_4bit(packed, state), linear.bias)
    ours = Nf4Linear.rounded(linear, 64)
    assert torch.equal(ours.dequantize(), bnb.functional.dequantize_4bit(packed, state))
    torch.testing.assert_close(ours(INPUTS), theirs)


@pytest.mark.parametrize("threshold", [0.0, 6.0])
def test_int8_gives_one_token_what_bitsandbytes_own_layer_gives(threshold):
    bnb = pytest.importorskip("bitsandbytes")
    from lottery_plugins.compression.libraries.bnb_linear import LlmInt8Linear

    linear = random_linear(bias=True)
    theirs = bnb.nn.Linear8bitLt(64, 32, has_fp16_weights=False, threshold=threshold)
    theirs.load_state_dict(linear.state_dict())
    theirs = theirs.to("cpu").eval()
    ours = LlmInt8Linear.rounded(linear, threshold)
    for token in INPUTS.view(-1, 1, 64):
        with torch.no_grad():
            torch.testing.assert_close(ours(token), theirs(token), atol=2e-3, rtol=1e-3)


def test_int8_token_does_not_depend_on_outliers_of_its_neighbours():
    pytest.importorskip("bitsandbytes")
    from lottery_plugins.compression.libraries.bnb_linear import LlmInt8Linear

    layer = LlmInt8Linear.rounded(random_linear(), 6.0)
    loud = INPUTS.clone()
    loud[0, 0, ::2] = 50.0
    torch.testing.assert_close(layer(loud)[1:], layer(INPUTS)[1:], atol=1e-5, rtol=1e-5)
    error = (layer(loud) - loud @ layer.dequantize().t()).abs().max()
    assert error < 0.05 * loud.abs().max()


@pytest.mark.parametrize("method", [BnbNf4, BnbInt8])
def test_pruned_weights_stay_zero_under_bitsandbytes(method):
    pytest.importorskip("bitsandbytes")
    result = apply([method(), Wanda(sparsity=0.5)], tiny_model(), calibration=tiny_calibration())
    assert result.report.after.zero_ratio == pytest.approx(0.5, abs=0.01)
    layer = next(module for module in result.model.modules() if isinstance(module, CompressedLinear))
    assert (layer.dequantize() == 0).float().mean() >= 0.5


@pytest.mark.parametrize("method", [Hqq(bits=4, group_size=32), BnbNf4(), BnbInt8()], ids=lambda method: method.name)
def test_layers_come_back_from_their_layout(method):
    pytest.importorskip(method.requires[0][0])
    import lottery_plugins.compression.libraries.layers  # noqa: F401 - makes the kinds known

    compressed = method.compress(tiny_model())
    layer = next(module for module in compressed.modules() if isinstance(module, CompressedLinear))
    again = CompressedLinear.from_layout(layer.layout())
    again.load_state_dict(layer.state_dict())
    assert type(again) is type(layer)
    assert torch.equal(again(INPUTS), layer(INPUTS))


@pytest.mark.parametrize("method", [Hqq, BnbNf4, BnbInt8])
def test_saved_checkpoint_is_read_back_to_the_bit(method):
    pytest.importorskip(method.requires[0][0])
    check_saved_checkpoint(method)


def test_cast_is_saved_as_a_plain_checkpoint():
    check_saved_checkpoint(Cast)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: Hqq(bits=5), "hqq.bits"),
        (lambda: Hqq(group_size=4), "hqq.group_size"),
        (lambda: BnbNf4(block_size=48), "bnb-nf4.block_size"),
        (lambda: BnbInt8(threshold=-1.0), "bnb-int8.threshold"),
        (lambda: BnbInt8(threshold=float("nan")), "bnb-int8.threshold"),
        (lambda: BnbNf4(block_size=256).compress(tiny_model()), "a divisor of 64"),
        (lambda: Hqq(group_size=48).compress(tiny_model()), "a divisor of 64"),
    ],
)
def test_wrong_options_are_named(build, told):
    with pytest.raises(ConfigError, match=told):
        build()


def test_library_that_is_not_installed_is_named_with_what_to_install():
    from lottery_plugins.compression.libraries.importing import library

    with pytest.raises(MissingExtraError, match=r"'no_such_library'.*lottery-plugins\[compression\]"):
        library("no_such_library.inner")
