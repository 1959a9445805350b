"""What every tool and every set of tools keeps.

from lottery_plugins.testing.contracts.tool import check_tool, check_tool_set

def test_contract():
    check_tool(Calculator, good_calls=[({"expression": "2 + 3"}, "5")])

def test_contract_of_a_set():
    check_tool_set(Files, good_calls=[("write_file", {"path": "a", "content": "x"}, "a"), ("read_file", {"path": "a"}, "x")])
"""  # noqa: E501 - as a test would have it

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from lottery_plugins.protocols.tool import Tool, ToolSet
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.tool_checks import (
    check_any_call,
    check_description,
    check_good_call,
    check_threads,
    outcome,
)

__all__ = ["check_tool", "check_tool_set"]

GoodCall = tuple[str, Mapping[str, Any], str]
"""Name of the tool, arguments that work, and a text that must be part of the result."""


def check_tool(
    tool_class: type, *, good_calls: Sequence[tuple[Mapping[str, Any], str]], options: Mapping[str, Any] | None = None
) -> None:
    """Check a tool class.

    Args:
        tool_class: The class.
        good_calls: Arguments that work, each with a text that must be part of the result. At least one.
        options: The options to use; short time limits make the check quick.

    Raises:
        AssertionError: With what is wrong.
    """
    assert good_calls, "check_tool needs at least one good call"
    options = dict(options or {})
    check_plugin(tool_class, **options)
    tool = tool_class(**options)
    assert isinstance(tool, Tool), f"{tool_class.__name__} lacks a member of protocols.tool.Tool"
    check_description(tool)
    _check_repeatable([(tool, arguments, expected) for arguments, expected in good_calls])
    check_any_call([lambda: tool])
    check_threads([(tool, arguments) for arguments, _ in good_calls])


def check_tool_set(
    set_class: type, *, good_calls: Sequence[GoodCall], options: Mapping[str, Any] | None = None
) -> None:
    """Check a class of tool sets.

    Args:
        set_class: The class.
        good_calls: Calls that work in this order on a fresh opening, at least one for each tool.
        options: The options to use.

    Raises:
        AssertionError: With what is wrong.
    """
    options = dict(options or {})
    check_plugin(set_class, **options)
    tool_set = set_class(**options)
    assert isinstance(tool_set, ToolSet), f"{set_class.__name__} lacks a member of protocols.tool.ToolSet"
    assert tool_set.scope in ("run", "problem"), f"the scope {tool_set.scope!r} is neither 'run' nor 'problem'"
    assert not isinstance(tool_set, Tool), f"{set_class.__name__} is a tool and a set of tools; be one"
    tools = _opened(tool_set)
    unknown = {name for name, _, _ in good_calls} ^ set(tools)
    assert not unknown, f"each tool needs a good call, and each good call a tool: {sorted(unknown)}"
    for tool in tools.values():
        check_description(tool)
    again = _opened(tool_set)
    described = [[tool.description for tool in opened.values()] for opened in (tools, again)]
    assert described[0] == described[1], "the second opening has other names or descriptions than the first"
    if tool_set.scope == "run":
        _check_shared(tools, good_calls)
    else:
        _check_own(tool_set, good_calls)


def _opened(tool_set: ToolSet) -> dict[str, Tool]:
    """The tools of one opening by name."""
    tools = list(tool_set.open())
    assert tools, "the set opens without a tool"
    for tool in tools:
        assert isinstance(tool, Tool), f"{type(tool).__name__} lacks a member of protocols.tool.Tool"
    names = [tool.name for tool in tools]
    assert len(set(names)) == len(names), f"two tools share a name: {names}"
    return dict(zip(names, tools, strict=True))


def _check_repeatable(calls: Sequence[tuple[Tool, Mapping[str, Any], str]]) -> None:
    for tool, arguments, expected in calls:
        text = check_good_call(tool, arguments, expected)
        assert tool.call(arguments).text == text, f"{arguments} gave another text the second time"


def _check_shared(tools: Mapping[str, Tool], good_calls: Sequence[GoodCall]) -> None:
    """Tools of a run keep no state, and work after they were taken to another process."""
    _check_repeatable([(tools[name], arguments, expected) for name, arguments, expected in good_calls])
    for name, tool in tools.items():
        try:
            copy = pickle.loads(pickle.dumps(tool))
        except Exception as error:  # pickling runs what the tool defines, so it may raise anything
            raise AssertionError(f"{name} can't be pickled ({error}), so it can't go to a worker process") from error
        _check_repeatable([(copy, arguments, text) for called, arguments, text in good_calls if called == name])
    check_any_call([partial(tools.__getitem__, name) for name in tools])
    check_threads([(tools[name], arguments) for name, arguments, _ in good_calls])


def _check_own(tool_set: ToolSet, good_calls: Sequence[GoodCall]) -> None:
    """What one problem does to its tools, no other problem sees."""
    first, second = _opened(tool_set), _opened(tool_set)
    texts = [check_good_call(first[name], arguments, expected) for name, arguments, expected in good_calls]
    for label, tools in (("opened before the first was used", second), ("opened afterwards", _opened(tool_set))):
        again = [outcome(tools[name], arguments) for name, arguments, _ in good_calls]
        assert again == texts, f"a second opening, {label}, answers {again}, the first {texts}: openings share state"
    check_any_call([partial(_fresh, tool_set, name) for name in first])
    check_threads([(first[name], arguments) for name, arguments, _ in good_calls], same_texts=False)
    last = _opened(tool_set)
    assert [outcome(last[name], arguments) for name, arguments, _ in good_calls] == texts, "openings share state"


def _fresh(tool_set: ToolSet, name: str) -> Tool:
    return _opened(tool_set)[name]
