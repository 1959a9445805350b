from pathlib import Path

from lottery_plugins.testing.contracts.tool import check_tool
from lottery_plugins.tools import TOOLS
from lottery_plugins.tools.calculator import Calculator
from lottery_plugins.tools.date_time import DateTime
from lottery_plugins.tools.files import Files
from lottery_plugins.tools.python import Python
from lottery_plugins.tools.symbolic import SymPy
from lottery_plugins.tools.unit_convert import UnitConvert

GOOD_CALLS = {
    Calculator: [({"expression": "(12 + 3) * 4 / 8"}, "7.5"), ({"expression": 17}, "17")],
    Python: [({"code": "print(sum(range(10)))"}, "45"), ({"code": "```python\n6 * 7\n```"}, "42")],
    SymPy: [({"request": "solve(x^2 - 4 = 0, x)"}, "x = -2; x = 2"), ({"request": "diff(x**3, x)"}, "3*x**2")],
}


TESTED_ELSEWHERE = {
    DateTime: "test_tools_datetime.py",
    Files: "test_tools_files.py",
    UnitConvert: "test_tools_unit_convert.py",
}
"""Those whose contract is checked beside their other tests."""


def test_every_built_in_tool_has_good_calls_here_or_a_test_of_its_contract():
    assert set(GOOD_CALLS) | set(TESTED_ELSEWHERE) == set(TOOLS)
    for cls, file in TESTED_ELSEWHERE.items():
        assert f"({cls.__name__}, good_calls=" in (Path(__file__).parent / file).read_text()


def test_calculator_keeps_the_contract():
    check_tool(Calculator, good_calls=GOOD_CALLS[Calculator])


def test_python_keeps_the_contract():
    check_tool(Python, good_calls=GOOD_CALLS[Python], options={"timeout_s": 0.2, "max_memory_mb": 32})


def test_sympy_keeps_the_contract():
    check_tool(SymPy, good_calls=GOOD_CALLS[SymPy])
