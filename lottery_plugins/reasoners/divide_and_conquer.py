"""`divide-and-conquer`: Algorithm 1 of the lottery hypothesis, with its steps chosen by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Reasoner, Services
from lottery_plugins.reasoners import algorithm
from lottery_plugins.reasoners.algorithm import Node, Parts
from lottery_plugins.reasoners.attempts import MAX_ATTEMPTS
from lottery_plugins.reasoners.chain_of_thought import ChainOfThought
from lottery_plugins.reasoners.direct import Direct
from lottery_plugins.reasoners.parts import division, external, posing, verification
from lottery_plugins.reasoners.parts.combining import COMBINATIONS
from lottery_plugins.reasoners.parts.thoughts import EVALUATIONS, Growth
from lottery_plugins.reasoners.parts.tree import ThoughtDivision
from lottery_plugins.reasoners.program_aided import ProgramAided
from lottery_plugins.reasoners.retrieve_then_read import RetrieveThenRead
from lottery_plugins.reasoners.turns import check_at_least, check_between, check_one_of, check_temperature
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["DivideAndConquer"]

LEAVES: Mapping[str, type[Reasoner]] = {
    "direct": Direct,
    "chain-of-thought": ChainOfThought,
    "retrieve-then-read": RetrieveThenRead,
    "program-aided": ProgramAided,
}
EXTERNALS: Mapping[str, type[Reasoner]] = {"search": RetrieveThenRead, "program": ProgramAided}
REQUESTS = ("requests", "model-decides")
DIVISIONS = ("never", "model", "always", "thoughts")


@dataclass(frozen=True)
class DivideAndConquer:
    """Solve a problem with outside help, or by dividing it, or by the model alone; verify; recurse on sub-problems.

    Other reasoners are settings of this one and give the same transcript:

    - direct: external=never, divide=never, leaf=direct; chain-of-thought likewise.
    - retrieve-then-read: external=search. program-aided: external=program.
    - tree-of-thoughts: external=never, divide=thoughts, retries=0, remember=false.

    All but the last with verify=false, where the run has a verifier: those methods do not ask it.

    A schedule has parts, which are all solved (those that do not need each other at the same time) and aggregated, and
    alternatives, of which the first that is accepted is the answer. A sub-problem that was not accepted is tried
    again. Answers of sub-problems go to the run's memory and are read from there; without one they are handed on.

    Raises:
        ConfigError: If an option is out of range.

    Cost: bounded by the run's limits. When they are spent, the best finished answer to the whole problem is given, or
        none, and the stop reason tells.
    Deviation: as printed, the algorithm returns at the first sub-problem that passes, which is right for alternatives
        alone; without a verifier every answer that is not blank passes; a second try is drawn at `temperature`, since a
        greedy one would be the first again.
    """

    name: ClassVar[str] = "divide-and-conquer"
    summary: ClassVar[str] = "Use outside help, divide the problem, or answer alone; verify and recurse."
    source: ClassVar[str] = "Tang et al. 2025, The Lottery LLM Hypothesis, arXiv:2502.17535, Algorithm 1"
    needs: ClassVar[tuple[str, ...]] = ()

    external: str = option(
        "model-decides",
        "help from outside: none; a search or a program for every problem, which is then never divided; whatever the "
        "model requests; the same, if the model says that it helps",
        allowed="never, search, program, requests or model-decides",
    )
    divide: str = option(
        "model",
        "division: none; where the model says so; always; or into lines of thought",
        allowed="never, model, always or thoughts",
    )
    leaf: str = option(
        "direct",
        "how the model answers what is not divided",
        allowed="direct, chain-of-thought, retrieve-then-read or program-aided",
    )
    aggregate: str = option("model", "ask the model with the parts' answers, or take the last", allowed="model or last")
    verify: bool = option(True, "ask the run's verifier, if it has one")
    trials: int = option(1, "independent attempts at the whole problem", allowed="1 to 16")
    retries: int = option(1, "more attempts at a sub-problem whose answer was not accepted", allowed="0 to 15")
    max_depth: int = option(2, "deepest level of sub-problems", allowed="0 to 6")
    max_parts: int = option(4, "most sub-problems of a problem", allowed="2 or more")
    max_requests: int = option(3, "most requests for help per problem", allowed="1 or more")
    temperature: float = option(0.7, "of all attempts but the first, of drawn thoughts and votes", allowed="above 0")
    remember: bool = option(True, "write answers of sub-problems to the run's memory, if it has one")
    steps: int = option(3, "divide=thoughts: most steps of a line of thought", allowed="1 or more")
    breadth: int = option(2, "divide=thoughts: lines of thought kept at each step", allowed="1 or more")
    candidates: int = option(3, "divide=thoughts: next steps proposed for each line of thought", allowed="1 or more")
    evaluate: str = option("value", "divide=thoughts: rate lines of thought or vote", allowed="value or vote")

    def __post_init__(self) -> None:
        check_one_of(("never", *EXTERNALS, *REQUESTS), f"{self.name}.external", self.external)
        check_one_of(DIVISIONS, f"{self.name}.divide", self.divide)
        check_one_of(tuple(LEAVES), f"{self.name}.leaf", self.leaf)
        check_one_of(tuple(COMBINATIONS), f"{self.name}.aggregate", self.aggregate)
        check_one_of(EVALUATIONS, f"{self.name}.evaluate", self.evaluate)
        check_between(1, MAX_ATTEMPTS, f"{self.name}.trials", self.trials)
        check_between(0, MAX_ATTEMPTS - 1, f"{self.name}.retries", self.retries)
        check_between(0, 6, f"{self.name}.max_depth", self.max_depth)
        check_at_least(2, f"{self.name}.max_parts", self.max_parts)
        for name in ("max_requests", "steps", "breadth", "candidates"):
            check_at_least(1, f"{self.name}.{name}", getattr(self, name))
        check_temperature(f"{self.name}.temperature", self.temperature)
        # What the chosen steps need is needed: said before the model is loaded.
        chosen = [LEAVES[self.leaf], *(method for name, method in EXTERNALS.items() if name == self.external)]
        object.__setattr__(self, "needs", tuple(sorted({need for method in chosen for need in method.needs})))

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Run the algorithm with the chosen steps."""
        return await algorithm.solve(problem, services, self.parts())

    def parts(self) -> Parts:
        """The steps that the options name."""
        solve_with_llm = _solving(LEAVES[self.leaf])
        alone = Parts(
            can_use_external=division.never,
            solve_with_external=solve_with_llm,
            need_divide=division.never,
            generate_schedule=division.no_schedule,
            pose=posing.pose,
            store=posing.store if self.remember else posing.do_not_store,
            aggregate_solve=partial(COMBINATIONS[self.aggregate], solve_with_llm),
            solve_with_llm=solve_with_llm,
            verify_solution=verification.ask_verifier if self.verify else verification.accept_any,
            select_solution=verification.select,
            trials=self.trials,
            retries=self.retries,
            temperature=self.temperature,
        )
        return self._divided(self._helped(alone))

    def _helped(self, parts: Parts) -> Parts:
        """With the chosen help from outside."""
        if self.external in EXTERNALS:
            method = _solving(EXTERNALS[self.external])
            return replace(parts, can_use_external=external.always, solve_with_external=method)
        if self.external not in REQUESTS:
            return parts
        requests = external.Requests(parts.solve_with_llm, self.max_requests)
        can_use = requests.is_wanted if self.external == "model-decides" else requests.is_offered
        return replace(parts, can_use_external=can_use, solve_with_external=requests.solve)

    def _divided(self, parts: Parts) -> Parts:
        """With the chosen division."""
        if self.divide == "thoughts":
            growth = Growth(self.candidates, temperature=self.temperature)
            tree = ThoughtDivision(growth, self.steps, self.breadth, self.evaluate)
            return replace(
                parts, need_divide=tree.is_needed, generate_schedule=tree.schedule, solve_with_llm=tree.conclude
            )
        if self.divide == "never":
            return parts
        by_model = division.ModelDivision(self.max_depth, self.max_parts)
        need_divide = by_model.is_needed if self.divide == "model" else by_model.is_allowed
        return replace(parts, need_divide=need_divide, generate_schedule=by_model.schedule)


def _solving(method: type[Reasoner]) -> Callable[[Node], Awaitable[Answer]]:
    """A reasoner as a step of the algorithm."""
    reasoner = method()

    async def solve(node: Node) -> Answer:
        return await reasoner.solve(node.problem, node.services)

    return solve
