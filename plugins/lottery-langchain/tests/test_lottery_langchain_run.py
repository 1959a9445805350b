"""A whole run with LangChain's tools, retrievers and stores, by the names that a user writes."""

import asyncio
import os
import re
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("langchain_core")

import lottery_langchain

from lottery_plugins.assembly import assemble
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import EntryPoint, discover
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, one_by_one
from lottery_plugins.trajectory import Answer


@dataclass(frozen=True)
class Acts:
    """Calls tools, searches and remembers; its answer is what came of it."""

    name: ClassVar[str] = "acts"
    summary: ClassVar[str] = "Acts."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        said = [
            (await services.call_tool("weather", {"city": "Rome", "days": 2})).text,
            (await services.call_tool("weather", {"city": "Atlantis"})).error,
            (await services.call_tool("backwards", {"text": "abc"})).text,
            (await services.call_tool("process", {"text": "x"})).text,
        ]
        found = await services.retrieve("red brick")
        services.remember("place", found[0].document.id)
        return Answer("|".join([*map(str, said), services.recall("place")]))


class Engine:
    """The part of a text engine that facilities take."""

    generate = staticmethod(one_by_one(ScriptedBackend()))
    count_tokens = staticmethod(lambda text: None)
    release = staticmethod(lambda trajectory: None)


def assembled(**arguments):
    (found,) = [discover([EntryPoint("langchain", "lottery-langchain", "0", lottery_langchain)], {})]
    registry = Registry([*found.plugins(), Registered("reasoner", Acts, "test", "1")], found.packages)
    return assemble(RunConfig.parse({"reasoner": "acts", **arguments}), registry)


def solved(problems, **arguments):
    made = assembled(**arguments)

    async def run():
        facilities = made.facilities(Engine())
        try:
            return await solve_all(problems, made.reasoner, facilities, max_live=4)
        finally:
            await facilities.close()

    return asyncio.run(run())


def test_tools_index_and_store_named_by_the_user_serve_a_run():
    documents = (Document("a", "The heron nests by the lake."), Document("b", "The tower is of red brick."))
    trajectories = solved(
        [fake_problem(knowledge_base=documents), fake_problem(knowledge_base=documents[::-1])],
        tools="langchain-tools:entry=langchain_entries.TOOLS+langchain-tools:entry=langchain_entries.process",
        retriever="langchain-index:entry=langchain_entries.index",
        memory="langchain-store:entry=langchain_entries.STORE",
    )
    for trajectory in trajectories:
        assert trajectory.error == ""
        weather, sunk, backwards, process, place = trajectory.answer.split("|")
        assert (weather, sunk, backwards, place) == ("Rome in 2 days: sunny", "domain", "cba", "b")
        assert int(process) != os.getpid()


def test_a_retriever_of_its_own_serves_problems_without_documents():
    (trajectory,) = solved(
        [fake_problem()],
        tools="langchain-tools:entry=langchain_entries.TOOLS",
        retriever="langchain-retriever:entry=langchain_entries.retriever",
        memory="langchain-store",
    )
    assert trajectory.answer.endswith("|tower")


def test_an_entry_that_is_not_there_stops_the_run_before_any_model():
    with pytest.raises(ConfigError, match="Importing no_such_module raised"):
        assembled(tools="langchain-tools:entry=no_such_module.TOOLS")


README = Path(__file__).parents[1] / "README.md"


def code(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(1, len(code("python"))))
def test_the_examples_of_the_readme_run(number, tmp_path, monkeypatch, capsys):
    (tmp_path / "my_langchain.py").write_text(code("python")[0], encoding="utf-8")
    (tmp_path / "example.py").write_text(code("python")[number], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_langchain", raising=False)
    runpy.run_path(str(tmp_path / "example.py"))
    assert capsys.readouterr().out.splitlines() == re.findall(r"# -> (.*)", code("python")[number])
