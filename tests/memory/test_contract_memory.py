"""The memory contract finds what it says it finds."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.testing.contracts.memory import check_memory

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
    name = "_".join(f"{method}_{function.__name__}" for method, function in methods.items())
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


def test_a_sound_memory_passes():
    check_memory(Plain)


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
