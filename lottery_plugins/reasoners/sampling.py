"""Several tries at one problem: what self-consistency, best-of-n and debate share."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from lottery_plugins.limits import BudgetExceededError, StopReason
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Reasoner, Services
from lottery_plugins.reasoners.attempts import MAX_SAMPLES, redrawn
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.turns import check_at_least, check_one_of, check_temperature
from lottery_plugins.reasoning.branches import settled
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["METHODS", "Sampling", "Tries", "drawn", "finished"]

_REASONERS: Mapping[str, type[Reasoner]] = {c.name: c for c in (ChainOfThought, Direct, ProgramAided)}

METHODS = tuple(_REASONERS)
"""What one try may be."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Tries:
    """What came of several tries.

    Attributes:
        answers: One text per try that ended with something to read, in the order of the tries.
        spent: The limit that ended a try early; None when all ended by themselves.
    """

    answers: tuple[str, ...]
    spent: StopReason | None

    def chosen(self, text: str) -> Answer:
        """The answer that was made of them, with the reason why no better one could be."""
        return Answer(text, self.spent or (StopReason.ANSWERED if text.strip() else StopReason.NO_ANSWER))


@dataclass(frozen=True)
class Sampling:
    """The options and the drawing of a reasoner that makes several tries: at once, or while a budget lasts.

    Raises:
        ConfigError: If an option is out of range.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    samples: int | None = option(
        5, "how many tries are drawn; none: one after another until the budget is spent", allowed="1 or more"
    )
    temperature: float = option(0.7, "of the drawn completions", allowed="above 0")
    method: str = option("chain-of-thought", "how each try is made", allowed=" or ".join(METHODS))
    max_tokens: int | None = option(
        None, "longest reasoning or program; none: as the method says", unit="tokens", allowed="1 or more"
    )

    def __post_init__(self) -> None:
        check_at_least(1, f"{self.name}.samples", self.samples)
        check_temperature(f"{self.name}.temperature", self.temperature)
        check_one_of(METHODS, f"{self.name}.method", self.method)
        check_at_least(1, f"{self.name}.max_tokens", self.max_tokens)
        # What the method needs is needed: said before the model is loaded.
        object.__setattr__(self, "needs", (*type(self).needs, *_REASONERS[self.method].needs))

    @property
    def spends_budget(self) -> bool:
        """Whether tries are made until the budget is spent."""
        return self.samples is None

    async def tries(self, problem: Problem, services: Services) -> Tries:
        """Solve a problem several times, each time with an answer drawn anew.

        Only the first completion of a try is drawn; what follows from it (the conclusion, the repair of a program) is
        generated as the task says. A direct answer is as long as the task says.
        """
        reasoner = _made(self.method, self.max_tokens)
        if self.samples is None:
            results, spent = await self._while_budget_lasts(reasoner, problem, services)
        else:
            results, spent = await finished(
                reasoner.solve(problem, drawn(services, self.temperature, i, self.samples)) for i in range(self.samples)
            )
        answers = [answer for answer in results if answer is not None]
        limits = [a.stop_reason for a in answers if a.stop_reason not in (StopReason.ANSWERED, StopReason.NO_ANSWER)]
        return Tries(tuple(a.text for a in answers if a.text.strip()), spent or next(iter(limits), None))

    async def _while_budget_lasts(
        self, reasoner: Reasoner, problem: Problem, services: Services
    ) -> tuple[list[Answer | None], StopReason | None]:
        """Try again and again while tokens of `Problem.budget_tokens` are left, or else until a limit of the run.

        The first try is not drawn, so that a small budget does no worse than the method alone, and no try that was
        begun is cut short by `budget_tokens`: at least so much is spent, unless a limit of the run ends it before.
        """
        answers: list[Answer | None] = []
        while problem.budget_tokens is None or not answers or _generated(problem, services) < problem.budget_tokens:
            again = drawn(services, self.temperature, len(answers), MAX_SAMPLES) if answers else services
            try:
                answers.append(await reasoner.solve(problem, again))
            except BudgetExceededError as ended:
                return answers, ended.reason
        return answers, None


def _generated(problem: Problem, services: Services) -> int:
    """Tokens generated so far; a completion that nobody can count is taken for the longest."""
    counts = (step.completion_tokens for step in services.steps if step.kind == "generate")
    return sum(problem.config.max_tokens if count is None else count for count in counts)


async def finished(acts: Iterable[Awaitable[_T]]) -> tuple[list[_T | None], StopReason | None]:
    """Do things at once; gives their results in order, None for what the budget ended, and the limit that ended it.

    Raises:
        Exception: Whatever else one of them raised, once all have ended.
    """
    results = await settled(acts)
    spent = [r.reason for r in results if isinstance(r, BudgetExceededError)]
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, BudgetExceededError):
            raise result
    return [None if isinstance(r, BaseException) else r for r in results], next(iter(spent), None)


def drawn(services: Services, temperature: float, sample: int, samples: int) -> Services:
    """The same services, whose first completion is drawn at a temperature, as sample number `sample` of `samples`."""
    return redrawn(services, temperature, lambda own: own * samples + sample, only_first=True)


def _made(method: str, max_tokens: int | None) -> Reasoner:
    """The method of one try."""
    if method == ProgramAided.name and max_tokens is not None:
        return ProgramAided(max_tokens=max_tokens)
    if method == ChainOfThought.name and max_tokens is not None:
        return ChainOfThought(max_tokens=max_tokens)
    return _REASONERS[method]()
