"""`execution`: an answer is right when the program behind it gives it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.answers import final_answer
from lottery_plugins.reasoning.voting import meaning
from lottery_plugins.trajectory import Problem, Step
from lottery_plugins.verifiers.judging import UNDECIDED, asked, check_at_least, judged, shown
from lottery_plugins.verifiers.prompts import load

__all__ = ["PROGRAM_TOOLS", "Execution"]

PROGRAM_TOOLS = ("python", "calculator", "sympy", "logic")
"""Tools whose calls are programs: run again, they give the same."""

_PURPOSE = "check"  # of our own calls, which are no evidence for another answer


@dataclass(frozen=True)
class Execution:
    """Run again the last program of the transcript whose output is the answer, and see whether it gives it again.

    An answer that is the output of none of the problem's programs scores 0. Where no program ran, `without_program`
    says what is done: "ask" has the model write one line of Python (for the calculator, if that is all there is) and
    compares its output with the answer, "undecided" scores 0.5. A program that fails decides nothing: 0.5. Only a
    score above 0.5 is accepted.

    `constraint` is a Python expression over `answer`, a text, that every acceptable answer makes true, such as
    `answer.isdigit()`; it is evaluated in the sandbox of the tool `python`. An answer that breaks it scores 0 and is
    not looked at further; one that keeps it where nothing else decides scores 1.

    Raises:
        ConfigError: If an option is out of range; at the first answer, if there is a constraint and no tool `python`.

    Cost: one tool call, two with a constraint; one completion more where a program is asked for.
    Source: execution of programs as a check is common practice; the asked-for program is that of PAL.
    """

    name: ClassVar[str] = "execution"
    summary: ClassVar[str] = "Run the program behind the answer again, or have one written that checks it."
    source: ClassVar[str] = "Gao et al. 2022, arXiv:2211.10435"

    without_program: str = option("ask", "what to do where no program ran", allowed="ask or undecided")
    constraint: str = option("", "Python expression over `answer` that must be true; empty: none")
    max_tokens: int = option(96, "longest program", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        check_at_least(1, "execution.max_tokens", self.max_tokens)
        if self.without_program not in ("ask", "undecided"):
            raise ConfigError("verifier: execution.without_program", self.without_program, "ask or undecided")
        if "\n" in self.constraint:
            raise ConfigError("verifier: execution.constraint", self.constraint, "one expression on one line")

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Check the constraint, then the program."""
        if self.constraint:
            broken = await self._broken_constraint(answer, services)
            if broken is not None:
                return broken
        programs = [step for step in services.steps if _is_program(step)]
        if programs:
            return await _run_again(programs, answer, services)
        if self.without_program == "ask" and any(tool in _offered(services) for tool in ("python", "calculator")):
            return await self._ask(problem, answer, services)
        if self.constraint:
            return judged(1.0, UNDECIDED, "it keeps the constraint, and no program ran")
        return judged(UNDECIDED, UNDECIDED, "no program ran")

    async def _broken_constraint(self, answer: str, services: Services) -> Judgement | None:
        """The judgement on an answer that breaks the constraint, or on which it fails; None when it holds."""
        parameter = _offered(services).get("python")
        if parameter is None:
            hint = "Add tools=python, in the task's metadata.lottery.tools as well."
            raise ConfigError("verifier: execution.constraint", self.constraint, "a run with the tool python", hint)
        code = f"answer = {final_answer(answer)!r}\nprint(bool({self.constraint}))"
        result = await services.call_tool("python", {parameter: code}, purpose=_PURPOSE)
        if result.error is None and result.text.strip() == "True":
            return None
        told = "breaks" if result.error is None else "can't be put to"
        return judged(0.0, UNDECIDED, f"{shown(answer)!r} {told} the constraint {self.constraint}")

    async def _ask(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Have a program written and compare its output."""
        prompt = load(self.name)
        begin = prompt.texts["begin"]
        text = prompt.fill("chat", question=asked(problem))
        written = await services.generate(
            (Message("user", text), Message("assistant", begin)),
            purpose="checking program",
            max_tokens=self.max_tokens,
            stop=prompt.stop,
        )
        offered = _offered(services)
        tool = "python" if "python" in offered else "calculator"
        program = _line_of(begin, written.text)
        code = f"print({program})" if tool == "python" else program
        result = await services.call_tool(tool, {offered[tool]: code}, purpose=_PURPOSE)
        if result.error is not None or not result.text.strip():
            return judged(UNDECIDED, UNDECIDED, "the checking program failed")
        return _compared(answer, result.text, "the checking program")


def _is_program(step: Step) -> bool:
    """Whether a step ran a program that gave something, and not for us."""
    is_call = step.kind == "tool" and step.tool in PROGRAM_TOOLS and step.purpose != _PURPOSE
    return is_call and step.error is None and bool(step.output.strip())


async def _run_again(programs: list[Step], answer: str, services: Services) -> Judgement:
    behind = next((step for step in reversed(programs) if _gives(step.output, answer)), None)
    if behind is None:
        return judged(0.0, UNDECIDED, f"none of {len(programs)} programs gives {shown(answer)!r}")
    arguments: Mapping[str, Any] = json.loads(behind.prompt)
    result = await services.call_tool(behind.tool, arguments, purpose=_PURPOSE)
    if result.error is not None:
        return judged(UNDECIDED, UNDECIDED, "the program fails when it is run again")
    return _compared(answer, result.text, "the program")


def _compared(answer: str, output: str, program: str) -> Judgement:
    if _gives(output, answer):
        return judged(1.0, UNDECIDED, f"{program} gives it")
    return judged(0.0, UNDECIDED, f"{program} gives {shown(output)!r}")


def _gives(output: str, answer: str) -> bool:
    """Whether the last line of an output means what the answer means."""
    lines = output.strip().splitlines()
    return bool(lines) and bool(answer.strip()) and meaning(lines[-1]) == meaning(answer)


def _offered(services: Services) -> dict[str, str]:
    """The tools that may be called, with the name of their first parameter."""
    return {tool.name: tool.parameters[0].name for tool in services.tools if tool.parameters}


def _line_of(begin: str, reply: str) -> str:
    """The expression in a reply that goes on after `begin`, or that starts anew with it: without its last bracket."""
    line = next((line for line in reply.strip().strip("`").splitlines() if line.strip()), "").strip()
    line = line.removeprefix(begin)
    return line[:-1] if line.endswith(")") and line.count(")") > line.count("(") else line
