"""A model that follows every method's form and makes mistakes at a known rate.

What it can do is this, and nothing else depends on the method that asks:

- An operation that is written out, or is the first that a completion does, is right with probability `reliability`.
  Each further one that a completion does without writing it down is right with probability `in_head`.
- Writing an expression for a tool is one act of that reliability: a slip changes one of its numbers.
- So is a judgement: whether an answer is right, a step is good, a tool or a division is needed.
- A name's value is read from the prompt where a document tells it. Otherwise the model knows it if the name is among
  the most popular share `known`, and makes one up if not. It knows which it knows, as well as it judges anything.
- Results that the prompt states are taken over; of several for one term, the most frequent, ties to the first.

All draws depend on the seed, the prompt and the sample number: a run can be repeated, and a greedy prompt has one
answer.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.reasoners.questions import OPERATIONS, Term, World, parse
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.testing.fakes import ScriptedBackend

_ASKED = re.compile(r"Work out ([^.?\n]+)\.")
_QUESTION = re.compile(r"Question:\s*Work out ([^.?\n]+)\.")
_NAMED_RESULT = r"\.[ \t]*(?:\([^)\n]*\))?\s*(?:Answer:|Intermediate answer:)?\s*(-?\d+)(?![\d.]*\s*[-+*])"


@dataclass(frozen=True, kw_only=True)
class Skill:
    """How good the model is; see the module.

    Attributes:
        reliability: Of one act, in [0, 1].
        in_head: Of an operation that is not the first and not written down.
        known: Share of the names that it knows, the most popular ones.
        seed: Of all draws.
    """

    reliability: float = 0.9
    in_head: float = 0.6
    known: float = 0.5
    seed: int = 0


class Thought:
    """One completion's worth of thinking: a prompt, and the draws that belong to it."""

    def __init__(self, prompt: str, sample: int, skill: Skill, world: World) -> None:
        self.prompt, self.skill, self.world = prompt, skill, world
        self._key = f"{skill.seed}\0{sample}\0{prompt}"
        asked = _QUESTION.findall(prompt) or _ASKED.findall(prompt)
        self.target = (parse(asked[-1]) if asked else None) or Term(atom="0")

    def chance(self, label: str) -> float:
        """A number in [0, 1), always the same for this prompt, sample and label."""
        digest = hashlib.sha256(f"{self._key}\0{label}".encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def succeeds(self, label: str) -> bool:
        """Whether an act of the usual reliability succeeds."""
        return self.chance(label) < self.skill.reliability

    def last(self, pattern: str) -> Term | None:
        """The term that the last match of a pattern names."""
        found = re.findall(pattern, self.prompt)
        return parse(found[-1]) if found else None

    def stated(self, term: Term) -> int | None:
        """The result that the prompt states for a term, written in full or with results in place of its parts."""
        found: list[str] = []
        for text in map(re.escape, dict.fromkeys((term.text, self.shortened(term)))):
            found += re.findall(rf"(?<![\w(.]){text} = (-?\d+)", self.prompt)
            found += re.findall(rf"Work out {text}{_NAMED_RESULT}", self.prompt)
        if term == self.target:
            found += re.findall(r"calculator\[[^\]\n]*\] = (-?\d+)", self.prompt)
        if term.is_name:
            found += re.findall(rf"The value of {term.text} is (-?\d+)", self.prompt)
        return int(Counter(found).most_common(1)[0][0]) if found else None

    def shortened(self, term: Term) -> str:
        """A term with the results that the prompt states in place of its operands."""
        if not term.sign:
            return term.text
        known = (None if part.atom and not part.is_name else self.stated(part) for part in term.parts)
        parts = (
            part if value is None else Term(atom=str(value)) for part, value in zip(term.parts, known, strict=True)
        )
        return Term(term.sign, tuple(parts)).text

    def knows(self, name: Term) -> bool:
        """Whether the value of a name is in the prompt or in the model."""
        return self.stated(name) is not None or self.world.popularity.get(name.atom, 0.0) >= 1 - self.skill.known

    def of_name(self, name: Term) -> int:
        """The value of a name: read, known or made up."""
        read = self.stated(name)
        if read is not None:
            return read
        made_up = 11 + int(self.chance(f"value of {name.atom}") * 89)
        return self.world.facts.get(name.atom, made_up) if self.knows(name) else made_up

    def worked_out(self, term: Term, *, written: bool) -> dict[Term, int]:
        """Results of all operations of a term, in the order of doing; stated ones are taken over."""
        results: dict[Term, int] = {}
        done = 0
        for operation in term.operations():
            read = self.stated(operation)
            if read is not None:
                results[operation] = read
                continue
            left, right = (results[p] if p.sign else self._atom(p) for p in operation.parts)
            rate = self.skill.reliability if written or not done else self.skill.in_head
            exact = OPERATIONS[operation.sign](left, right)
            label = f"operation {operation.text}"
            slip = 1 + int(self.chance(f"{label} slip") * 20)
            results[operation] = exact if self.chance(label) < rate else exact + slip
            done += 1
        return results

    def result(self, term: Term, *, written: bool = False) -> int:
        """The result of a term."""
        return self.worked_out(term, written=written)[term] if term.sign else self._atom(term)

    def expression(self, term: Term) -> str:
        """A term for a tool, with numbers in place of names; a slip changes one number."""
        text = re.sub(r"[A-Z]\d+", lambda name: str(self.of_name(Term(atom=name.group()))), term.text)
        if self.succeeds("expression"):
            return text
        return re.sub(r"\d+", lambda number: str(int(number.group()) + 1), text, count=1)

    def finds_right(self, results: Sequence[tuple[Term, int]]) -> bool:
        """The model's judgement on stated results; a coin where it does not know a name in them."""
        if not all(self.knows(name) for term, _ in results for name in term.names()):
            return self.chance("judgement") < 0.5
        facts = {name.atom: self.of_name(name) for term, _ in results for name in term.names()}
        is_right = all(term.value(facts) == value for term, value in results)
        return is_right == self.succeeds("judgement")

    def _atom(self, term: Term) -> int:
        return self.of_name(term) if term.is_name else int(term.atom)


class OracleBackend(ScriptedBackend):
    """A scripted backend that thinks. Replies of greedy requests depend on the prompt alone."""

    def __init__(self, skill: Skill, world: World) -> None:
        from benchmarks.reasoners.forms import reply_to

        self._sample = 0
        super().__init__(lambda prompt: reply_to(Thought(prompt, self._sample, skill, world)))

    def generate(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
        """Answer all requests, in their order."""
        answers = []
        for request in requests:
            self._sample = request.sample if request.config.do_sample else 0
            answers += super().generate([request])
        return answers
