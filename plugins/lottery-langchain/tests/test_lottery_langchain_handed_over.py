"""Ours, handed to LangChain: what its standard tests do not ask."""

import asyncio

import pytest

pytest.importorskip("langchain_core")

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool
from lottery_langchain import (
    LotteryChatModel,
    as_langchain_retriever,
    as_langchain_store,
    as_langchain_tool,
)

from lottery_plugins.documents import Document
from lottery_plugins.engine.rounds import RoundScheduler
from lottery_plugins.errors import ConfigError
from lottery_plugins.memory.scratchpad import Scratchpad
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.prompt import Prompt
from lottery_plugins.testing.fakes import ScriptedBackend
from lottery_plugins.tools.calculator import Calculator

BIRDS = [Document("h", "The heron eats fish.", "Heron"), Document("o", "The owl eats mice.", "Owl")]


def test_langchain_shows_a_model_the_same_tool_as_we_do():
    ours = Calculator().description.to_schema()["function"]
    theirs = convert_to_openai_tool(as_langchain_tool(Calculator()))["function"]
    assert (theirs["name"], theirs["description"]) == (ours["name"], ours["description"])
    assert theirs["parameters"] == ours["parameters"]


def test_what_our_tool_refuses_is_told_to_the_model_or_raised_when_asked():
    tool = as_langchain_tool(Calculator())
    assert tool.invoke({"expression": "2 +* 3"}).startswith("calculator: cannot read '2 +* 3' at column 4")
    tool.handle_tool_error = False
    with pytest.raises(ToolException, match=r"cannot read '2 \+\* 3'"):
        tool.invoke({"expression": "2 +* 3"})


def test_a_text_alone_is_the_first_argument():
    assert as_langchain_tool(Calculator()).invoke("2 + 3") == "5"


def test_documents_found_have_our_ids_titles_and_scores():
    (found,) = as_langchain_retriever(Bm25(), BIRDS).invoke("mice")
    assert (found.id, found.page_content, found.metadata["title"]) == ("o", "The owl eats mice.", "Owl")
    assert found.metadata["score"] > 0


def test_a_retriever_of_prompts_is_refused():
    with pytest.raises(ConfigError, match="searches documents, not a prompt"):
        as_langchain_retriever(Prompt(), BIRDS)


@pytest.mark.parametrize("k", [0, -1])
def test_a_number_of_documents_below_one_is_refused(k):
    with pytest.raises(ConfigError, match=r"LotteryRetriever\.k"):
        as_langchain_retriever(Bm25(), BIRDS).invoke("mice", k=k)


def test_a_deleted_entry_is_hidden_and_emptied_and_can_be_written_again():
    memory = Scratchpad().open()
    store = as_langchain_store(memory)
    store.mset([("a", "secret"), ("b", "2")])
    store.mdelete(["a", "unknown"])
    assert list(store.yield_keys()) == ["b"]
    assert memory.read("a") == ""
    store.mset([("a", "3")])
    assert store.mget(["a", "b"]) == ["3", "2"]


def test_a_conversation_reaches_the_backend_as_it_is_with_its_settings():
    backend = ScriptedBackend(["fine"])
    model = LotteryChatModel(backend=backend, max_tokens=5, stop=["\n"])
    turns = [SystemMessage("Be short."), HumanMessage("How are you?"), AIMessage("I am")]
    model.invoke(turns, stop=["END"], temperature=0.5, seed=3)
    (request,) = backend.requests
    assert [(m.role, m.content) for m in request.messages] == [
        ("system", "Be short."), ("user", "How are you?"), ("assistant", "I am")
    ]  # fmt: skip
    config = request.config
    assert (config.max_tokens, config.stop, config.do_sample, config.temperature, config.seed) == (
        5, ("\n", "END"), True, 0.5, 3
    )  # fmt: skip


def test_tokens_are_counted_where_the_backend_can_tell():
    answer = LotteryChatModel(backend=ScriptedBackend(["one two"])).invoke("a b c")
    assert answer.usage_metadata["input_tokens"] == 3
    assert answer.usage_metadata["output_tokens"] == 2
    assert answer.response_metadata["finish_reason"] == "stop"


def test_calls_made_at_once_share_the_engines_batches():
    backend = ScriptedBackend(lambda prompt: prompt.upper())
    model = LotteryChatModel(engine=RoundScheduler(backend, 8))
    answers = asyncio.run(model.abatch([f"question {i}" for i in range(8)]))
    assert [answer.content for answer in answers] == [f"QUESTION {i}" for i in range(8)]
    assert backend.batch_sizes == [8]


def test_an_engine_streams_too():
    model = LotteryChatModel(engine=RoundScheduler(ScriptedBackend(["hello"]), 8))

    async def run():
        return [chunk async for chunk in model.astream("hi")]

    chunks = asyncio.run(run())
    assert "".join(chunk.text for chunk in chunks) == "hello"


def test_an_engine_has_no_synchronous_calls():
    with pytest.raises(ConfigError, match="ainvoke"):
        LotteryChatModel(engine=RoundScheduler(ScriptedBackend(), 8)).invoke("hi")


@pytest.mark.parametrize("sources", [{}, {"backend": ScriptedBackend(), "engine": ScriptedBackend()}])
def test_a_model_has_one_source(sources):
    with pytest.raises(ValueError, match="either a backend or an engine"):
        LotteryChatModel(**sources)


@pytest.mark.parametrize(
    "message",
    [
        ToolMessage("5", tool_call_id="1"),
        HumanMessage([{"type": "image", "url": "https://example.org/a.png"}]),
    ],
)
def test_what_our_models_can_not_read_is_refused(message):
    with pytest.raises(ConfigError, match="LotteryChatModel"):
        LotteryChatModel(backend=ScriptedBackend()).invoke([message])


def test_a_setting_that_nobody_takes_is_refused():
    with pytest.raises(ConfigError, match="top_k"):
        LotteryChatModel(backend=ScriptedBackend()).invoke("hi", top_k=3)


def test_plugins_are_listed_without_importing_langchain():
    import subprocess
    import sys

    program = "import sys, lottery_langchain as p; p.lottery_tools(); print([m for m in sys.modules if 'lang' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "langchain_core" not in done.stdout
    assert "lottery_langchain.toolset" in done.stdout
