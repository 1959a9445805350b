"""A whole run with Wikipedia, by the names that a user writes, and the example of the README."""

import asyncio
import re
import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("wikipediaapi")

import lottery_wikipedia
from lottery_wikipedia import WikipediaRetriever, WikipediaTools
from lottery_wikipedia.snapshot import Recording
from wikipedia_server import AGENT

from lottery_plugins.assembly import assemble
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import EntryPoint, discover
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, one_by_one
from lottery_plugins.trajectory import Answer

QUESTION = "How tall is the grey heron?"


@dataclass(frozen=True)
class LooksUp:
    """Calls the tools and searches; its answer is what came of it."""

    name: ClassVar[str] = "looks-up"
    summary: ClassVar[str] = "Looks up."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        summary = await services.call_tool("wikipedia_summary", {"title": "Grey heron"})
        missing = await services.call_tool("wikipedia_section", {"title": "Unicorn", "section": "x"})
        found = await services.retrieve(QUESTION, top_k=1)
        return Answer(f"{summary.text}|{missing.error}|{found[0].document.text}")


class Engine:
    """The part of a text engine that facilities take."""

    generate = staticmethod(one_by_one(ScriptedBackend()))
    count_tokens = staticmethod(lambda text: None)
    release = staticmethod(lambda trajectory: None)


def assembled(tools, retriever):
    found = discover([EntryPoint("wikipedia", "lottery-wikipedia", "0", lottery_wikipedia)], {})
    registry = Registry([*found.plugins(), Registered("reasoner", LooksUp, "test", "1")], found.packages)
    return assemble(RunConfig.parse({"reasoner": "looks-up", "tools": tools, "retriever": retriever}), registry)


def solved(made):
    async def run():
        facilities = made.facilities(Engine())
        try:
            return await solve_all([fake_problem(QUESTION)] * 3, made.reasoner, facilities, max_live=3)
        finally:
            await facilities.close()

    return asyncio.run(run())


@pytest.fixture
def recorded(wiki, tmp_path):
    path = tmp_path / "birds-wiki.jsonl"
    _, summary, _ = WikipediaTools(AGENT, mirror=wiki.address, record=str(path)).open()
    summary.call({"title": "Grey heron"})
    WikipediaRetriever(AGENT, mirror=wiki.address, record=str(path)).build(()).search(QUESTION, 1)
    return path


def test_a_run_is_replayed_in_worker_processes_without_a_request(wiki, recorded):
    before = len(wiki.asked)
    for trajectory in solved(assembled(f"wikipedia:replay={recorded}", f"wikipedia:replay={recorded}")):
        assert trajectory.error == ""
        summary, missing, passage = trajectory.answer.split("|")
        assert summary.startswith("Grey heron\nThe grey heron is native")
        assert (missing, passage) == ("denied", "It stands up to 100 cm tall.")
    assert len(wiki.asked) == before


def test_the_fingerprint_of_a_replay_names_the_snapshots_content(recorded):
    specs = (f"wikipedia:replay={recorded}", f"wikipedia:replay={recorded}")
    before = assembled(*specs)
    assert before.versions["tool wikipedia_search"] == before.versions["retriever wikipedia"]
    assert before.versions["retriever wikipedia"].startswith("sha256:")
    assert assembled(*specs).fingerprint == before.fingerprint
    Recording(recorded).add((("language", "en"), ("page", "more")), {})
    assert assembled(*specs).fingerprint != before.fingerprint


def test_the_example_of_the_readme_runs(recorded, monkeypatch, capsys, tmp_path):
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("example.py")
    assert capsys.readouterr().out.endswith("en:Grey heron#Size It stands up to 100 cm tall.\n")
