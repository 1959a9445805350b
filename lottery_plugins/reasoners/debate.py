"""`debate`: several agents answer, read each other's answers, and answer again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.messages import Message
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.sampling import Tries, finished
from lottery_plugins.reasoners.turns import check_at_least, check_temperature, continued
from lottery_plugins.reasoners.voting import vote
from lottery_plugins.reasoning.answers import final_answer
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["Debate"]


@dataclass(frozen=True)
class Debate:
    """Let agents, which are samples of the one model, reason alone, then revise with the others' solutions in view.

    Each agent keeps its own conversation. All agents of a round speak at once. The answer is what most agents conclude
    at the end (`voting.vote`). When the budget ends, the vote is over what each agent said last, and the stop reason
    tells.

    Raises:
        ConfigError: If an option is out of range.

    Cost: `agents` * `rounds` completions, whose prompts grow with each round by all agents' solutions.
    Deviation: the paper asks for a mark that suits the benchmark; here the answer is read as chain-of-thought reads
        it without a second completion.
    """

    name: ClassVar[str] = "debate"
    summary: ClassVar[str] = "Several agents answer, read each other's answers, revise, and vote."
    source: ClassVar[str] = "Du et al. 2023, arXiv:2305.14325"
    needs: ClassVar[tuple[str, ...]] = ()

    agents: int = option(3, "how many take part", allowed="2 or more")
    rounds: int = option(2, "how often each speaks; the first time alone", allowed="1 or more")
    temperature: float = option(0.7, "of all that is said", allowed="above 0")
    max_tokens: int = option(256, "longest solution", unit="tokens", allowed="1 or more")

    def __post_init__(self) -> None:
        check_at_least(2, "debate.agents", self.agents)
        check_at_least(1, "debate.rounds", self.rounds)
        check_temperature("debate.temperature", self.temperature)
        check_at_least(1, "debate.max_tokens", self.max_tokens)

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Round by round, then vote."""
        prompt = load(self.name)
        talks = [continued(problem.messages, prompt.texts["trigger"])] * self.agents
        said = [""] * self.agents
        spent = None
        for index in range(self.rounds):
            completions, spent = await finished(
                services.generate(
                    talk,
                    purpose="revise" if index else "reason",
                    max_tokens=self.max_tokens,
                    stop=prompt.stop,
                    temperature=self.temperature,
                    sample=agent,
                )
                for agent, talk in enumerate(talks)
            )
            said = [new.text if new else old for new, old in zip(completions, said, strict=True)]
            if spent:
                break
            talks = [_heard(talk, said, agent) for agent, talk in enumerate(talks)]
        answers = tuple(final_answer(text) for text in said)
        return Tries(answers, spent).chosen(vote(answers))


def _heard(talk: Sequence[Message], said: Sequence[str], agent: int) -> tuple[Message, ...]:
    """An agent's conversation, its last turn completed, with the others' solutions and a new turn of its own begun."""
    prompt = load(Debate.name)
    own = Message("assistant", talk[-1].content + said[agent].rstrip())
    others = "".join(prompt.fill("solution", solution=text.strip()) for i, text in enumerate(said) if i != agent)
    request = Message("user", prompt.fill("revise", solutions=others))
    return (*talk[:-1], own, request, Message("assistant", prompt.texts["revise_begin"]))
