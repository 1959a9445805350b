"""Every built-in reasoner keeps the contract."""

import pytest

from lottery_plugins.reasoners import REASONERS, ProgramAided
from lottery_plugins.testing.contracts.reasoner import check_reasoner


@pytest.mark.parametrize("reasoner_class", REASONERS, ids=lambda c: c.name)
def test_built_in_reasoner_keeps_the_contract(reasoner_class):
    check_reasoner(reasoner_class)


def test_program_aided_with_fallback_keeps_the_contract():
    check_reasoner(ProgramAided, lambda: ProgramAided(fallback="direct", retries=3))
