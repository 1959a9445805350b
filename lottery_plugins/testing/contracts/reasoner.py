"""The contract of reasoners, as a Hypothesis suite.

A plugin's whole test:

    from lottery_plugins.testing.contracts.reasoner import check_reasoner

    def test_my_reasoner_keeps_the_contract():
        check_reasoner(MyReasoner)
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import inspect
import itertools
import re
from collections.abc import Callable, Sequence
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.reasoner import Reasoner
from lottery_plugins.protocols.tool import Tool
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.contracts.watched import EndlessError, Watched
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, one_by_one, scripted_facilities
from lottery_plugins.testing.strategies import ECHO, hostile_text
from lottery_plugins.trajectory import Problem, Trajectory

__all__ = ["check_reasoner", "model_texts"]

NEEDS = frozenset({"tools", "retriever", "memory", "verifier"})
OFFERS = (*sorted(NEEDS), "proxy")
TOOLS = (
    FakeTool("python", "code", lambda code: code[-20:]),
    FakeTool("calculator", "expression", lambda e: e[:20]),
)
DOCUMENTS = (Document("a", "the Lumen Bridge is 211 m long", "Lumen"), Document("b", "is what {question} asks"))
ECHOED_CHARS = 300


def model_texts() -> st.SearchStrategy[str]:
    """What a model may write: any text, broken pieces of every format in any order, and far too much."""
    return hostile_text()


def check_reasoner(
    reasoner_class: type[Reasoner], make: Callable[[], Reasoner] | None = None, *, tools: Sequence[Tool] = ()
) -> None:
    """Assert that a reasoner keeps the contract, whatever a model writes.

    - It is a frozen dataclass with name, summary and honest `needs`: with those offered, and with or without anything
      else that a run may offer, it does not fail.
    - Every problem ends within its limits of completions, tokens, tool calls and time, with a text and a stop reason,
      and each completion is recorded. One that is refused by the budget and then gives an empty answer does not say
      that it answered.
    - It does not go on and on doing what costs nothing, or asking for what is refused.
    - Order, number of problems at a time and batch size change no answer.

    Args:
        reasoner_class: The plugin class.
        make: Makes an instance, for a class with options that have no default.
        tools: What it calls of its own package, offered beside a `python` and a `calculator`.
    """
    reasoner = (make or reasoner_class)()
    offered: tuple[Tool | FakeTool, ...] = (*TOOLS, *tools)
    _check_declaration(reasoner_class, reasoner)
    scripts = st.lists(model_texts(), min_size=1, max_size=6)
    limits = st.builds(
        Limits,
        max_calls=st.integers(1, 8),
        max_tool_calls=st.integers(0, 4),
        max_new_tokens=st.integers(1, 200),
        max_seconds=st.none() | st.floats(0.5, 60),
    )
    offers = st.sets(st.sampled_from(OFFERS)).map(lambda chosen: frozenset(chosen | set(reasoner.needs)))

    @settings(deadline=None)  # tools run in threads: how long one example takes says nothing
    @given(script=scripts, limits=limits, offer=offers, problem=st.sampled_from(_problems()))
    def ends_within_its_limits(script: list[str], limits: Limits, offer: frozenset[str], problem: Problem) -> None:
        asyncio.run(_check_ends(_Case(reasoner, tuple(script), offer, limits, offered), problem))

    @settings(deadline=None, max_examples=max(10, settings().max_examples // 2))  # each solves its problems three times
    @given(script=scripts, offer=offers)
    def does_not_depend_on_its_neighbours(script: list[str], offer: frozenset[str]) -> None:
        case = _Case(reasoner, tuple(script), offer, Limits(), offered)
        asyncio.run(_check_independence(case))

    ends_within_its_limits()
    does_not_depend_on_its_neighbours()


@dataclasses.dataclass(frozen=True)
class _Case:
    """One made-up run: what the model writes, what is offered, what it may cost."""

    reasoner: Reasoner
    script: tuple[str, ...]
    offer: frozenset[str]
    limits: Limits
    tools: Sequence[Tool | FakeTool]

    async def solve(self, problems: Sequence[Problem], *, max_live: int = 1, batch_size: int = 1) -> list[Trajectory]:
        """Solve on a fresh backend."""
        return await solve_all(problems, self.reasoner, self.facilities(self.backend(), batch_size), max_live=max_live)

    def backend(self) -> ScriptedBackend:
        """A model that picks a text of the script by the prompt alone."""

        def reply(prompt: str) -> str:
            digest = hashlib.sha256(prompt.encode(errors="surrogatepass")).digest()
            text = self.script[int.from_bytes(digest[:4], "big") % len(self.script)]
            return text.replace(ECHO, prompt[-ECHOED_CHARS:], 3)

        return ScriptedBackend(reply)

    def facilities(self, backend: ScriptedBackend, batch_size: int = 1) -> Facilities:
        """A run that offers what is offered, and nothing else."""
        return scripted_facilities(
            backend,
            tools=self.tools if "tools" in self.offer else (),
            documents=DOCUMENTS if "retriever" in self.offer else None,
            limits=self.limits,
            batch_size=batch_size,
            open_memory=_Dictionary if "memory" in self.offer else None,
            verifier=_LengthVerifier() if "verifier" in self.offer else None,
            proxy=one_by_one(backend) if "proxy" in self.offer else None,
        )


def _check_declaration(reasoner_class: type[Reasoner], reasoner: Reasoner) -> None:
    """What `lottery plugins show` and the check before a run rely on."""
    name = reasoner_class.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), f"name {name!r}: lower case and hyphens"
    assert reasoner_class.summary.strip(), f"{name}: no summary"
    assert dataclasses.is_dataclass(reasoner_class), f"{name}: not a dataclass"
    assert reasoner_class.__dataclass_params__.frozen, f"{name}: not frozen"
    assert isinstance(reasoner_class.needs, tuple), f"{name}: needs is not a tuple"
    assert NEEDS.issuperset(reasoner_class.needs), f"{name}: needs {reasoner_class.needs}, known are {sorted(NEEDS)}"
    assert inspect.iscoroutinefunction(reasoner.solve), f"{name}: solve is not async"
    assert isinstance(reasoner, Reasoner), f"{name}: lacks something of the protocol"


async def _check_ends(case: _Case, problem: Problem) -> None:
    """One problem under tight limits; a second passes whenever somebody looks at the clock."""
    backend, watched = case.backend(), Watched(case.reasoner)
    facilities = dataclasses.replace(case.facilities(backend), clock=itertools.count().__next__)
    try:
        async with asyncio.timeout(Watched.patience_s):
            (trajectory,) = await solve_all([problem], cast("Reasoner", watched), facilities, max_live=1)
    except (EndlessError, TimeoutError) as error:
        raise AssertionError(f"it does not end: {str(error) or 'nothing happens any more'}") from error
    completions = [step for step in trajectory.steps if step.kind == "generate"]
    assert isinstance(trajectory.stop_reason, StopReason), f"stop reason {trajectory.stop_reason!r} is none"
    assert trajectory.stop_reason is not StopReason.FAILED, trajectory.error
    assert sorted(c.prompt for c in completions) == sorted(backend.prompts), "a completion is not recorded"
    assert len(completions) <= case.limits.max_calls
    assert sum(c.completion_tokens or 0 for c in completions) <= case.limits.max_new_tokens
    assert all(r.config.max_tokens <= case.limits.max_new_tokens for r in backend.requests)
    assert sum(step.kind == "tool" for step in trajectory.steps) <= case.limits.max_tool_calls
    is_silent = watched.was_refused and not trajectory.answer and trajectory.stop_reason is StopReason.ANSWERED
    assert not is_silent, "the budget ended it without an answer, and its stop reason says that it answered"


async def _check_independence(case: _Case) -> None:
    """The same problems alone, together, and in the other order."""
    problems = _problems()
    alone = [_outcome(t) for problem in problems for t in await case.solve([problem])]
    together = await case.solve(problems, max_live=len(problems), batch_size=3)
    backwards = await case.solve(problems[::-1], max_live=2, batch_size=2)
    assert [_outcome(t) for t in together] == alone, "answers depend on the batch"
    assert [_outcome(t) for t in backwards[::-1]] == alone, "answers depend on the order"


def _problems() -> list[Problem]:
    """Chat and base model, with and without a long context, with a task's own beginning of the reply."""
    context = "the Lumen Bridge is 211 m long\nnothing else is known"
    made = [fake_problem(is_chat=chat, context=c) for chat in (False, True) for c in ("", context)]
    begun = (Message("user", "How long is the {Lumen} Bridge?"), Message("assistant", "It is"))
    made.append(fake_problem("How long is the {Lumen} Bridge?", messages=begun, is_chat=True, sample=1))
    return [dataclasses.replace(p, doc_id=i, popularity=10.0 * i) for i, p in enumerate(made)]


class _Dictionary(dict[str, str]):
    """A memory."""

    def write(self, key: str, value: str) -> None:
        self[key] = value

    def read(self, key: str) -> str | None:
        return self.get(key)

    def render(self, max_chars: int | None = None) -> str:
        return "\n".join(f"{k}: {v}" for k, v in self.items())[:max_chars]


class _LengthVerifier:
    """A verifier that likes short answers."""

    name = "length"
    summary = "Likes short answers."

    async def verify(self, problem: Problem, answer: str, services: object) -> Judgement:
        return Judgement(1 / (1 + len(answer)), len(answer) < 10)


def _outcome(trajectory: Trajectory) -> tuple[int, str, StopReason, list[str]]:
    """What must not change; acts of several branches may have been started in another order."""
    return trajectory.doc_id, trajectory.answer, trajectory.stop_reason, sorted(s.output for s in trajectory.steps)
