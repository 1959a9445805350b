"""`self-ask`: the model asks itself follow-up questions before it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.prompts import Prompt, load
from lottery_plugins.reasoners.turns import check_at_least, continued, with_context, with_question
from lottery_plugins.reasoning.answers import marked_answer, tidy
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["SelfAsk"]

_FOLLOW_UP = re.compile(
    r"^[ \t*]*follow[ -]?up(?:[ \t]+question)?[ \t]*\d*[ \t]*:[ \t*]*(\S[^\n]*)", re.IGNORECASE | re.MULTILINE
)
_FINAL = re.compile(r"\bfinal answer\b", re.IGNORECASE)


@dataclass(frozen=True)
class SelfAsk:
    """Let follow-up questions and their intermediate answers take turns in one growing reply, up to the final answer.

    A follow-up question is looked up when the run has a retriever: the model reads what was found and gives a short
    answer. Without one, or when nothing is found, the model answers it itself, inside the reply. A question that was
    asked before, or one too many, ends the asking: the model is asked for its answer at once, and the stop reason
    tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: two completions per follow-up question, one search with a retriever, and one completion at the end.
    Deviation: the paper lets a web search engine answer; here the model reads the retriever's passages. The examples
        are our own.
    """

    name: ClassVar[str] = "self-ask"
    summary: ClassVar[str] = "Ask and answer follow-up questions, by search where there is one, then answer."
    source: ClassVar[str] = "Press et al. 2022, arXiv:2210.03350"
    needs: ClassVar[tuple[str, ...]] = ()

    max_follow_ups: int = option(4, "most follow-up questions", allowed="1 or more")
    max_tokens: int = option(96, "longest question or answer", unit="tokens", allowed="1 or more")
    top_k: int | None = option(None, "most passages per search; none: as the retriever says", allowed="1 or more")

    def __post_init__(self) -> None:
        check_at_least(1, "self-ask.max_follow_ups", self.max_follow_ups)
        check_at_least(1, "self-ask.max_tokens", self.max_tokens)
        check_at_least(1, "self-ask.top_k", self.top_k)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Ask until there is an answer."""
        prompt = load(self.name)
        turns = with_question(problem.messages, _instruction(prompt, problem))
        transcript, ended = prompt.texts["begin"], StopReason.MAX_STEPS
        asked: set[str] = set()
        for _ in range(self.max_follow_ups + 1):
            written = await services.generate(
                continued(turns, transcript), purpose="ask", max_tokens=self.max_tokens, stop=prompt.stop
            )
            question = _FOLLOW_UP.search(written.text)
            said = written.text[: question.start()] if question else written.text
            answer = marked_answer(said) if question is None or _FINAL.search(said) else None
            if answer is not None:
                return Answer(answer)
            if question is None:
                transcript, ended = transcript + written.text.rstrip(), StopReason.ANSWERED
                break
            if question.group(1).casefold() in asked or len(asked) == self.max_follow_ups:
                break
            asked.add(question.group(1).casefold())
            transcript += written.text[: question.end()] + prompt.texts["answer"]
            transcript += " " + await self._answered(question.group(1), services, continued(turns, transcript))
        closing = continued(turns, transcript + prompt.texts["conclude"])
        written = await services.generate(closing, purpose="conclude", max_tokens=self.max_tokens, stop=("\n",))
        return Answer(tidy(written.text), ended)

    async def _answered(self, question: str, services: Services, turns: Sequence[Message]) -> str:
        """The answer to a follow-up question, on one line; `turns` end where the model would give it itself."""
        purpose = "answer follow-up"
        if services.has_retriever:
            found = await services.retrieve(question, top_k=self.top_k, purpose="follow-up")
            documents = "\n\n".join(hit.document.as_text() for hit in found)
            if found:
                turns = (Message("user", load(self.name).fill("read", documents=documents, question=question)),)
                purpose = "read for follow-up"
        written = await services.generate(turns, purpose=purpose, max_tokens=self.max_tokens, stop=("\n",))
        return tidy(written.text)


def _instruction(prompt: Prompt, problem: Problem) -> str:
    """The form of the dialogue, shown by examples, and the question."""
    examples = "".join(prompt.fill("example", question=e.question, reply=e.reply.strip()) for e in prompt.examples)
    return prompt.fill("instruction", examples=examples, question=with_context(problem))
