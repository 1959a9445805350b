"""The contract of verifiers passes honest ones and finds each fault."""

import itertools
import random
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.testing.contracts.verifier import check_verifier
from lottery_plugins.verifiers import VERIFIERS


@dataclass(frozen=True)
class AsksTheModel:
    """Accept what the model says yes to."""

    name: ClassVar[str] = "asks-the-model"
    summary: ClassVar[str] = "Accept what the model says yes to."
    tries: int = option(1, "how often it asks", allowed="1 up")

    async def verify(self, problem, answer, services):
        votes = [
            (await services.generate((Message("user", f"{problem.prompt} {answer}?"),), purpose="vote", sample=i)).text
            for i in range(self.tries)
        ]
        yes = sum("Yes" in vote for vote in votes)
        return Judgement(yes / self.tries, yes * 2 > self.tries)


@pytest.mark.parametrize("tries", [1, 3, 20])
def test_honest_verifier_passes_also_when_the_budget_ends_it(tries):
    check_verifier(AsksTheModel, options={"tries": tries})


@pytest.mark.parametrize("verifier_class", VERIFIERS)
def test_built_in_verifier_keeps_the_contract(verifier_class, classifier_file, reward_model):
    needed = {"hidden-state": {"file": classifier_file}, "reward-model": {"model": reward_model}}
    check_verifier(verifier_class, options=needed.get(verifier_class.name))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("self-check", {"votes": 3}),
        ("agreement", {"style": "think", "samples": 2}),
        ("execution", {"without_program": "undecided"}),
    ],
)
def test_built_in_verifier_keeps_the_contract_with_other_options(name, options):
    (verifier_class,) = [cls for cls in VERIFIERS if cls.name == name]
    check_verifier(verifier_class, options=options)


COUNT = itertools.count()
FAULTS = {
    "too-good": lambda: Judgement(2.0, True),
    "nan": lambda: Judgement(float("nan"), True),
    "words": lambda: Judgement(0.5, "yes"),
    "silent": lambda: Judgement(0.5, True, None),
    "bare": lambda: 0.5,
    "moody": lambda: Judgement(next(COUNT) % 7 / 7, True),
    "random": lambda: Judgement(random.SystemRandom().random(), True),
}


@dataclass(frozen=True)
class Broken(AsksTheModel):
    """A verifier with one fault."""

    name: ClassVar[str] = "broken"
    fault: str = option("bare", "which fault it has")

    async def verify(self, problem, answer, services):
        return FAULTS[self.fault]()


@dataclass(frozen=True)
class Stubborn(AsksTheModel):
    """Asks until it hears yes, whatever the budget says."""

    name: ClassVar[str] = "stubborn"

    async def verify(self, problem, answer, services):
        while True:
            try:
                if (await AsksTheModel.verify(self, problem, answer, services)).accepted:
                    return Judgement(1.0, True)
            except BudgetExceededError:
                continue


@dataclass(frozen=True)
class Guessing(AsksTheModel):
    """Guesses when the budget is spent."""

    name: ClassVar[str] = "guessing"

    async def verify(self, problem, answer, services):
        try:
            return await AsksTheModel.verify(self, problem, answer, services)
        except BudgetExceededError:
            return Judgement(1.0, True)


@dataclass(frozen=True)
class Fragile(AsksTheModel):
    """Takes the answer for a number."""

    name: ClassVar[str] = "fragile"

    async def verify(self, problem, answer, services):
        return Judgement(float(float(answer) > 0), True)


@dataclass(frozen=True)
class Synchronous(AsksTheModel):
    """Not to be awaited."""

    name: ClassVar[str] = "synchronous"

    def verify(self, problem, answer, services):
        return Judgement(1.0, True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("too-good", "outside"),
        ("nan", "outside"),
        ("words", "no bool"),
        ("silent", "no text"),
        ("bare", "wanted is Judgement|has no attribute"),
        ("moody", "judged differently"),
        ("random", "judged differently"),
    ],
)
@pytest.mark.usefixtures("looking_for_faults")
def test_broken_verifier_is_found(fault, told):
    with pytest.raises((AssertionError, AttributeError), match=told):
        check_verifier(Broken, options={"fault": fault})


@pytest.mark.parametrize(
    ("verifier_class", "tries", "told"),
    [
        (Stubborn, 1, "acts on one answer"),
        (Guessing, 20, "budget was hidden"),
        (Fragile, 1, "could not convert"),
        (Synchronous, 1, "no coroutine function"),
    ],
)
@pytest.mark.usefixtures("looking_for_faults")
def test_verifier_that_never_ends_or_hides_something_is_found(verifier_class, tries, told):
    with pytest.raises(BaseException, match=told):
        check_verifier(verifier_class, options={"tries": tries})
