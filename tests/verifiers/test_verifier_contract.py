"""The verifier contract finds what it says it finds."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins import option
from lottery_plugins.messages import Message
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.testing.contracts.verifier import check_verifier


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


COUNT = itertools.count()
FAULTS = {
    "too-good": lambda: Judgement(2.0, True),
    "nan": lambda: Judgement(float("nan"), True),
    "words": lambda: Judgement(0.5, "yes"),
    "bare": lambda: 0.5,
    "moody": lambda: Judgement(next(COUNT) % 7 / 7, True),
}


@dataclass(frozen=True)
class Broken(AsksTheModel):
    """A verifier with one fault."""

    name: ClassVar[str] = "broken"
    fault: str = option("bare", "which fault it has")

    async def verify(self, problem, answer, services):
        return FAULTS[self.fault]()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("too-good", "outside"),
        ("nan", "outside"),
        ("words", "no bool"),
        ("bare", "wanted is Judgement|has no attribute"),
        ("moody", "judged differently"),
    ],
)
@pytest.mark.usefixtures("looking_for_faults")
def test_broken_verifier_is_found(fault, told):
    with pytest.raises((AssertionError, AttributeError), match=told):
        check_verifier(Broken, options={"fault": fault})
