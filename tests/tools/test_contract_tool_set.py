"""The contract of tool sets finds what it says it finds."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.testing.contracts.tool import check_tool_set
from lottery_plugins.trajectory import ToolResult

pytestmark = pytest.mark.usefixtures("looking_for_faults")

CALLS = [("push", {"text": "a"}, "1"), ("push", {"text": "b"}, "2"), ("count", {}, "2")]
ECHOES = [("echo", {"text": "a"}, "a"), ("shout", {"text": "a"}, "A")]


@dataclass(frozen=True)
class Simple:
    """A tool made of a function of its text."""

    name: str
    answer: Callable[[str], str]
    parameters: tuple[Parameter, ...] = (Parameter("text", "string", "any text"),)
    summary: ClassVar[str] = "Answers."

    @property
    def description(self):
        return ToolDescription(self.name, "Answers.", self.parameters)

    def call(self, arguments):
        text = arguments.get("text", "")
        if not isinstance(text, str) or (self.parameters and "text" not in arguments):
            raise ToolError(self.name, "text is missing or no text")
        return ToolResult(self.answer(text))


@dataclass(frozen=True)
class Stack:
    """A sound set of one problem."""

    name: ClassVar[str] = "stack"
    summary: ClassVar[str] = "Push and count."
    scope: ClassVar[str] = "problem"

    def open(self):
        return self.tools_on([])

    def tools_on(self, kept):
        def push(text):
            kept.append(text)
            return str(len(kept))

        return (Simple("push", push), Simple("count", lambda text: str(len(kept)), ()))


class SharesItsState(Stack):
    kept: ClassVar[list[str]] = []

    def open(self):
        return self.tools_on(self.kept)


class ChangesItsNames(Stack):
    numbers = itertools.count()

    def open(self):
        return (*super().open(), Simple(f"n{next(self.numbers)}", str))


class HasTwins(Stack):
    def open(self):
        return (*super().open(), *super().open())


class IsEmpty(Stack):
    def open(self):
        return ()


class HasAnOddScope(Stack):
    scope: ClassVar[str] = "forever"


class RaisesIndexErrors(Stack):
    def open(self):
        return (Simple("push", lambda text: text[0]), super().open()[1])


class IsAToolToo(Stack):
    description = Simple("stack", str).description

    def call(self, arguments):
        return ToolResult("")


def shout(text):
    return text.upper()


@dataclass(frozen=True)
class Echoes:
    """A sound set of a run."""

    name: ClassVar[str] = "echoes"
    summary: ClassVar[str] = "Say it again."
    scope: ClassVar[str] = "run"

    def open(self):
        return (Simple("echo", str), Simple("shout", shout))


@dataclass(frozen=True)
class WithLock(Simple):
    lock: Any = field(default_factory=threading.Lock)


class CantBePickled(Echoes):
    def open(self):
        return (WithLock("echo", str), Simple("shout", shout))


class CountsItsCalls(Echoes):
    calls = itertools.count()

    def open(self):
        return (Simple("echo", lambda text: f"{text}{next(self.calls)}"), Simple("shout", shout))


def test_sound_sets_pass():
    check_tool_set(Stack, good_calls=CALLS)
    check_tool_set(Echoes, good_calls=ECHOES)


@pytest.mark.parametrize(
    ("tool_set", "calls", "problem"),
    [
        (SharesItsState, CALLS, "openings share state"),
        (ChangesItsNames, [*CALLS, ("n0", {"text": "a"}, "a")], "other names or descriptions"),
        (HasTwins, CALLS, "two tools share a name"),
        (IsEmpty, CALLS, "opens without a tool"),
        (HasAnOddScope, CALLS, "scope 'forever'"),
        (IsAToolToo, CALLS, "be one"),
        (CantBePickled, ECHOES, "echo can't be pickled"),
        (CountsItsCalls, ECHOES, "another text the second time"),
        (Stack, CALLS[:2], r"each tool needs a good call.*'count'"),
        (Stack, [*CALLS, ("pop", {}, "b")], r"each good call a tool: \['pop'\]"),
        (Stack, [("push", {"text": "a"}, "7"), ("count", {}, "1")], "does not contain '7'"),
    ],
)
def test_what_is_wrong_is_named(tool_set, calls, problem):
    with pytest.raises(AssertionError, match=problem):
        check_tool_set(tool_set, good_calls=calls)


def test_other_exceptions_are_not_hidden():
    with pytest.raises((IndexError, ExceptionGroup)):
        check_tool_set(RaisesIndexErrors, good_calls=[("push", {"text": "a"}, "a"), ("count", {}, "0")])
