"""Which requests belong together, and when what was kept for them may go."""

import asyncio
import itertools
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, one_by_one, scripted_facilities
from lottery_plugins.trajectory import Answer


class AskingVerifier:
    """Asks the model once."""

    name: ClassVar[str] = "asking"

    async def verify(self, problem, answer, services):
        await services.generate(problem.messages, purpose="judge")
        return Judgement(score=1.0, accepted=True, reason="")


@dataclass
class Reasoner:
    """Generates twice at the same time, then verifies; fails at a chosen problem."""

    failing: int = -1
    name: ClassVar[str] = "fake-reasoner"
    summary: ClassVar[str] = "Fake."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        act = [services.generate(problem.messages, purpose="draft", sample=i) for i in range(2)]
        await asyncio.gather(*act)
        if problem.doc_id == self.failing:
            raise ZeroDivisionError
        await services.verify("5")
        return Answer("5")


def numbered(max_live, failing=-1):
    """Trajectory numbers of the requests by question, and what was released."""
    backend, released = ScriptedBackend(), []
    facilities = scripted_facilities(backend, verifier=AskingVerifier(), release=released.append)
    problems = [fake_problem(f"q{i}", doc_id=i) for i in range(5)]
    asyncio.run(solve_all(problems, Reasoner(failing), facilities, max_live=max_live))
    found = {}
    for request in backend.requests:
        found.setdefault(request.messages[0].content.split()[1], []).append(request.trajectory)
    return found, released


@pytest.mark.parametrize("max_live", [1, 2, 5])
def test_all_requests_of_a_problem_its_verifier_s_too_have_its_number_in_the_order_of_problems(max_live):
    found, _ = numbered(max_live)
    assert found == {f"q{i}": [i + 1] * 3 for i in range(5)}


@pytest.mark.parametrize("max_live", [1, 5])
def test_each_problem_is_released_once_even_when_it_fails(max_live):
    _, released = numbered(max_live, failing=2)
    assert sorted(released) == [1, 2, 3, 4, 5]


def test_two_lists_of_problems_of_one_run_share_no_number():
    backend, released = ScriptedBackend(), []
    facilities = scripted_facilities(backend, verifier=AskingVerifier(), release=released.append)
    for _ in range(2):
        asyncio.run(solve_all([fake_problem(), fake_problem()], Reasoner(), facilities, max_live=2))
    assert sorted(released) == [1, 2, 3, 4]


def test_a_problem_is_released_after_its_last_request_ended_and_only_once():
    events = []

    async def generate(request):
        try:
            await asyncio.sleep(60)
        finally:
            events.append("request ended")

    async def give_up():
        facilities = Facilities(generate=generate, release=lambda number: events.append(number))
        services = ProblemServices(fake_problem(), facilities)
        branch = asyncio.create_task(services.generate(fake_problem().messages, purpose="draft"))
        await asyncio.sleep(0)
        await services.close()
        await services.close()
        assert branch.cancelled()

    asyncio.run(give_up())
    assert events == ["request ended", 1]


def test_by_default_numbers_start_at_one_and_nothing_is_released():
    facilities = Facilities(generate=one_by_one(ScriptedBackend()))
    assert list(itertools.islice(facilities.numbers, 3)) == [1, 2, 3]
    assert facilities.release(1) is None
