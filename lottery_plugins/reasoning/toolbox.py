"""What a reasoner may call by name: the run's tools, a problem's own, and those of its retriever and memory."""

from __future__ import annotations

from collections.abc import Sequence

from lottery_plugins.errors import PluginError, suggest
from lottery_plugins.protocols.tool import Parameter, Tool, ToolDescription
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.trajectory import Problem, ToolCall, ToolResult

__all__ = ["SEARCH", "Toolbox"]

SEARCH = ToolDescription(
    "search", "Finds passages about a topic.", (Parameter("query", "string", "a few words on what to look for"),)
)


class Toolbox:
    """The tools of one problem.

    Args:
        problem: Says which configured tools it allows.
        facilities: The run.
        built_in: Those of its retriever and memory.

    A configured tool has its name before one of the retriever or the memory. The task's list of allowed tools is about
    configured tools; what retriever and memory offer is there whenever they are.

    Attributes:
        descriptions: What the model may be told of, in the order of the run's configuration, then search, remember,
            recall and the memory's commands.
    """

    def __init__(self, problem: Problem, facilities: Facilities, built_in: Sequence[ToolDescription]) -> None:
        self._problem = problem
        self._run = facilities
        allowed = problem.tools
        own = {tool.description.name: tool for tool in (facilities.open_tools() if facilities.open_tools else ())}
        self._known = {**facilities.tools, **own}
        self._tools = {name: tool for name, tool in self._known.items() if allowed is None or name in allowed}
        self._stateful = frozenset(own)
        self._built_in = {tool.name: tool for tool in built_in if tool.name not in self._tools}
        self.descriptions = (*(tool.description for tool in self._tools.values()), *self._built_in.values())

    def tool(self, name: str) -> Tool | None:
        """The configured tool of that name; None for one of the retriever's or the memory's."""
        return self._tools.get(name)

    def keeps_state(self, name: str) -> bool:
        """Whether a tool belongs to this problem alone, and so must stay in this process."""
        return name in self._stateful

    def refusal(self, call: ToolCall) -> ToolResult | None:
        """Why a call does not run, as the model sees it; None when it may."""
        if call.tool not in self._tools and call.tool not in self._built_in:
            offered = [tool.name for tool in self.descriptions]
            known = ", ".join(offered) or "none"
            text = f"There is no tool named {call.tool!r}. {suggest(call.tool, offered)}Tools: {known}."
            return ToolResult(text, error="denied" if call.tool in self._known else "unknown")
        try:
            reason = self._run.authorize(self._problem, call)
        except Exception as error:  # noqa: BLE001 - a broken guard must not open the door
            reason = f"the guard failed with {type(error).__name__}"
        return (
            None if reason is None else ToolResult(f"{call.tool}: this call is not allowed: {reason}", error="denied")
        )

    async def find(self, query: str, top_k: int | None) -> Sequence[ToolDescription]:
        """All tools when they fit, else those nearest to the query, best first.

        Raises:
            PluginError: The ranking gave a tool that it was not shown.
        """
        most = self._run.max_tools if top_k is None else max(1, top_k)
        if len(self.descriptions) <= most or self._run.rank_tools is None:
            return self.descriptions
        ranked = list(self._run.rank_tools(query, self.descriptions))
        if any(tool not in self.descriptions for tool in ranked):
            raise PluginError("rank_tools", "ranking tools", "it gave a tool that it was not shown")
        return tuple(ranked[:most])
