"""Every built-in reasoner keeps the contract, and the contract finds what it says it finds."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.messages import Message
from lottery_plugins.reasoners import REASONERS, AdaptiveRetrieval, BestOfN, ProgramAided, SelfConsistency
from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.testing.contracts.watched import Watched
from lottery_plugins.trajectory import Answer


@pytest.mark.parametrize("reasoner_class", REASONERS, ids=lambda c: c.name)
def test_built_in_reasoner_keeps_the_contract(reasoner_class):
    check_reasoner(reasoner_class)


@pytest.mark.parametrize(
    ("reasoner_class", "options"),
    [
        (ProgramAided, {"fallback": "direct", "retries": 3}),
        (SelfConsistency, {"method": "program-aided", "samples": 2}),
        (BestOfN, {"method": "direct", "samples": 12}),
        (AdaptiveRetrieval, {"gate": "popularity", "threshold": 15.0}),
    ],
)
def test_reasoner_with_other_options_keeps_the_contract(reasoner_class, options):
    check_reasoner(reasoner_class, lambda: reasoner_class(**options))


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


@dataclass(frozen=True)
class NestsToDepth(Good):
    """Follows brackets by calling itself."""

    async def solve(self, problem, services):
        text = (await services.generate(problem.messages, purpose="p")).text
        return Answer(str(self.depth(text)))

    def depth(self, text):
        return 1 + self.depth(text[1:]) if text[:1] in ("{", "[") else 0


@dataclass(frozen=True)
class FormatsReplies(Good):
    """Puts a reply into a format string."""

    async def solve(self, problem, services):
        text = (await services.generate(problem.messages, purpose="p")).text
        return Answer(f"{text}: {{question}}".format(question=problem.question))


@dataclass(frozen=True)
class EncodesReplies(Good):
    """Takes a reply for valid Unicode."""

    async def solve(self, problem, services):
        return Answer(str(len((await services.generate(problem.messages, purpose="p")).text.encode())))


@dataclass(frozen=True)
class SearchesOnAndOn(Good):
    """Searches until something is found; a search costs nothing."""

    async def solve(self, problem, services):
        while services.has_retriever and not await services.retrieve("zebra"):
            pass
        return Answer("")


@dataclass(frozen=True)
class FollowsCycles(Good):
    """Looks notes up until one ends the chain."""

    async def solve(self, problem, services):
        services.remember("a", "a")
        note = "a"
        while note:
            note = services.recall(note)
        return Answer("done")


@dataclass(frozen=True)
class DoesNotTakeNo(Good):
    """Asks again when the budget refuses."""

    async def solve(self, problem, services):
        texts = []
        while len(texts) < 10:
            try:
                texts.append((await services.generate(problem.messages, purpose="p", sample=len(texts))).text)
            except BudgetExceededError:
                continue
        return Answer(texts[-1])


@dataclass(frozen=True)
class WaitsForNothing(Good):
    """Waits for what nobody does."""

    async def solve(self, problem, services):
        await asyncio.Event().wait()


@dataclass(frozen=True)
class HidesTheBudget(Good):
    """Calls an empty answer an answer."""

    async def solve(self, problem, services):
        try:
            for i in range(20):
                await services.generate((*problem.messages, Message("user", str(i))), purpose="p")
        except BudgetExceededError:
            return Answer("")
        return Answer("done")


@dataclass(frozen=True)
class BreaksWithMemory(Good):
    """Was never tried with a memory."""

    async def solve(self, problem, services):
        return Answer(services.recall_all() if services.has_memory else "")


@dataclass(frozen=True)
class InventsAReason(Good):
    """Has a stop reason of its own."""

    async def solve(self, problem, services):
        return Answer("5", "bored")


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
        (NestsToDepth, "RecursionError"),
        (FormatsReplies, "KeyError|ValueError|IndexError|AttributeError"),
        (EncodesReplies, "UnicodeEncodeError"),
        (SearchesOnAndOn, "does not end"),
        (FollowsCycles, "does not end"),
        (DoesNotTakeNo, "does not end"),
        (HidesTheBudget, "says that it answered"),
        (BreaksWithMemory, "recall_all"),
        (InventsAReason, "'bored'"),
    ],
)
@pytest.mark.usefixtures("looking_for_faults")
def test_the_suite_catches(reasoner_class, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check_reasoner(reasoner_class)


@pytest.mark.usefixtures("looking_for_faults")
def test_the_suite_catches_a_reasoner_that_waits_for_ever(monkeypatch):
    monkeypatch.setattr(Watched, "patience_s", 0.3)
    with pytest.raises(AssertionError, match="nothing happens any more"):
        check_reasoner(WaitsForNothing)
