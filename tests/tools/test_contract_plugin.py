"""The common contract finds what it says it finds."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from lottery_plugins import option
from lottery_plugins.memory import MEMORY_BACKENDS
from lottery_plugins.retrievers import RETRIEVERS
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.tools import TOOLS


@dataclass(frozen=True)
class Sound:
    name: ClassVar[str] = "sound-2"
    summary: ClassVar[str] = "Do a thing e.g. well."
    source: ClassVar[str] = "arXiv:1"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("json", "pip install json"),)

    ratio: float = option(0.5, "how much")
    seed: int | None = option(None, "which")


@dataclass(frozen=True)
class WithRequiredOption:
    name: ClassVar[str] = "needs-path"
    summary: ClassVar[str] = "Read a file."

    path: str = option(help="which file")


@dataclass(frozen=True)
class WithoutHelp:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."
    ratio: float = 0.5


@dataclass(frozen=True)
class WithIntDefault:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."
    ratio: float = option(1, "how much")


@dataclass(frozen=True)
class WithListOption:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."
    words: list = option(None, "which")  # noqa: RUF009 - the mistake to be found


@dataclass(frozen=True)
class WithNoneForInt:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."
    count: int = option(None, "how many")


@dataclass
class Changeable:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."


@dataclass(frozen=True, eq=False)
class NeverEqual:
    name: ClassVar[str] = "x"
    summary: ClassVar[str] = "Do."


@dataclass(frozen=True)
class NameAsOption:
    name: str = option("x", "name")
    summary: ClassVar[str] = "Do."


def with_class_values(**values: Any):
    return type("Changed", (Sound,), values)


@pytest.mark.parametrize("plugin", [*TOOLS, *RETRIEVERS, *MEMORY_BACKENDS])
def test_every_built_in_of_these_kinds_keeps_it(plugin):
    check_plugin(plugin)


def test_a_required_option_is_given_by_the_caller():
    check_plugin(WithRequiredOption, path="x")


@pytest.mark.parametrize(
    ("plugin", "problem"),
    [
        (WithoutHelp, "has no help"),
        (WithIntDefault, "not of its type"),
        (WithListOption, "allowed are bool, int, float, str"),
        (WithNoneForInt, "not of its type"),
        (Changeable, "can be changed"),
        (NeverEqual, "not equal"),
        (NameAsOption, "belong to the class"),
        (with_class_values(name="Sound"), "lower-case words"),
        (with_class_values(name="so--und"), "lower-case words"),
        (with_class_values(name="2nd"), "lower-case words"),
        (with_class_values(name="none"), "reads as a value"),
        (with_class_values(name=None), "has no name"),
        (with_class_values(summary="Do this. And that."), "one sentence"),
        (with_class_values(summary="Do this"), "one sentence"),
        (with_class_values(requires={"json": "pip install json"}), "wanted is"),
    ],
)
def test_what_is_wrong_is_named(plugin, problem):
    with pytest.raises(AssertionError, match=problem):
        check_plugin(plugin)


def test_an_object_that_does_not_pickle_is_refused():
    local = dataclasses.make_dataclass("Local", [], frozen=True, namespace={"name": "x", "summary": "Do."})
    with pytest.raises(AssertionError, match="can't be pickled"):
        check_plugin(local)
