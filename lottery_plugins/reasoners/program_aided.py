"""`program-aided`: the model writes a program, the program's output is the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.programs import continued, lone_expression, with_output
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, few_shot, with_context
from lottery_plugins.reasoning.answers import tidy
from lottery_plugins.trajectory import Answer, Problem, ToolResult

__all__ = ["ProgramAided"]


@dataclass(frozen=True)
class ProgramAided:
    """Write a short Python program for the question, run it, answer with the last line that it prints.

    Runs in the `python` tool, or in `calculator` when only that is offered and the program is one expression. A
    program that fails is shown to the model with its error for another try. When no program gives an output, there is
    no answer, and no guess is put in its place, unless `fallback` says so.

    Raises:
        ConfigError: If an option is out of range, or the run offers neither tool.

    Cost: one completion and one tool call per try.
    Deviation: the worked examples are our own and short, so that a model of 135 million parameters follows them; the
        task's few-shot examples, which show answers and not programs, are left out.
    """

    name: ClassVar[str] = "program-aided"
    summary: ClassVar[str] = "Write a Python program for the question and answer with its output."
    source: ClassVar[str] = "Gao et al. 2022, PAL: Program-aided Language Models, arXiv:2211.10435"
    needs: ClassVar[tuple[str, ...]] = ("tools",)

    style: str = option(
        "line", "one expression, for the smallest models, or a program in steps", allowed="line or steps"
    )
    max_tokens: int = option(192, "longest program", unit="tokens", allowed="1 or more")
    retries: int = option(1, "more tries after a program that failed", allowed="0 or more")
    fallback: str = option("none", "what to do when all tries failed", allowed="none or direct")

    def __post_init__(self) -> None:
        check_one_of(("line", "steps"), "program-aided.style", self.style)
        check_at_least(1, "program-aided.max_tokens", self.max_tokens)
        check_at_least(0, "program-aided.retries", self.retries)
        check_one_of(("none", "direct"), "program-aided.fallback", self.fallback)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Write, run, and once more when it failed."""
        prompt = load(f"{self.name}-{self.style}")
        begin = prompt.texts["begin"]
        turns = few_shot(prompt, with_context(problem), is_chat=problem.is_chat)
        for _ in range(1 + self.retries):
            written = await services.generate(
                (*turns, Message("assistant", begin)), purpose="program", max_tokens=self.max_tokens, stop=prompt.stop
            )
            program = continued(begin, written.text)
            result = await _run(program, services)
            if result.error is None and result.text.strip():
                return Answer(tidy(result.text.strip().splitlines()[-1]))
            error = prompt.fill("retry", error=result.text.strip() or "It printed nothing.")
            turns = (*turns, Message("assistant", program), Message("user", error))
        if self.fallback == "direct":
            completion = await services.generate(problem.messages, purpose="answer without program")
            return Answer(completion.text)
        return Answer("", StopReason.NO_ANSWER)


async def _run(program: str, services: Services) -> ToolResult:
    """Run a program with what the run offers.

    Raises:
        ConfigError: It offers neither `python` nor `calculator`.
    """
    parameters = {tool.name: tool.parameters[0].name for tool in services.tools if tool.parameters}
    if "python" in parameters:
        return await services.call_tool("python", {parameters["python"]: with_output(program)}, purpose="run")
    if "calculator" in parameters:
        expression = lone_expression(program)
        if expression is None:
            return ToolResult("Only one arithmetic expression can be computed here.", error="arguments")
        return await services.call_tool("calculator", {parameters["calculator"]: expression}, purpose="run")
    raise ConfigError(
        "reasoner: program-aided", tuple(parameters), "a run with the tool python or calculator", "Add tools=python."
    )
