"""Every built-in reasoner keeps the contract."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.reasoners import REASONERS, ProgramAided
from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.trajectory import Answer


@pytest.mark.parametrize("reasoner_class", REASONERS, ids=lambda c: c.name)
def test_built_in_reasoner_keeps_the_contract(reasoner_class):
    check_reasoner(reasoner_class)


def test_program_aided_with_fallback_keeps_the_contract():
    check_reasoner(ProgramAided, lambda: ProgramAided(fallback="direct", retries=3))


@dataclass(frozen=True)
class Good:
    """The smallest reasoner."""

    name: ClassVar[str] = "good"
    summary: ClassVar[str] = "Asks once."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        return Answer((await services.generate(problem.messages, purpose="p")).text)


@dataclass(frozen=True)
class Crashes(Good):
    """Trusts the model to write a number."""

    async def solve(self, problem, services):
        return Answer(str(int((await services.generate(problem.messages, purpose="p")).text)))


@dataclass(frozen=True)
class HidesItsNeeds(Good):
    """Uses a verifier that it does not ask for."""

    async def solve(self, problem, services):
        return Answer(str((await services.verify("x")).score))


SEEN = []


@dataclass(frozen=True)
class Remembers(Good):
    """Answers depend on what was solved before."""

    async def solve(self, problem, services):
        SEEN.append(problem.doc_id)
        return Answer(str(len(SEEN)))


@dataclass(frozen=True)
class ReturnsNothing(Good):
    """Forgets the answer."""

    async def solve(self, problem, services):
        await services.generate(problem.messages, purpose="p")


@dataclass
class NotFrozen:
    """A plugin that can be changed."""

    name: ClassVar[str] = "not-frozen"
    summary: ClassVar[str] = "Can be changed."
    needs: ClassVar[tuple[str, ...]] = ()
    solve = Good.solve


def test_the_smallest_reasoner_keeps_the_contract():
    check_reasoner(Good)


@pytest.mark.parametrize(
    ("reasoner_class", "complaint"),
    [
        (Crashes, "ValueError"),
        (HidesItsNeeds, "verifier"),
        (Remembers, "depend on"),
        (ReturnsNothing, "not an Answer"),
        (NotFrozen, "not frozen"),
    ],
)
@pytest.mark.usefixtures("looking_for_faults")
def test_the_suite_catches(reasoner_class, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_reasoner(reasoner_class)
