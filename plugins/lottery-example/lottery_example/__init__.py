"""One plugin of each kind, as short as it can be, and a task: copy this file and change what you need.

A plugin is a frozen dataclass with a `name` and a `summary`; its fields are its options. The functions marked
`@hookimpl` at the end register it; the entry point in pyproject.toml makes lottery-plugins find them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lottery_plugins import hookimpl, option
from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.compression import Stage
from lottery_plugins.protocols.kv_cache import LayerView
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.trajectory import Answer, Problem, ToolResult

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Newest:
    """A compression method: of the KV cache, keep the newest positions."""

    name: ClassVar[str] = "newest"
    summary: ClassVar[str] = "Keep the newest positions of the KV cache."
    stage: ClassVar[Stage] = "kv-cache"
    order: ClassVar[int] = 30

    compression_ratio: float = option(0.5, "prompt positions dropped", unit="fraction removed", allowed="[0, 1)")

    def __post_init__(self) -> None:
        if not 0 <= self.compression_ratio < 1:
            raise ConfigError("compression: newest.compression_ratio", self.compression_ratio, "a number in [0, 1)")

    def score(self, view: LayerView) -> torch.Tensor:
        """Rise along the cache; higher is kept. (batch, kv_heads, seq_len)."""
        return view.keys.new_ones(view.keys.shape[:3]).float().cumsum(-1)


@dataclass(frozen=True)
class Letters:
    """A tool: counts a letter in a word. The model writes the arguments, so anything may be in them."""

    name: ClassVar[str] = "letters"
    summary: ClassVar[str] = "Count how often a letter occurs in a word."

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        parameters = (Parameter("word", "string", "the word"), Parameter("letter", "string", "one letter"))
        return ToolDescription(self.name, self.summary, parameters)

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The count; ToolError goes back to the model as what it observes."""
        word, letter = arguments.get("word"), arguments.get("letter")
        if not isinstance(word, str) or not isinstance(letter, str) or len(letter) != 1:
            raise ToolError(self.name, "needs a word and one letter", 'Send {"word": "cheese", "letter": "e"}.')
        return ToolResult(str(word.lower().count(letter.lower())))


@dataclass(frozen=True)
class SharedWords:
    """A retriever: the documents that share most words with the query."""

    name: ClassVar[str] = "shared-words"
    summary: ClassVar[str] = "Rate documents by the number of words they share with the query."
    searches: ClassVar[str] = "knowledge-base"

    top_k: int = option(3, "documents for the model", unit="documents", allowed="at least 1")

    def build(self, documents: Sequence[Document]) -> SharedWordsIndex:
        """Called once for each knowledge base."""
        return SharedWordsIndex(tuple((document, _words(document.as_text())) for document in documents))

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()


@dataclass(frozen=True)
class SharedWordsIndex:
    """The documents with their words."""

    entries: tuple[tuple[Document, frozenset[str]], ...]

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """Best first; `sorted` keeps the order of the corpus among equals."""
        asked = _words(query)
        rated = [ScoredDocument(document, float(len(asked & words))) for document, words in self.entries]
        return sorted((hit for hit in rated if hit.score), key=lambda hit: -hit.score)[:top_k]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


@dataclass(frozen=True)
class Notebook:
    """A memory: opens an empty one for each problem."""

    name: ClassVar[str] = "notebook"
    summary: ClassVar[str] = "Keep notes in a dict while one problem is solved."
    scope: ClassVar[Literal["problem", "run"]] = "problem"

    def open(self) -> Notes:
        """A new, empty notebook."""
        return Notes()


class Notes(dict[str, str]):
    """An open notebook: a dict has `keys` already."""

    def write(self, key: str, value: str) -> None:
        """Store a value."""
        self[key] = value

    def read(self, key: str) -> str | None:
        """The value, or None."""
        return self.get(key)

    def render(self, max_chars: int | None = None) -> str:
        """A line for each note; the newest win when it must be cut."""
        text = "\n".join(f"{key}: {value}" for key, value in self.items())
        return text if max_chars is None else text[len(text) - min(len(text), max_chars) :]


@dataclass(frozen=True)
class SecondTry:
    """A reasoner: asks again when the verifier does not like the first answer."""

    name: ClassVar[str] = "second-try"
    summary: ClassVar[str] = "Answer, have it verified, and answer once more if it was refused."
    needs: ClassVar[tuple[str, ...]] = ("verifier",)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Each call of `services` is counted and recorded; limits end the problem by themselves."""
        first = await services.generate(problem.messages, purpose="answer")
        judgement = await services.verify(first.text)
        if judgement.accepted:
            return Answer(first.text)
        second = await services.generate(problem.messages, purpose="second try", temperature=0.7, sample=1)
        return Answer(second.text)


@dataclass(frozen=True)
class SaysSomething:
    """A verifier: accepts an answer that has a letter or a digit in it."""

    name: ClassVar[str] = "says-something"
    summary: ClassVar[str] = "Accept any answer that is not blank."

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Knows nothing of the gold answer; could ask the model through `services`."""
        accepted = any(character.isalnum() for character in answer)
        return Judgement(float(accepted), accepted, "has words" if accepted else "is blank")


def build_dataset(**metadata: Any) -> dict[str, Any]:
    """The documents of tasks/lottery_example.yaml: made here, so nothing is downloaded."""
    from datasets import Dataset

    words = ("cheese", "banana", "lottery", "needle", "committee", "bookkeeper", "strawberry", "assessment")
    asked = [(word, letter) for word in words for letter in sorted(set(word))[:3]]
    rows = [
        {"question": f"How often is the letter {letter!r} in {word!r}?", "answer": str(word.count(letter))}
        for word, letter in asked
    ]
    return {"test": Dataset.from_list(rows)}


@hookimpl
def lottery_compression_methods() -> list[type]:
    """Registered as `compression=newest`."""
    return [Newest]


@hookimpl
def lottery_tools() -> list[type]:
    """Registered as `tools=letters`."""
    return [Letters]


@hookimpl
def lottery_retrievers() -> list[type]:
    """Registered as `retriever=shared-words`."""
    return [SharedWords]


@hookimpl
def lottery_memory_backends() -> list[type]:
    """Registered as `memory=notebook`."""
    return [Notebook]


@hookimpl
def lottery_reasoners() -> list[type]:
    """Registered as `reasoner=second-try`."""
    return [SecondTry]


@hookimpl
def lottery_verifiers() -> list[type]:
    """Registered as `verifier=says-something`."""
    return [SaysSomething]


@hookimpl
def lottery_task_paths() -> list[Path]:
    """Folders with task files for lm-eval."""
    return [Path(__file__).parent / "tasks"]
