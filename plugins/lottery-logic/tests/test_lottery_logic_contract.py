"""The plugins keep the contracts of their kinds."""

import pytest

pytest.importorskip("z3")

from lottery_logic import Logic, LogicProgram

from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.testing.contracts.tool import check_tool

RULES = "fact Cold(Bob)\nrule Cold($x) -> Rough($x)\nask Rough(Bob)"
ORDER = "let a, b, c in 1..3\nassert distinct(a, b, c) and a < b and c = 1\noption A: a = 1\noption B: a = 2"


def test_logic_keeps_the_contract_of_tools():
    good_calls = [({"program": RULES}, "true"), ({"program": f"```\n{ORDER}\n```"}, "B")]
    check_tool(Logic, good_calls=good_calls, options={"timeout_s": 2.0})


@pytest.mark.parametrize("fallback", ["none", "chain-of-thought"])
def test_logic_program_keeps_the_contract_of_reasoners(fallback):
    check_reasoner(LogicProgram, lambda: LogicProgram(fallback=fallback), tools=[Logic()])
