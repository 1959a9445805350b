"""`least-to-most`: list the simpler questions, answer them in order, then answer the question itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.messages import Message, replace_last_user
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.prompts import Prompt, load
from lottery_plugins.reasoners.turns import check_at_least, continued, with_context, with_question
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["LeastToMost"]

_NUMBERING = re.compile(r"^[\s>*#-]*(?:\(?\d{1,3}[.):]|[a-zA-Z][.)])?[\s*\"“]*")


@dataclass(frozen=True)
class LeastToMost:
    """Let the model divide the question into simpler ones, answer each with the earlier answers in view, then answer.

    The last completion is the task's own prompt behind the simpler questions and their answers, so its text is in the
    form that the task asks for. When the model lists no simpler question, it is asked at once, and the step's purpose
    says so.

    Raises:
        ConfigError: If an option is out of range.

    Cost: one completion for the list, one for each simpler question, one for the answer.
    Deviation: the paper writes examples for each benchmark, of dividing and of answering; here two of our own show how
        to divide, and the task's few-shot examples how to answer.
    """

    name: ClassVar[str] = "least-to-most"
    summary: ClassVar[str] = "Answer simpler questions first, each with the earlier answers in view."
    source: ClassVar[str] = "Zhou et al. 2022, arXiv:2205.10625"
    needs: ClassVar[tuple[str, ...]] = ()

    max_parts: int = option(5, "most simpler questions", allowed="1 or more")
    max_tokens: int = option(128, "longest list, and longest answer to a part", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        check_at_least(1, "least-to-most.max_parts", self.max_parts)
        check_at_least(1, "least-to-most.max_tokens", self.max_tokens)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Divide, answer part by part, answer the whole."""
        prompt, question = load(self.name), with_context(problem)
        solved = ""
        for part in await self._parts(prompt, problem, services):
            asked = Message("user", prompt.fill("part", question=question, solved=solved, part=part))
            written = await services.generate(
                continued((asked,), prompt.texts["part_begin"]),
                purpose="answer part",
                max_tokens=self.max_tokens,
                stop=prompt.stop,
            )
            solved += prompt.fill("solved", part=part, answer=" ".join(written.text.split()))
        whole = prompt.fill("answer", solved=solved, prompt=problem.prompt)
        purpose = "answer" if solved else "answer without parts"
        completion = await services.generate(replace_last_user(problem.messages, whole), purpose=purpose)
        return Answer(completion.text)

    async def _parts(self, prompt: Prompt, problem: Problem, services: Services) -> list[str]:
        """The simpler questions, in order, without repeats; the question itself is none."""
        examples = "".join(prompt.fill("example", question=e.question, reply=e.reply.strip()) for e in prompt.examples)
        asked = prompt.fill("decompose", examples=examples, question=with_context(problem))
        written = await services.generate(
            continued(with_question(problem.messages, asked), prompt.texts["decompose_begin"]),
            purpose="divide",
            max_tokens=self.max_tokens,
            stop=prompt.stop,
        )
        lines = (_NUMBERING.sub("", line, count=1).strip(' \t*"”') for line in written.text.splitlines())
        parts = dict.fromkeys(line for line in lines if any(c.isalnum() for c in line))
        return [part for part in parts if part.casefold() != problem.question.strip().casefold()][: self.max_parts]
