"""What a user might name by its import path in the tests of this package."""

import asyncio
import os
import time
from typing import Annotated

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.stores import InMemoryByteStore, InMemoryStore
from langchain_core.tools import (
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    InjectedToolCallId,
    StructuredTool,
    Tool,
    ToolException,
)
from langchain_core.tools import tool as as_tool
from lottery_langchain import as_langchain_tool
from pydantic import BaseModel, Field

from lottery_plugins.tools.calculator import Calculator


class WeatherArguments(BaseModel):
    """Where and when."""

    city: str = Field(description="name of the city")
    days: int = Field(default=1, description="days ahead", ge=0, le=7)


@as_tool(args_schema=WeatherArguments)
def weather(city: str, days: int = 1) -> str:
    """Forecast the weather of a city."""
    if city == "Atlantis":
        raise ToolException("Atlantis has sunk")
    if city == "Nowhere":
        raise RuntimeError("the forecast is broken")
    return f"{city} in {days} days: sunny"


@as_tool
def whoami(question: str, user: Annotated[str, InjectedToolArg] = "nobody") -> str:
    """Say who asks."""
    return f"{user} asks {question}"


@as_tool
def needs_user(question: str, user: Annotated[str, InjectedToolArg]) -> str:
    """Say who asks, and fail without a user."""
    return f"{user} asks {question}"


@as_tool
def call_id(text: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> str:
    """Repeat a text."""
    return f"{text} {bool(tool_call_id)}"


@as_tool
def process(text: str) -> str:
    """Say which process this is."""
    return str(os.getpid())


@as_tool
def sleep(seconds: float) -> str:
    """Sleep."""
    time.sleep(seconds)
    return "awake"


async def _later(text: str) -> str:
    await asyncio.sleep(0)
    return text[::-1]


backwards = StructuredTool.from_function(coroutine=_later, name="backwards", description="Reverse a text.")


class Lonely(BaseTool):
    """A tool that is a class with an asynchronous method only."""

    name: str = "lonely"
    description: str = "Answer after a while."

    def _run(self, text: str) -> str:
        raise NotImplementedError

    async def _arun(self, text: str) -> str:
        await asyncio.sleep(0)
        return f"after a while: {text}"


class NeedsUser(BaseTool):
    """The same, as a class whose arguments follow from its method."""

    name: str = "needs_user"
    description: str = "Say who asks."

    def _run(self, question: str, user: Annotated[str, InjectedToolArg]) -> str:
        return f"{user} asks {question}"


@as_tool(response_format="content_and_artifact")
def with_artifact(text: str) -> tuple[str, list[int]]:
    """Give a text and something for programs."""
    return f"{len(text)} letters", list(range(len(text)))


@as_tool
def picture(text: str) -> list[dict[str, str]]:
    """Give a text and a picture."""
    return [{"type": "text", "text": text}, {"type": "image", "url": "https://example.org/a.png"}]


picture.handle_tool_error = True

TOOLS = [weather, backwards]
SAME_NAME_TWICE = [weather, weather]
NOT_A_TOOL = "weather"


class Kit(BaseToolkit):
    """Two tools."""

    def get_tools(self) -> list[BaseTool]:
        """Both."""
        return list(TOOLS)


KIT = Kit()


def make_tools() -> list[BaseTool]:
    """Tools that are made when they are asked for."""
    return [weather]


def broken() -> None:
    """A function that fails."""
    raise OSError("no key for the service")


ENTRIES = [
    Document(
        page_content="The heron nests by the lake and eats small fish.", metadata={"title": "Heron", "rating": 2.0}
    ),
    Document(page_content="The clock tower was built of red brick.", id="tower", metadata={"rating": 3}),
    Document(page_content="The baker sells rye bread before sunrise.", metadata={"rating": 1.0}),
]


class SharedWords(BaseRetriever):
    """Documents by the number of words they share with the query; takes `k` as many retrievers do."""

    documents: list[Document]
    k: int = 4

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        words = set(query.lower().replace("?", " ").split())
        rated = [(len(words & set(d.page_content.lower().replace(".", " ").split())), d) for d in self.documents]
        best = sorted((pair for pair in rated if pair[0]), key=lambda pair: -pair[0])
        return [document for _, document in best[: k or self.k]]


class TakesNoNumber(BaseRetriever):
    """Always the same documents, however many are wanted."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [*ENTRIES, ENTRIES[0]]


class OnlyAsynchronous(BaseRetriever):
    """Answers asynchronously, and not otherwise."""

    def _get_relevant_documents(self, query, *, run_manager):
        raise NotImplementedError

    async def _aget_relevant_documents(self, query, *, run_manager, k=4):
        await asyncio.sleep(0)
        return ENTRIES[:k]


class NotImplementedAtAll(BaseRetriever):
    """Never answers."""

    def _get_relevant_documents(self, query, *, run_manager):
        raise NotImplementedError


legacy = Tool(name="shout", func=lambda text: text.upper() + "!", description="Shout.")

retriever = SharedWords(documents=ENTRIES)


def make_retriever() -> BaseRetriever:
    """A retriever that is made when it is asked for."""
    return SharedWords(documents=ENTRIES)


def index(documents: list[Document]) -> BaseRetriever:
    """A retriever over given documents."""
    return SharedWords(documents=documents)


def forgets_ids(documents: list[Document]) -> BaseRetriever:
    """A retriever whose documents can't be told apart."""
    return SharedWords(documents=[Document(page_content=d.page_content) for d in documents])


STORE = InMemoryStore()
BYTES = InMemoryByteStore()


def langgraph_store():
    """A new LangGraph store."""
    from langgraph.store.memory import InMemoryStore as GraphStore

    return GraphStore()


def letters(texts):
    """Embeddings by the letters and digits of a text; the same for the same text."""
    alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
    return [[1e-6 + text.lower().count(letter) for letter in alphabet] for text in texts]


def searchable_store():
    """A new LangGraph store with an index."""
    from langgraph.store.memory import InMemoryStore as GraphStore

    return GraphStore(index={"dims": 36, "embed": letters, "fields": ["text"]})


def all_kinds():
    """One tool of each kind; the last one is ours, handed to LangChain and taken back."""
    tools = [weather, backwards, whoami, call_id, with_artifact, legacy, picture]
    return [*tools, as_langchain_tool(Calculator())]


ALL_KINDS = all_kinds()
