"""A question that divides into a walk of two, and what judges its answers."""

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.protocols.verifier import Judgement

QUESTION = "How far do Ann and Ben walk?"
LEAF = f"Question: {QUESTION}\nAnswer:"


def divide(schedule, **rules):
    """A model that divides the whole problem once, and nothing else.

    Otherwise it replies by what the question at the end of the prompt holds; a list of replies is used up in order.
    """

    def reply(prompt):
        question = prompt[prompt.rfind("Question:") :]
        if question.endswith("Several steps:"):
            return " yes" if QUESTION in question else " no"
        if question.endswith("\n1."):
            return schedule
        fitting = next((reply for text, reply in rules.items() if text in question), "")
        return fitting.pop(0) if isinstance(fitting, list) else fitting

    return reply


ALONE = {"external": "never"}
PARTS = " How far does Ann walk? (needs none)\n2. How far does Ben walk? (needs none)\n3. Add it up (needs 1, 2)"
WALK = {"does Ann": " 2 km", "does Ben": " 3 km", "Add it up": " 5 km", "Ann and Ben": " together 5 km"}


def purposes(result):
    return [step.purpose for step in result.steps]


@dataclass(frozen=True)
class Wants:
    """Accepts what holds a text; keeps a record of what it is asked."""

    name: ClassVar[str] = "wants"
    summary: ClassVar[str] = "Accepts what holds a text."

    text: str
    seen: list

    async def verify(self, problem, answer, services):
        self.seen.append((problem.question, answer))
        return Judgement(float(self.text in answer), self.text in answer)


WAYS = " or: count their steps\n2. or: look at the map"
