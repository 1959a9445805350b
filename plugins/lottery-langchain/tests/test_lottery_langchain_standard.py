"""LangChain's own standard tests, on what is handed to LangChain."""

import pytest

pytest.importorskip("langchain_core")
pytest.importorskip("langchain_tests")

from langchain_tests.integration_tests import (
    BaseStoreAsyncTests,
    BaseStoreSyncTests,
    ChatModelIntegrationTests,
    RetrieversIntegrationTests,
    ToolsIntegrationTests,
)
from langchain_tests.unit_tests import ChatModelUnitTests, ToolsUnitTests
from lottery_langchain import LotteryChatModel, LotteryRetriever, as_langchain_store, as_langchain_tool

from lottery_plugins.documents import Document
from lottery_plugins.memory.scratchpad import Scratchpad
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.testing.fakes import ScriptedBackend
from lottery_plugins.tools.calculator import Calculator

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.filterwarnings("ignore:.*is marked with '@pytest.mark.asyncio' but it is not an async function"),
    pytest.mark.filterwarnings("ignore:Benchmarks are automatically disabled"),
]

BIRDS = [
    Document(f"bird-{i}", f"The {name} is a bird.", name) for i, name in enumerate(("heron", "crow", "owl", "wren"))
]


class Calculating:
    @property
    def tool_constructor(self):
        return as_langchain_tool(Calculator())

    @property
    def tool_invoke_params_example(self):
        return {"expression": "2 + 3"}


class TestToolUnits(Calculating, ToolsUnitTests):
    pass


class TestToolIntegration(Calculating, ToolsIntegrationTests):
    pass


class TestRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self):
        return LotteryRetriever

    @property
    def retriever_constructor_params(self):
        return {"retriever": Bm25(), "documents": BIRDS}

    @property
    def retriever_query_example(self):
        return "Which bird?"


class TestStore(BaseStoreSyncTests):
    @pytest.fixture
    def kv_store(self):
        return as_langchain_store(Scratchpad().open())

    @pytest.fixture
    def three_values(self):
        return ("1", "2", "3")


class TestStoreAsync(BaseStoreAsyncTests):
    @pytest.fixture
    def kv_store(self):
        return as_langchain_store(Scratchpad().open())

    @pytest.fixture
    def three_values(self):
        return ("1", "2", "3")


def says_something(prompt):
    return "hello there, this is an answer"


class OnABackend:
    @property
    def chat_model_class(self):
        return LotteryChatModel

    @property
    def chat_model_params(self):
        return {"backend": ScriptedBackend(says_something), "model": "scripted"}


class TestChatModelUnits(OnABackend, ChatModelUnitTests):
    pass


class TestChatModel(OnABackend, ChatModelIntegrationTests):
    @property
    def supports_model_override(self):
        return False  # a model that is loaded is the one that answers
