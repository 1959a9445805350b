"""`react`: think, act, observe, until the model finishes with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.tool import ToolDescription
from lottery_plugins.reasoners.prompts import Prompt, load
from lottery_plugins.reasoners.turns import check_at_least, continued, with_question
from lottery_plugins.reasoning.answers import marked_answer, tidy
from lottery_plugins.reasoning.tool_calls import parse_reply
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["ReAct"]


@dataclass(frozen=True)
class ReAct:
    """Let thoughts, tool calls and their observations take turns in one growing reply.

    The model may call all that the services offer: the run's tools, `search` when there is a retriever, `remember` and
    `recall` when there is a memory. When these are too many for a prompt, it is shown those nearest to the question. A
    turn that is neither a call nor an answer is met by a reminder of the form, at most `max_reminders` times. When the
    turns are used up, the model is asked for its answer at once, and the stop reason tells.

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

    def __post_init__(self) -> None:
        check_at_least(1, "react.max_steps", self.max_steps)
        check_at_least(1, "react.max_tokens", self.max_tokens)
        check_at_least(0, "react.max_reminders", self.max_reminders)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Take turns."""
        prompt = load(self.name)
        shown = await services.find_tools(problem.question)
        turns = with_question(problem.messages, _instruction(prompt, problem, shown))
        transcript = prompt.texts["begin"]
        reminders = 0
        for _ in range(self.max_steps):
            written = await services.generate(
                continued(turns, transcript), purpose="think", max_tokens=self.max_tokens, stop=prompt.stop
            )
            reply = parse_reply(written.text, services.tools)
            answer = marked_answer(written.text) if reply.call is None and reply.answer is None else reply.answer
            if answer is not None:
                return Answer(answer)
            if reply.call is not None:
                observation = (await services.call_tool(reply.call.tool, reply.call.arguments)).text
            elif reminders < self.max_reminders:
                observation, reminders = prompt.texts["reminder"], reminders + 1
            else:
                break
            transcript += written.text.rstrip() + prompt.fill("observe", observation=observation)
        return await self._concluded(services, continued(turns, transcript + prompt.texts["conclude"]))

    async def _concluded(self, services: Services, turns: Sequence[Message]) -> Answer:
        """Ask for the answer now that the turns are used up."""
        try:
            written = await services.generate(turns, purpose="conclude", max_tokens=self.max_tokens, stop=("]", "\n"))
        except BudgetExceededError as spent:
            return Answer("", spent.reason)
        return Answer(tidy(written.text), StopReason.MAX_STEPS)


def _instruction(prompt: Prompt, problem: Problem, tools: Sequence[ToolDescription]) -> str:
    """How to act, with what, on which question."""
    lines = [
        prompt.fill("tool", name=tool.name, argument=next((p.name for p in tool.parameters), ""), help=tool.description)
        for tool in tools
    ]
    examples = "".join(prompt.texts.get(f"example_{tool.name}", "") for tool in tools)
    return prompt.fill("instruction", tools="\n".join(lines), examples=examples, question=problem.prompt.strip())
