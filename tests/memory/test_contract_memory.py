"""The memory contract finds what it says it finds."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.testing.contracts.memory import check_memory
from lottery_plugins.trajectory import ToolResult

pytestmark = pytest.mark.usefixtures("looking_for_faults")


class DictStore:
    def __init__(self):
        self.entries = {}

    def write(self, key, value):
        self.entries[key] = value

    def read(self, key):
        return self.entries.get(key)

    def keys(self):
        return list(self.entries)

    def render(self, max_chars=None):
        return "\n".join(f"{k}={v}" for k, v in self.entries.items())[-max_chars if max_chars else None :][:max_chars]


@dataclass(frozen=True)
class Plain:
    name: ClassVar[str] = "plain"
    summary: ClassVar[str] = "Keep a dict."
    scope: ClassVar[str] = "problem"
    store: ClassVar[type] = DictStore

    def open(self):
        return self.store()


def with_store(**methods):
    store = type("Store", (DictStore,), methods)
    name = "_".join(f"{method}_{getattr(given, '__name__', 'data')}" for method, given in methods.items())
    globals()[name] = type(name, (Plain,), {"store": store, "__module__": __name__})  # where pickle finds it
    return globals()[name]


def write_to_the_end(self, key, value):
    self.entries.pop(key, None)
    self.entries[key] = value


def keep_the_first(self, key, value):
    self.entries.setdefault(key, value)


def strip_keys(self, key, value):
    self.entries[key.strip()] = value


def ignore_the_limit(self, max_chars=None):
    return DictStore.render(self)


def show_keys_only(self, max_chars=None):
    return "\n".join(self.entries)[:max_chars]


def read_unknown_as_empty(self, key):
    return self.entries.get(key, "")


class Global(Plain):
    scope: ClassVar[str] = "global"


class Shared(Plain):
    one = DictStore()

    def open(self):
        return self.one


class Searched(DictStore):
    def find(self, query, top_k):
        shared = [(key, value) for key, value in self.entries.items() if query in (key, value)]
        return shared[:top_k]


class Commanded(DictStore):
    commands = (ToolDescription("count", "Counts.", (Parameter("key", "string", "a key"),)),)

    def command(self, name, arguments):
        if not isinstance(arguments.get("key"), str):
            raise ToolError(name, "key is no text")
        return ToolResult(str(len(self.entries)))


@dataclass(frozen=True)
class Kept(Plain):
    scope: ClassVar[str] = "run"

    def open(self):
        return KEPT


KEPT = DictStore()


def find_too_many(self, query, top_k):
    return list(self.entries.items())


def find_what_is_not_there(self, query, top_k):
    return [("nowhere", "nothing")][: len(self.entries)]


def find_twice(self, query, top_k):
    return [next(iter(self.entries.items()))] * min(2, top_k) if self.entries else []


def find_old_values(self, query, top_k):
    return [(key, "old") for key in list(self.entries)[:top_k]]


def find_nothing(self, query, top_k):
    return []


def find_in_nothing(self, query, top_k):
    return [("a", "b")]


def find_by_turns(self, query, top_k):
    self.turn = not getattr(self, "turn", False)
    return list(self.entries.items())[: top_k if self.turn else 0]


COMMANDS = Commanded.commands


def crash(self, name, arguments):
    return ToolResult(arguments["key"])


def answer_text(self, name, arguments):
    return "text"


def change_arguments(self, name, arguments):
    arguments["key"] = "changed"
    return ToolResult("")


def count_over_all(self, name, arguments):
    CALLS.append(name)
    return ToolResult(str(len(CALLS)))


def break_down(self, name, arguments):
    self.entries = None
    return ToolResult("")


CALLS = []


@pytest.mark.parametrize("store", [DictStore, Searched, Commanded])
def test_a_sound_memory_passes(store):
    made = type(f"Sound{store.__name__}", (Plain,), {"store": store, "__module__": __name__})
    globals()[made.__name__] = made
    check_memory(made)


def test_a_memory_that_keeps_passes_as_such_only():
    check_memory(Kept, keeps=True)
    with pytest.raises(AssertionError, match="shows"):
        check_memory(Kept)


@pytest.mark.parametrize(
    ("methods", "problem"),
    [
        ({"find": find_too_many}, "for top_k"),
        ({"find": find_what_is_not_there}, "which holds None"),
        ({"find": find_twice}, "an entry twice"),
        ({"find": find_old_values}, "which holds"),
        ({"find": find_nothing}, "finds nothing, though"),
        ({"find": find_in_nothing}, "a new memory finds something"),
        ({"find": find_by_turns}, "found something else"),
        ({"commands": COMMANDS, "command": crash}, "'key'|gave the text"),
        ({"commands": COMMANDS, "command": answer_text}, "not a ToolResult"),
        ({"commands": COMMANDS, "command": change_arguments}, "changed its arguments"),
        ({"commands": COMMANDS, "command": count_over_all}, "in two ways"),
        ({"commands": COMMANDS, "command": break_down}, "NoneType"),
        ({"commands": (), "command": answer_text}, "commands is empty"),
        ({"commands": COMMANDS * 2, "command": answer_text}, "one name"),
        ({"commands": ("count",), "command": answer_text}, "no ToolDescriptions"),
    ],
)
def test_what_is_wrong_with_searches_and_commands_is_named(methods, problem):
    with pytest.raises((AssertionError, KeyError, TypeError), match=problem):
        check_memory(with_store(**methods))


@pytest.mark.parametrize(
    ("memory", "problem"),
    [
        (with_store(write=write_to_the_end), "order of first writing"),
        (with_store(write=keep_the_first), "after writing"),
        (with_store(write=strip_keys), "after writing|reads"),
        (with_store(render=ignore_the_limit), "characters for max_chars"),
        (with_store(render=show_keys_only), "not see|not shown"),
        (with_store(read=read_unknown_as_empty), "wanted None"),
        (Shared, "of another one"),
        (Global, "scope is 'global'"),
    ],
)
def test_what_is_wrong_is_named(memory, problem):
    with pytest.raises(AssertionError, match=problem):
        check_memory(memory)
