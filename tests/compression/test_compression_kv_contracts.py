"""The shipped contract suites over every built-in method that acts on the KV cache."""

import pytest

from lottery_plugins.compression import H2O, METHODS, TOVA, KeyNorm, KVQuant, PyramidKV, SnapKV, StreamingLLM
from lottery_plugins.testing.contracts.compression import check_kv_press, check_kv_quantizer

CASES = [
    (H2O, {}),
    (H2O, {"recent": 0.0, "decoding_interval": 3}),
    (KeyNorm, {"decoding_interval": 2}),
    (PyramidKV, {"window": 2, "beta": 4}),
    (PyramidKV, {}),
    (SnapKV, {"window": 4, "kernel": 3, "decoding_interval": 3}),
    (SnapKV, {}),
    (StreamingLLM, {"decoding_interval": 1}),
    (StreamingLLM, {"num_sinks": 0}),
    (TOVA, {}),
    (TOVA, {"decoding_interval": 1}),
]


@pytest.mark.parametrize(("press", "options"), CASES, ids=lambda part: getattr(part, "name", None) or str(part))
def test_presses_keep_the_contract(press, options):
    check_kv_press(press, options, max_examples=4)


def test_every_builtin_press_is_tried():
    assert {case[0] for case in CASES} == {m for m in METHODS if hasattr(m, "score")}


@pytest.mark.parametrize(
    ("options", "max_error"),
    [
        ({"bits": 4, "group_size": 8, "residual": 0}, 0.035),
        ({"bits": 2, "group_size": 8, "residual": 4}, 0.17),
        ({"bits": 4, "group_size": 8, "residual": 3, "decoding_interval": 2}, 0.035),
    ],
)
def test_kv_quant_keeps_the_contract(options, max_error):
    check_kv_quantizer(KVQuant, options, max_error=max_error, max_examples=5)
