"""The hook specifications: the manual for plugin authors.

A plugin package declares an entry point in the group `lottery_plugins` and implements any of these hooks:

    from lottery_plugins import hookimpl

    @hookimpl
    def lottery_tools():
        return [Calculator]

Registration hooks return classes, so they can be tested by calling them. They are called once, while the registry is
built, each plugin apart: one that raises is named and harms nobody else. Built-ins come in through the same hooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from lottery_plugins.protocols.compression import CompressionMethod
    from lottery_plugins.protocols.memory import MemoryBackend
    from lottery_plugins.protocols.reasoner import Reasoner
    from lottery_plugins.protocols.retriever import Retriever
    from lottery_plugins.protocols.tool import Tool
    from lottery_plugins.protocols.verifier import Verifier
    from lottery_plugins.trajectory import Problem, Step, ToolCall

__all__ = ["LotterySpecs", "hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("lottery_plugins")
hookimpl = pluggy.HookimplMarker("lottery_plugins")


class LotterySpecs:
    """All hooks. Collect-all unless a docstring says otherwise; order among plugins is the order of loading."""

    @hookspec
    def lottery_compression_methods(self) -> list[type[CompressionMethod]]:  # type: ignore[empty-body]
        """Compression method classes (`protocols.compression`): weights after loading, or the KV cache."""

    @hookspec
    def lottery_tools(self) -> list[type[Tool]]:  # type: ignore[empty-body]
        """Tool and tool set classes (`protocols.tool`): functions from text to text that the model may call."""

    @hookspec
    def lottery_retrievers(self) -> list[type[Retriever]]:  # type: ignore[empty-body]
        """Retriever classes (`protocols.retriever`): search over a knowledge base or over the prompt."""

    @hookspec
    def lottery_memory_backends(self) -> list[type[MemoryBackend]]:  # type: ignore[empty-body]
        """Memory backend classes (`protocols.memory`): what is written and read while a problem is solved."""

    @hookspec
    def lottery_reasoners(self) -> list[type[Reasoner]]:  # type: ignore[empty-body]
        """Reasoner classes (`protocols.reasoner`): algorithms from a problem to an answer."""

    @hookspec
    def lottery_verifiers(self) -> list[type[Verifier]]:  # type: ignore[empty-body]
        """Verifier classes (`protocols.verifier`): judge an answer without knowing the gold one."""

    @hookspec
    def lottery_task_paths(self) -> list[Path]:  # type: ignore[empty-body]
        """Folders of lm-eval task YAML files, searched recursively. Each must exist."""

    @hookspec
    def lottery_step_finished(self, problem: Problem, step: Step) -> None:
        """Observe one finished step. Called on the event loop's thread: return at once. What it raises is reported
        once, naming the plugin, and changes no result.
        """

    @hookspec
    def lottery_run_finished(self, ledger: Mapping[str, Any], folder: Path | None) -> None:
        """Observe the end of a run: its ledger, and the folder of its files (None when nothing is written). What it
        raises is reported, naming the plugin, and changes no result.
        """

    @hookspec(firstresult=True)
    def lottery_authorize_tool_call(self, problem: Problem, call: ToolCall) -> bool | str | None:
        """Decide on a tool call before it runs; the first answer that is not None decides.

        Returns:
            None: no opinion. True: allowed. False, or a sentence with the reason: denied; the model sees the reason as
            an observation. A hook that raises denies the call: a broken guard must not open the door.
        """
