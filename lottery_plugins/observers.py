"""Calling the observing and authorizing hooks of plugins, each apart, so that a broken one harms nobody."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lottery_plugins.trajectory import Problem, Step, ToolCall

__all__ = ["Observers"]

logger = logging.getLogger(__name__)


class Observers:
    """The observing hooks of all loaded plugins.

    Args:
        callers: (plugin name, hook name -> caller) of each plugin; a caller runs this one plugin's implementation and
            is absent where the plugin has none.
    """

    def __init__(self, callers: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self._callers = tuple(callers)
        self._reported: set[tuple[str, str]] = set()

    def step_finished(self, problem: Problem, step: Step) -> None:
        """Tell all observers of one step."""
        self._tell("lottery_step_finished", problem=problem, step=step)

    def run_finished(self, ledger: Mapping[str, Any], folder: Path | None) -> None:
        """Tell all observers that a run ended."""
        self._tell("lottery_run_finished", ledger=ledger, folder=folder)

    def authorize(self, problem: Problem, call: ToolCall) -> str | None:
        """Ask the guards about a tool call, in order of loading.

        Returns:
            None when it may run, else the reason why not.
        """
        for plugin, hooks in self._callers:
            guard = hooks.get("lottery_authorize_tool_call")
            if guard is None:
                continue
            try:
                opinion = guard(problem=problem, call=call)
            except Exception as error:  # noqa: BLE001 - a broken guard must deny, whatever it raised
                return f"the guard of plugin {plugin} failed with {type(error).__name__}"
            if opinion is not None:
                return None if opinion is True else (opinion or f"denied by plugin {plugin}")
        return None

    def _tell(self, hook: str, **arguments: object) -> None:
        for plugin, hooks in self._callers:
            caller = hooks.get(hook)
            if caller is None:
                continue
            try:
                caller(**arguments)
            except Exception as error:  # noqa: BLE001 - an observer may raise anything and must change no result
                if (plugin, hook) not in self._reported:
                    self._reported.add((plugin, hook))
                    logger.warning("Plugin %s: %s raised %s: %s", plugin, hook, type(error).__name__, error)
