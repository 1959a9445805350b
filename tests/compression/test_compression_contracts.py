"""The shipped contract suites over every built-in method."""

import pytest

from lottery_plugins.compression import METHODS, Int4, Int8, Wanda
from lottery_plugins.testing.contracts.compression import check_weight_method


def test_int8_keeps_the_contract():
    check_weight_method(Int8, smaller=True)


@pytest.mark.parametrize("group_size", [16, 64])
def test_int4_keeps_the_contract(group_size):
    check_weight_method(Int4, {"group_size": group_size}, smaller=True)


def test_wanda_keeps_the_contract():
    check_weight_method(Wanda, ratio_option="sparsity")


def test_wanda_with_a_pattern_keeps_the_contract():
    check_weight_method(Wanda, {"pattern": "2of4"})


def test_every_builtin_is_exported_and_names_are_unique():
    assert len({method.name for method in METHODS}) == len(METHODS) == 10
