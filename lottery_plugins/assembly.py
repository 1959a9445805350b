"""The only place where a run's configuration and the registry become running objects."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from lottery_plugins.compression.apply import check_composition
from lottery_plugins.config import RunConfig
from lottery_plugins.documents import Document
from lottery_plugins.engine.workers import ToolWorkers, default_num_workers
from lottery_plugins.errors import ConfigError
from lottery_plugins.folders import index_folder
from lottery_plugins.protocols.backend import TextEngine
from lottery_plugins.protocols.memory import MemoryBackend
from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.protocols.retriever import Index, Retriever
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.protocols.verifier import Verifier
from lottery_plugins.reasoners.prompts import prompts_version
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.search import Search
from lottery_plugins.registry import Registry
from lottery_plugins.retrievers.fusion import Fusion
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.specs import write_specs
from lottery_plugins.trajectory import Problem

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
        retriever: R.
        memory: M.
        verifier: Judges answers.
    """

    config: RunConfig
    registry: Registry
    methods: tuple[Any, ...]
    reasoner: Reasoner
    tools: Mapping[str, Tool]
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
        return Knowledge.kept_in(index_folder())

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of whatever an answer depends on, beside the configuration."""
        found = {name: metadata.version(name) for name in _LIBRARIES if _is_installed(name)}
        found |= {p.distribution: p.version for p in self.registry.packages if p.error is None and not p.is_blocked}
        return {**found, "prompts": prompts_version(), "python": sys.version.split()[0]}

    @cached_property
    def fingerprint(self) -> str:
        """Names this run by everything that its answers depend on."""
        return self.config.fingerprint(self.versions)

    def facilities(self, engine: TextEngine) -> Facilities:
        """What all problems of the run share. Used from one event loop, at whose end it is closed."""
        return Facilities(
            generate=engine.generate,
            count_tokens=engine.count_tokens,
            release=engine.release,
            tools=self.tools,
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

    def _opener(self) -> Callable[[], Any] | None:
        if self.memory is None:
            return None
        if self.memory.scope == "problem":
            return self.memory.open
        shared = self.memory.open()  # declared by the backend: results then depend on the order of the problems
        return lambda: shared

    def _search(self) -> Search | None:
        retriever = self.retriever
        if retriever is None:
            return None
        build = lru_cache(maxsize=4096)(retriever.build)  # problems of one task often share their documents
        build_for_run = cache(lambda: self._knowledge.index(retriever, self.documents))

        def documents_of(problem: Problem) -> Sequence[Document]:
            return (
                tuple(retriever.chunks(problem.context)) if retriever.searches == "prompt" else problem.knowledge_base
            )

        def index_for(problem: Problem) -> Index:
            return build_for_run() if self.documents else build(documents_of(problem))

        def has_documents(problem: Problem) -> bool:
            own = problem.context if retriever.searches == "prompt" else problem.knowledge_base
            return bool(self.documents or own)

        return Search(
            index_for=index_for,
            top_k=retriever.top_k,
            name=write_specs(self.config.retriever),
            has_documents=has_documents,
        )


def assemble(config: RunConfig, registry: Registry) -> Assembly:
    """Make all plugins of a run, before any model is loaded.

    Raises:
        LotteryError: A plugin is unknown, broken, lacks a library, has a bad option, or lacks what it needs.
    """
    methods = tuple(registry.create("compression", spec) for spec in config.compression)
    tools: dict[str, Tool] = {}
    for spec in config.tools:
        tool = registry.create("tool", spec)
        name = tool.description.name
        if name in tools:
            raise ConfigError("tools", name, "each tool once")
        tools[name] = tool
    assembly = Assembly(
        config=config,
        registry=registry,
        methods=tuple(check_composition(methods)),
        reasoner=registry.create("reasoner", config.reasoner),
        tools=tools,
        retriever=_retriever(config, registry),
        memory=registry.create("memory", config.memory) if config.memory else None,
        verifier=registry.create("verifier", config.verifier) if config.verifier else None,
    )
    _check_needs(assembly)
    _check_that_all_is_used(assembly)
    _ = assembly.documents  # an unreadable knowledge base is told of now, not after the model is loaded
    return assembly


def _retriever(config: RunConfig, registry: Registry) -> Retriever | None:
    retrievers = tuple(registry.create("retriever", spec) for spec in config.retriever)
    return Fusion(retrievers) if len(retrievers) > 1 else next(iter(retrievers), None)


def _check_needs(assembly: Assembly) -> None:
    offers = {
        "tools": bool(assembly.tools),
        "retriever": assembly.retriever is not None,
        "memory": assembly.memory is not None,
        "verifier": assembly.verifier is not None,
    }
    for need in assembly.reasoner.needs:
        if not offers[need]:
            raise ConfigError(
                f"reasoner={assembly.config.reasoner}",
                f"no {need}",
                f"a run with {need}, which this reasoner needs",
                f"Add {need}=NAME; see: lottery plugins list --kind {need.removesuffix('s')}",
            )


def _check_that_all_is_used(assembly: Assembly) -> None:
    """Refuse a knowledge base that nobody would search: the run would be taken for one that did."""
    config = assembly.config
    if config.knowledge_base and assembly.retriever is not None and assembly.retriever.searches == "prompt":
        raise ConfigError(
            "knowledge_base",
            config.knowledge_base,
            f"none with retriever={write_specs(config.retriever)}, which searches the problem's own context",
            "Use retriever=bm25, or leave the knowledge base out.",
        )


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
