"""`react`: think, act, observe, until the model finishes with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoners.prompts import Prompt, load
from lottery_plugins.reasoners.turns import check_at_least, continued, with_question
from lottery_plugins.reasoning.answers import marked_answer, tidy
from lottery_plugins.reasoning.tool_calls import parse_reply
from lottery_plugins.trajectory import Answer, Problem, ToolCall

__all__ = ["ReAct"]

SEARCH = ToolDescription(
    "search", "Finds passages about a topic.", (Parameter("query", "string", "a few words on what to look for"),)
)
"""Offered when the run has a retriever and no tool of that name."""

REMEMBER = ToolDescription("remember", "Keeps a note.", (Parameter("note", "string", "the note, as key: value"),))
RECALL = ToolDescription(
    "recall", "Gives a note back.", (Parameter("key", "string", "its key; nothing for all", False),)
)
"""Offered when the run has a memory and no tools of these names."""


@dataclass(frozen=True)
class ReAct:
    """Let thoughts, tool calls and their observations take turns in one growing reply.

    The model may call the run's tools, `search` when there is a retriever, and `remember` and `recall` when there is a
    memory. A turn that is neither a call nor
    an answer is met by a reminder of the form, at most `max_reminders` times. When the turns are used up, the model is
    asked for its answer at once, and the stop reason tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: one completion per turn, and one at the end when the turns are used up.
    Deviation: the paper's few-shot trajectories, made for one benchmark each, are replaced by one
        made-up example per tool.
    """

    name: ClassVar[str] = "react"
    summary: ClassVar[str] = "Think, call a tool or search, observe; repeat until the answer is found."
    source: ClassVar[str] = "Yao et al. 2022, arXiv:2210.03629"
    needs: ClassVar[tuple[str, ...]] = ()

    max_steps: int = option(6, "most turns", allowed="1 or more")
    max_tokens: int = option(128, "longest turn", unit="tokens", allowed="1 or more")
    max_reminders: int = option(2, "most reminders of the form", allowed="0 or more")
    top_k: int | None = option(None, "most passages per search; none: as the retriever says", allowed="1 or more")

    def __post_init__(self) -> None:
        check_at_least(1, "react.max_steps", self.max_steps)
        check_at_least(1, "react.max_tokens", self.max_tokens)
        check_at_least(0, "react.max_reminders", self.max_reminders)
        check_at_least(1, "react.top_k", self.top_k)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Take turns."""
        prompt = load(self.name)
        tools = _offered(services)
        turns = with_question(problem.messages, _instruction(prompt, problem, tools))
        transcript = prompt.texts["begin"]
        reminders = 0
        for _ in range(self.max_steps):
            written = await services.generate(
                continued(turns, transcript), purpose="think", max_tokens=self.max_tokens, stop=prompt.stop
            )
            reply = parse_reply(written.text, tools)
            answer = marked_answer(written.text) if reply.call is None and reply.answer is None else reply.answer
            if answer is not None:
                return Answer(answer)
            if reply.call is not None:
                observation = await self._observe(reply.call, services, tools)
            elif reminders < self.max_reminders:
                observation, reminders = prompt.texts["reminder"], reminders + 1
            else:
                break
            transcript += written.text.rstrip() + prompt.fill("observe", observation=observation)
        return await self._concluded(services, continued(turns, transcript + prompt.texts["conclude"]))

    async def _observe(self, call: ToolCall, services: Services, tools: tuple[ToolDescription, ...]) -> str:
        """The observation that a call gives."""
        own = next((tool for tool in (SEARCH, REMEMBER, RECALL) if tool.name == call.tool and tool in tools), None)
        text = " ".join(str(value) for value in call.arguments.values()).strip()
        if own is None:
            return (await services.call_tool(call.tool, call.arguments)).text
        if own is REMEMBER:
            key, _, value = text.partition(":")
            services.remember(key.strip(), value.strip() or key.strip())
            return "Noted."
        if own is RECALL:
            return services.recall(text or None) or "There is no such note."
        found = await services.retrieve(text, top_k=self.top_k)
        return "\n".join(hit.document.as_text() for hit in found) or "Nothing was found."

    async def _concluded(self, services: Services, turns: Sequence[Message]) -> Answer:
        """Ask for the answer now that the turns are used up."""
        try:
            written = await services.generate(turns, purpose="conclude", max_tokens=self.max_tokens, stop=("]", "\n"))
        except BudgetExceededError as spent:
            return Answer("", spent.reason)
        return Answer(tidy(written.text), StopReason.MAX_STEPS)


def _offered(services: Services) -> tuple[ToolDescription, ...]:
    """The run's tools, and those of this method that they do not replace by name."""
    tools = tuple(services.tools)
    taken = {tool.name for tool in tools}
    own = ((SEARCH,) if services.has_retriever else ()) + ((REMEMBER, RECALL) if services.has_memory else ())
    return (*tools, *(tool for tool in own if tool.name not in taken))


def _instruction(prompt: Prompt, problem: Problem, tools: tuple[ToolDescription, ...]) -> str:
    """How to act, with what, on which question."""
    lines = [
        prompt.fill("tool", name=tool.name, argument=next((p.name for p in tool.parameters), ""), help=tool.description)
        for tool in tools
    ]
    examples = "".join(prompt.texts.get(f"example_{tool.name}", "") for tool in tools)
    return prompt.fill("instruction", tools="\n".join(lines), examples=examples, question=problem.prompt.strip())
