"""One reasoner on the scripted model: what it got right and what it cost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.reasoners.oracle import OracleBackend, Skill
from benchmarks.reasoners.questions import Term, World, make_terms, make_world
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.ledger import Counters
from lottery_plugins.limits import StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.messages import Message
from lottery_plugins.protocols.reasoner import Reasoner, Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.reasoning.search import Search
from lottery_plugins.retrievers import Bm25
from lottery_plugins.tasks.scoring import number_score
from lottery_plugins.testing.fakes import one_by_one, scripted_facilities
from lottery_plugins.tools import Calculator, Python
from lottery_plugins.trajectory import Problem, Trajectory

SUITES = ("arithmetic", "lookup")
NAMES = 200


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all reasoners are measured on.

    Attributes:
        problems: Questions of each suite.
        skill: Of the model under test.
        proxy_known: Share of the names that the proxy model knows; else it is as good.
    """

    problems: int = 100
    skill: Skill = field(default_factory=Skill)
    proxy_known: float = 0.3


@dataclass(frozen=True)
class Result:
    """What a reasoner did on one suite.

    Attributes:
        exact: Share of the questions answered exactly.
        counters: The cost, summed over the questions; tokens are words.
        errors: Messages of the problems that failed.
    """

    exact: float
    counters: Counters
    errors: tuple[str, ...]

    def per_problem(self, name: str) -> float:
        """Mean of a count over the questions."""
        return (getattr(self.counters, name) or 0) / max(1, self.counters.problems)

    def to_json(self) -> dict[str, Any]:
        return {"exact": self.exact, "errors": self.errors, **self.counters.to_json()}


class AsksTheModel:
    """A verifier: the model says whether a proposed answer is right."""

    name, summary = "asks-the-model", "Asks the model whether a proposed answer is right."

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        proposed = " ".join(answer.split())
        text = f"Question: {problem.question}\nProposed answer: {proposed}\nIs it right?"
        reply = await services.generate((Message("user", text),), purpose="verify", max_tokens=2, stop=("\n",))
        is_right = reply.text.strip().lower() == "yes"
        return Judgement(float(is_right), is_right, f"the model says {reply.text.strip()!r}")


def measure(reasoner: Reasoner, setting: Setting) -> Mapping[str, Result]:
    """Solve both suites."""
    world = make_world(NAMES, setting.skill.seed)
    return {suite: _solved(reasoner, setting, world, suite) for suite in SUITES}


def _solved(reasoner: Reasoner, setting: Setting, world: World, suite: str) -> Result:
    terms = make_terms(setting.problems, setting.skill.seed, world, with_name=suite == "lookup")
    problems = [_problem(suite, i, term, world) for i, term in enumerate(terms)]
    trajectories = asyncio.run(solve_all(problems, reasoner, _facilities(setting, world), max_live=1))
    right = [_score(t, term, world) for t, term in zip(trajectories, terms, strict=True)]
    errors = tuple(dict.fromkeys(t.error for t in trajectories if t.stop_reason is StopReason.FAILED))
    return Result(sum(right) / len(right), Counters.of(trajectories), errors)


def _score(trajectory: Trajectory, term: Term, world: World) -> float:
    return number_score(trajectory.answer, str(term.value(world.facts)))


def _problem(suite: str, index: int, term: Term, world: World) -> Problem:
    question = f"Work out {term.text}."
    names = [name.atom for name in term.names()]
    return Problem(
        task=suite,
        doc_id=index,
        messages=(Message("user", f"Question: {question} Answer with the number only.\nAnswer:"),),
        question=question,
        popularity=min((world.popularity[name] for name in names), default=1.0),
        config=GenerationConfig(max_tokens=32, stop=("\n",)),
    )


def _facilities(setting: Setting, world: World) -> Facilities:
    """A run that offers everything: tools, documents, a memory, a verifier, a proxy model."""
    skill = setting.skill
    proxy = Skill(**{**asdict(skill), "known": setting.proxy_known})
    index = Bm25().build(world.documents)
    return scripted_facilities(
        OracleBackend(skill, world),
        tools=(Calculator(), Python()),
        search=Search(index_for=lambda problem: index, top_k=2, name="bm25"),
        open_memory=Scratchpad().open,
        verifier=AsksTheModel(),
        proxy=one_by_one(OracleBackend(proxy, world)),
    )


def means(results: Sequence[Result], name: str) -> float:
    """Mean of a count over the questions of all suites."""
    return sum(result.per_problem(name) for result in results) / len(results)
