"""The only place where a run's configuration and the registry become running objects."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from lottery_plugins.assembly.checks import check_needs, check_that_all_is_used
from lottery_plugins.assembly.tools import open_tools, rank_tools
from lottery_plugins.compression.apply import check_composition
from lottery_plugins.config import RunConfig
from lottery_plugins.documents import Document
from lottery_plugins.engine.workers import ToolWorkers, default_num_workers
from lottery_plugins.folders import index_folder
from lottery_plugins.protocols.backend import ReadsHiddenStates, TextEngine
from lottery_plugins.protocols.memory import MemoryBackend
from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.protocols.retriever import Retriever
from lottery_plugins.protocols.tool import Tool, ToolSet
from lottery_plugins.protocols.verifier import Verifier
from lottery_plugins.reasoners.prompts import prompts_version
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.search import Search
from lottery_plugins.registry import Registry
from lottery_plugins.retrievers.fusion import Fusion
from lottery_plugins.retrievers.indexes import Indexes
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.specs import write_specs
from lottery_plugins.verifiers.prompts import prompts_version as verifier_prompts_version

__all__ = ["Assembly", "assemble"]

_LIBRARIES = ("lottery-plugins", "lm_eval", "torch", "transformers", "pluggy")


@dataclass(frozen=True)
class Assembly:
    """The plugins of one run as objects, checked against each other; no model yet.

    Attributes:
        config: What the user asked for.
        registry: Where the plugins came from.
        methods: Compression methods, in the order in which they are applied.
        reasoner: A.
        tools: C by the name the model calls them by.
        tool_sets: Those of which each problem opens tools of its own.
        retriever: R.
        memory: M.
        verifier: Judges answers.
    """

    config: RunConfig
    registry: Registry
    methods: tuple[Any, ...]
    reasoner: Reasoner
    tools: Mapping[str, Tool]
    tool_sets: tuple[ToolSet, ...]
    retriever: Retriever | None
    memory: MemoryBackend | None
    verifier: Verifier | None

    @cached_property
    def documents(self) -> Sequence[Document]:
        """D: the run's own knowledge base; () when the tasks bring theirs.

        Raises:
            DataError: The file is empty or a line of it is no document.
        """
        path = self.config.knowledge_base
        return self._knowledge.documents(Path(path).expanduser()) if path else ()

    @cached_property
    def _knowledge(self) -> Knowledge:
        """Opens the knowledge base and its index."""
        return Knowledge.kept_in(index_folder())

    @cached_property
    def _indexes(self) -> Indexes | None:
        """What problems are searched with; None without a retriever."""
        if self.retriever is None:
            return None
        is_placebo = self.config.evidence == "shuffled"
        return Indexes(self.retriever, self.documents, self._knowledge, shuffled=is_placebo)

    def prepare(self) -> None:
        """Read the knowledge base and make its index, which may take long the first time.

        Raises:
            LotteryError: The file is no knowledge base, or an embedding model can't be loaded.
        """
        if self._indexes is not None and not self.config.is_plain:
            self._indexes.prepare()

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of whatever an answer depends on, beside the configuration."""
        found = {name: metadata.version(name) for name in _LIBRARIES if _is_installed(name)}
        found |= self._stamps()
        found |= {p.distribution: p.version for p in self.registry.packages if p.error is None and not p.is_blocked}
        prompts = {"prompts": prompts_version(), "verifier_prompts": verifier_prompts_version()}
        return {**found, **prompts, "python": sys.version.split()[0]}

    @cached_property
    def fingerprint(self) -> str:
        """Names this run by everything that its answers depend on."""
        return self.config.fingerprint(self.versions)

    def facilities(
        self, engine: TextEngine, *, proxy: TextEngine | None = None, hidden: ReadsHiddenStates | None = None
    ) -> Facilities:
        """What all problems of the run share. Used from one event loop, at whose end it is closed.

        Args:
            engine: Answers for the model under test.
            proxy: Answers for the run's proxy model; None without one.
            hidden: Tells hidden states of the model under test; None where nothing can.
        """

        def release(trajectory: int) -> None:
            engine.release(trajectory)
            if proxy is not None:
                proxy.release(trajectory)

        return Facilities(
            generate=engine.generate,
            count_tokens=engine.count_tokens,
            proxy=proxy.generate if proxy is not None else None,
            features=hidden.features if hidden is not None else None,
            release=release,
            tools=self.tools,
            open_tools=self._tool_opener(),
            rank_tools=rank_tools,
            max_tools=self.config.max_tools,
            search=self._search(),
            open_memory=self._opener(),
            verifier=self.verifier,
            limits=self.config.limits,
            on_step=self.registry.observers.step_finished,
            authorize=self.registry.observers.authorize,
            workers=self._workers(),
        )

    def _workers(self) -> ToolWorkers | None:
        """No process is started before a tool is called. Elsewhere than on POSIX tools run in threads."""
        number = self.config.tool_workers
        if not self.tools or number == 0 or os.name != "posix":
            return None
        return ToolWorkers(self.tools, number or default_num_workers(), self.config.tool_timeout_s)

    def _stamps(self) -> dict[str, str]:
        """What plugins say of the content that their answers come from, such as the hash of a file."""
        parts = getattr(self.retriever, "parts", lambda: [self.retriever])()
        plugins: dict[str, Any] = {f"tool {name}": tool for name, tool in self.tools.items()}
        plugins |= {f"tool {tools.name}": tools for tools in self.tool_sets}
        plugins |= {f"retriever {part.name}": part for part in parts if part is not None}
        plugins |= {f"compression {method.name}": method for method in self.methods}
        plugins |= {kind: getattr(self, kind) for kind in ("memory", "reasoner", "verifier")}
        stamps = {name: str(getattr(plugin, "stamp", "")) for name, plugin in plugins.items()}
        return {name: stamp for name, stamp in stamps.items() if stamp}

    def _tool_opener(self) -> Callable[[], list[Tool]] | None:
        if not self.tool_sets:
            return None
        return lambda: [tool for tool_set in self.tool_sets for tool in tool_set.open()]

    def _opener(self) -> Callable[[], Any] | None:
        if self.memory is None:
            return None
        if self.memory.scope == "problem":
            return self.memory.open
        shared = self.memory.open()  # declared by the backend: results then depend on the order of the problems
        return lambda: shared

    def _search(self) -> Search | None:
        retriever, indexes = self.retriever, self._indexes
        if retriever is None or indexes is None:
            return None
        return Search(
            index_for=indexes.index_for,
            top_k=retriever.top_k,
            name=write_specs(self.config.retriever),
            has_documents=indexes.has_documents,
        )


def assemble(config: RunConfig, registry: Registry) -> Assembly:
    """Make all plugins of a run, before any model is loaded.

    Raises:
        LotteryError: A plugin is unknown, broken, lacks a library, has a bad option, or lacks what it needs.
    """
    methods = tuple(registry.create("compression", spec) for spec in config.compression)
    tools, tool_sets = open_tools(config, registry)
    assembly = Assembly(
        config=config,
        registry=registry,
        methods=tuple(check_composition(methods)),
        reasoner=registry.create("reasoner", config.reasoner),
        tools=tools,
        tool_sets=tool_sets,
        retriever=_retriever(config, registry),
        memory=registry.create("memory", config.memory) if config.memory else None,
        verifier=registry.create("verifier", config.verifier) if config.verifier else None,
    )
    check_needs(assembly)
    check_that_all_is_used(assembly)
    assembly.prepare()  # what is wrong with the knowledge base is told of now, not after the model is loaded
    return assembly


def _retriever(config: RunConfig, registry: Registry) -> Retriever | None:
    retrievers: tuple[Retriever, ...] = tuple(registry.create("retriever", spec) for spec in config.retriever)
    if len(retrievers) > 1:
        return Fusion(retrievers)
    return retrievers[0] if retrievers else None


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
