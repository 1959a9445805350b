"""The shipped contract suites over every built-in method."""

import pytest

from lottery_plugins.compression import (
    AWQ,
    GPTQ,
    METHODS,
    SVD,
    Int4,
    Int8,
    LayerDrop,
    Magnitude,
    RoundToNearest,
    SparseGPT,
    Wanda,
)
from lottery_plugins.testing.contracts.compression import check_weight_method
from lottery_plugins.testing.contracts.compression_files import check_saved_checkpoint

QUANTIZERS = [
    (AWQ, {"group_size": 16, "num_powers": 4}),
    (GPTQ, {"group_size": 16}),
    (GPTQ, {"bits": 3, "group_size": 0, "act_order": False, "symmetric": True}),
    (Int4, {}),
    (Int4, {"group_size": 48}),
    (Int8, {}),
    (RoundToNearest, {"bits": 5, "group_size": 24}),
    (RoundToNearest, {"bits": 2, "symmetric": True}),
]
REMOVERS = [
    (LayerDrop, {"ratio": 0.5}, "ratio", True),
    (Magnitude, {}, "sparsity", False),
    (Magnitude, {"scope": "row"}, "sparsity", False),
    (SVD, {"ratio": 0.5}, "ratio", True),
    (SVD, {"ratio": 0.3, "whiten": False}, "ratio", True),
    (SparseGPT, {}, "sparsity", False),
    (Wanda, {}, "sparsity", False),
]
PATTERNS = [(Magnitude, {"pattern": "1of2"}), (SparseGPT, {"pattern": "2:4"}), (Wanda, {"pattern": "2of4"})]
SAVED = [*QUANTIZERS[:2], QUANTIZERS[4], *[(method, options) for method, options, *_ in REMOVERS]]


@pytest.mark.parametrize(("method", "options"), QUANTIZERS)
def test_quantizers_keep_the_contract(method, options):
    check_weight_method(method, options, smaller=True)


@pytest.mark.parametrize(("method", "options", "ratio", "smaller"), REMOVERS)
def test_methods_with_a_ratio_keep_the_contract(method, options, ratio, smaller):

    check_weight_method(method, options, smaller=smaller, ratio_option=ratio, max_examples=8)


@pytest.mark.parametrize(("method", "options"), PATTERNS)
def test_patterns_keep_the_contract(method, options):
    check_weight_method(method, options, max_examples=8)


@pytest.mark.parametrize(("method", "options"), SAVED)
def test_what_they_leave_on_disk_keeps_the_contract(method, options):
    check_saved_checkpoint(method, options)


def test_every_builtin_is_exported_and_names_are_unique():
    assert len({method.name for method in METHODS}) == len(METHODS)
