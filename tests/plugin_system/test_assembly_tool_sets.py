"""Tool sets in a run's configuration."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.assembly import assemble
from lottery_plugins.builtin import lottery_reasoners
from lottery_plugins.config import RunConfig
from lottery_plugins.errors import ConfigError
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, one_by_one


class Engine:
    """The part of a text engine that facilities take."""

    generate = staticmethod(one_by_one(ScriptedBackend()))
    count_tokens = staticmethod(lambda text: None)
    release = staticmethod(lambda trajectory: None)


@dataclass(frozen=True)
class Shared:
    name: ClassVar[str] = "shared"
    summary: ClassVar[str] = "Two tools."
    scope: ClassVar[str] = "run"

    def open(self):
        return (FakeTool("multiply numbers"), FakeTool("find_weather"))


@dataclass(frozen=True)
class Own:
    name: ClassVar[str] = "own"
    summary: ClassVar[str] = "A tool a problem."
    scope: ClassVar[str] = "problem"

    def open(self):
        return (FakeTool("file"),)


def assembled(tools, **arguments):
    registry = Registry(
        [
            *(Registered("tool", cls, "test", "1") for cls in (Shared, Own)),
            *(Registered("reasoner", cls, "test", "1") for cls in lottery_reasoners()),
        ]
    )
    return assemble(RunConfig.parse({"reasoner": "react", "tools": tools, **arguments}), registry)


def test_a_set_of_the_run_gives_its_tools_to_all_problems():
    made = assembled("shared")
    assert list(made.tools) == ["multiply numbers", "find_weather"]
    assert made.facilities(Engine()).open_tools is None


def test_a_set_of_the_problem_is_opened_for_each():
    made = assembled("shared+own")
    opener = made.facilities(Engine()).open_tools
    assert [tool.name for tool in opener()] == ["file"]
    assert opener()[0] is not opener()[0]


def test_two_tools_of_one_name_are_refused_and_the_second_named():
    with pytest.raises(ConfigError, match=r"each tool once.*tools=own offers it again"):
        assembled("own+own")


def test_tools_are_ranked_by_the_words_of_name_and_description():
    facilities = assembled("shared", max_tools=1).facilities(Engine())
    described = [tool.description for tool in facilities.tools.values()]
    assert facilities.max_tools == 1
    assert facilities.rank_tools("the weather in Rome", described)[0].name == "find_weather"
    assert [tool.name for tool in facilities.rank_tools("zebra", described)] == ["multiply numbers", "find_weather"]
