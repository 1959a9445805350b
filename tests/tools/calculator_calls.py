"""What a calculator answers and how it refuses, for tests of its arithmetic."""

import pytest

from lottery_plugins.errors import ToolError
from lottery_plugins.tools.calculator import Calculator


def result(expression, **options):
    return Calculator(**options).call({"expression": expression}).text


def refusal(expression, **options):
    with pytest.raises(ToolError) as caught:
        Calculator(**options).call({"expression": expression})
    return caught.value
