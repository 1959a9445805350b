"""`logic-program`: translate the problem into a logic program and let a solver answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_logic.choices import choices_in, is_about_truth, verdict
from lottery_logic.prompts import KINDS, language_page, load
from lottery_logic.written import program_in
from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.prompts import Prompt
from lottery_plugins.reasoners.turns import check_at_least, check_one_of
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["PURPOSES", "TOOL", "LogicProgram", "kind_of"]

TOOL = "logic"
PURPOSES = ("translate", "refine")
"""Of the first program and of those that follow an error; a fallback has others."""

FALLBACKS = ("none", "chain-of-thought")


@dataclass(frozen=True)
class LogicProgram:
    """Translate the problem into a program, run it in the `logic` tool, and answer what the solver says.

    A program that can't be read or contradicts itself, or whose answer fits no choice, is shown to the model with the
    reason, `refinements` times at most; one that comes back unchanged ends it. When no program gives an answer there
    is none: nothing is guessed, unless `fallback` asks for chain-of-thought, whose steps are recorded as such.

    Raises:
        ConfigError: If an option is out of range, or the run does not offer the tool `logic`.

    Cost: one completion and one tool call, and as many again per refinement.
    Deviation: one language for all kinds of problems in place of one format for each of four solvers. A program whose
        answer fits no choice is refined too, and Logic-LM's random guess is left out. Where Logic-LM takes what does
        not follow for false when "unknown" is no choice, here `closed_world` must ask for it.
    """

    name: ClassVar[str] = "logic-program"
    summary: ClassVar[str] = (
        "Translate the problem into a logic program, refine it by its errors, and let a solver answer."
    )
    source: ClassVar[str] = "Pan et al. 2023, Logic-LM, arXiv:2305.12295"
    needs: ClassVar[tuple[str, ...]] = ("tools",)

    kind: str = option(
        "auto", "the kind of program to ask for; auto: by the choices", allowed=" or ".join(("auto", *KINDS))
    )
    refinements: int = option(2, "most tries after a program that gave no answer", allowed="0 or more")
    max_tokens: int = option(768, "longest program", unit="tokens", allowed="1 or more")
    closed_world: bool = option(False, 'take what does not follow for false where "unknown" is no choice')
    fallback: str = option("none", "what to do when no program gave an answer", allowed=" or ".join(FALLBACKS))

    def __post_init__(self) -> None:
        check_one_of(("auto", *KINDS), "logic-program.kind", self.kind)
        check_at_least(0, "logic-program.refinements", self.refinements)
        check_at_least(1, "logic-program.max_tokens", self.max_tokens)
        check_one_of(FALLBACKS, "logic-program.fallback", self.fallback)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Translate, run, and again with the error."""
        if TOOL not in [tool.name for tool in services.tools]:
            offered = tuple(tool.name for tool in services.tools)
            raise ConfigError("reasoner: logic-program", offered, "a run with the tool logic", "Add tools=logic.")
        choices = choices_in(problem.prompt)
        prompt = load(kind_of(problem.prompt) if self.kind == "auto" else self.kind)
        begin = prompt.texts["begin"]
        turns = _first_turns(prompt, problem)
        last = None
        for attempt in range(1 + self.refinements):
            written = await services.generate(
                _begun(turns, begin),
                purpose=PURPOSES[min(attempt, 1)],
                max_tokens=self.max_tokens,
                stop=prompt.stop,
            )
            program = program_in(begin, written.text)
            if program == last:
                break
            result = await services.call_tool(TOOL, {"program": program}, purpose="solve")
            complaint = result.text
            if result.error is None:
                found = verdict(result.text, choices, closed_world=self.closed_world)
                if found.answer is not None:
                    return Answer(found.answer)
                complaint = found.complaint
            retry = prompt.fill("retry", error=complaint)
            turns, last = (*turns, Message("assistant", program), Message("user", retry)), program
        if self.fallback == "chain-of-thought":
            return await ChainOfThought().solve(problem, services)
        return Answer("", StopReason.NO_ANSWER)


def kind_of(text: str) -> str:
    """The kind of program that a problem's text calls for, by its choices and words.

    Choices other than true and false are constraints (LogicalDeduction, AR-LSAT); "uncertain" is the word of
    first-order problems (FOLIO); other questions for truth are for facts and rules (PrOntoQA, ProofWriter).
    """
    choices = choices_in(text)
    words = text.lower()
    if choices and not is_about_truth(choices):
        return "constraints"
    if "uncertain" in words:
        return "first-order"
    if choices or "true or false" in words or "true, false" in words:
        return "rules"
    return "generic"


def _begun(turns: tuple[Message, ...], begin: str) -> tuple[Message, ...]:
    return (*turns, Message("assistant", begin)) if begin else turns


def _first_turns(prompt: Prompt, problem: Problem) -> tuple[Message, ...]:
    """Instruction, worked examples and the problem: as turns for a chat model, as one text for a base model."""
    system = prompt.texts["system"].replace("{page}", language_page())
    question = _whole_question(problem)
    if problem.is_chat:
        examples = ((Message("user", e.question), Message("assistant", e.reply.strip())) for e in prompt.examples)
        shown = (message for pair in examples for message in pair)
        return (Message("system", system), *shown, Message("user", question))
    text = "".join(prompt.fill("example", question=e.question, reply=e.reply.strip()) for e in prompt.examples)
    return (Message("user", f"{system}\n\n{text}{prompt.fill('question', question=question)}"),)


def _whole_question(problem: Problem) -> str:
    """Context, question and choices, without the task's few-shot examples, which show answers and not programs."""
    text = f"{problem.context}\n{problem.question}" if problem.context else problem.question
    if not choices_in(text):
        text += "".join(f"\n{letter}) {choice}" for letter, choice in choices_in(problem.prompt).items())
    return text
