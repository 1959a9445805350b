"""The tool contract finds what it says it finds."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.testing.contracts.tool import check_tool
from lottery_plugins.trajectory import ToolResult

pytestmark = pytest.mark.usefixtures("looking_for_faults")


def good_calls():
    return [({"text": "abc"}, "cba")]


@dataclass(frozen=True)
class Reverse:
    name: ClassVar[str] = "reverse"
    summary: ClassVar[str] = "Turn a text around."

    @property
    def description(self):
        return ToolDescription("reverse", "Turns a text around.", (Parameter("text", "string", "the text"),))

    def call(self, arguments):
        text = arguments.get("text")
        if not isinstance(text, str):
            raise ToolError("reverse", "the text is missing")
        return ToolResult(text[::-1])


class RaisesKeyError(Reverse):
    def call(self, arguments):
        return ToolResult(arguments["text"][::-1])


class ReturnsText(Reverse):
    def call(self, arguments):
        return super().call(arguments).text


class EmptiesItsArguments(Reverse):
    def call(self, arguments):
        result = super().call(arguments)
        arguments.pop("text")
        return result


class NamesAnotherTool(Reverse):
    def call(self, arguments):
        if "text" not in arguments:
            raise ToolError("forward", "the text is missing")
        return super().call({"text": str(arguments["text"])})


class InventsCategories(Reverse):
    def call(self, arguments):
        if "text" not in arguments:
            raise ToolError("reverse", "the text is missing", category="oops")
        return super().call({"text": str(arguments["text"])})


class CountsItsCalls(Reverse):
    calls = itertools.count()

    def call(self, arguments):
        return ToolResult(super().call(arguments).text + str(next(self.calls)))


class DescribesAnother(Reverse):
    @property
    def description(self):
        return ToolDescription("forward", "x", (Parameter("text", "string", "the text"),))


class HasAListParameter(Reverse):
    @property
    def description(self):
        return ToolDescription("reverse", "x", (Parameter("text", "list", "the text"),))


def test_a_sound_tool_passes():
    check_tool(Reverse, good_calls=good_calls())


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        (ReturnsText, "not a ToolResult"),
        (EmptiesItsArguments, "changed its arguments"),
        (NamesAnotherTool, "names the tool 'forward'"),
        (InventsCategories, "category 'oops'"),
        (CountsItsCalls, "another text the second time"),
        (DescribesAnother, "the description is of 'forward'"),
        (HasAListParameter, "has the type 'list'"),
    ],
)
def test_what_is_wrong_is_named(tool, problem):
    with pytest.raises(AssertionError, match=problem):
        check_tool(tool, good_calls=good_calls())


def test_other_exceptions_are_not_hidden():
    with pytest.raises((KeyError, TypeError, ExceptionGroup)):
        check_tool(RaisesKeyError, good_calls=good_calls())


def test_a_wrong_result_is_shown():
    with pytest.raises(AssertionError, match="does not contain 'abc'"):
        check_tool(Reverse, good_calls=[({"text": "abc"}, "abc")])


def test_a_good_call_must_not_be_refused():
    with pytest.raises(AssertionError, match="was refused: reverse: the text is missing"):
        check_tool(Reverse, good_calls=[({"txt": "abc"}, "cba")])


def test_good_calls_are_needed():
    with pytest.raises(AssertionError, match="at least one good call"):
        check_tool(Reverse, good_calls=[])
