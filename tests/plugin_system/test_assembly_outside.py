"""Retrievers that bring their documents, and plugins that name the content which they answer from."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.assembly import assemble
from lottery_plugins.builtin import lottery_reasoners, lottery_retrievers
from lottery_plugins.config import RunConfig
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.testing.contracts.retriever import check_outside_retriever
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, WordIndex, fake_problem, one_by_one

BIRDS = (Document("h", "herons eat fish"), Document("o", "owls eat mice"))
built = []


class Engine:
    """The part of a text engine that facilities take."""

    generate = staticmethod(one_by_one(ScriptedBackend()))
    count_tokens = staticmethod(lambda text: None)
    release = staticmethod(lambda trajectory: None)


@dataclass(frozen=True)
class Outside:
    """Searches birds, whatever the problem is."""

    name: ClassVar[str] = "outside"
    summary: ClassVar[str] = "Birds."
    searches: ClassVar[str] = "outside"

    top_k: int = option(2, "documents", allowed="1 up")
    stamp: str = option("", "names the birds")

    def build(self, documents):
        built.append(tuple(documents))
        return WordIndex(BIRDS)

    def chunks(self, context):
        return ()


@dataclass(frozen=True)
class Stamped:
    """A tool set whose tools know their content."""

    name: ClassVar[str] = "stamped"
    summary: ClassVar[str] = "A tool."
    scope: ClassVar[str] = "run"

    content: str = option("", "what its answers come from")

    def open(self):
        tool = FakeTool("look_up")
        object.__setattr__(tool, "stamp", self.content)
        return (tool,)


def assembled(**arguments):
    registry = Registry(
        [
            Registered("tool", Stamped, "test", "1"),
            *(Registered("retriever", cls, "test", "1") for cls in (*lottery_retrievers(), Outside)),
            *(Registered("reasoner", cls, "test", "1") for cls in lottery_reasoners()),
        ]
    )
    return assemble(RunConfig.parse({"reasoner": "react", **arguments}), registry)


def test_a_retriever_that_brings_its_documents_serves_problems_without_any():
    built.clear()
    search = assembled(retriever="outside").facilities(Engine()).search
    problems = [fake_problem(), fake_problem(knowledge_base=(Document("x", "other"),)), fake_problem(context="long")]
    assert all(search.has_documents(problem) for problem in problems)
    found = [search.index_for(problem).search("mice", 1)[0].document.id for problem in problems]
    assert found == ["o", "o", "o"]
    assert built == [()]


def test_a_knowledge_base_that_it_would_not_search_is_refused(tmp_path):
    path = tmp_path / "kb.jsonl"
    path.write_text('{"text": "x"}\n')
    with pytest.raises(ConfigError, match="which searches documents of its own"):
        assembled(retriever="outside", knowledge_base=str(path))


def test_the_stamps_of_plugins_are_part_of_the_fingerprint():
    plain = assembled(retriever="outside", tools="stamped")
    assert not any(name.startswith(("tool ", "retriever ")) for name in plain.versions)
    one = assembled(retriever="outside:stamp=a", tools="stamped:content=b")
    assert one.versions["retriever outside"] == "a"
    assert one.versions["tool look_up"] == "b"


def test_content_that_changes_behind_equal_options_changes_the_fingerprint(monkeypatch):
    before = assembled(tools="stamped").fingerprint
    monkeypatch.setattr(FakeTool, "stamp", "sha256:1", raising=False)
    monkeypatch.setattr(Stamped, "open", lambda self: (FakeTool("look_up"),))
    assert assembled(tools="stamped").fingerprint != before


class Faulty(Outside):
    """Finds what it is told to."""

    def __init__(self, search):
        super().__init__()
        object.__setattr__(self, "_search", search)

    def build(self, documents):
        index = WordIndex(BIRDS)
        return type("Index", (), {"search": lambda _, query, top_k: self._search(index, query, top_k)})()


@pytest.mark.parametrize(
    ("search", "fault"),
    [
        (lambda index, query, top_k: [], "found nothing"),
        (lambda index, query, top_k: index.search("fish", 1), "does not contain"),
        (lambda index, query, top_k: index.search("mice eat", 9), "results for top_k=1"),
        (lambda index, query, top_k: index.search("mice", 1) * min(2, top_k), "came twice"),
    ],
)
def test_the_contract_finds_faults(search, fault):
    with pytest.raises(AssertionError, match=fault):
        check_outside_retriever(Faulty(search), good_queries=[("mice", "owls")])


def test_a_good_one_keeps_the_contract():
    check_outside_retriever(Outside(), good_queries=[("mice", "owls")])
