"""How promising a piece of reasoning is: rated by the model or the verifier, or chosen by vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.parts.asking import case_turns
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.ratings import parse_choice, parse_rating
from lottery_plugins.reasoning.branches import together
from lottery_plugins.trajectory import Problem

__all__ = ["self_rating", "value_of", "votes_for"]

MAX_TOKENS = 8
"""Longest rating or choice."""


async def self_rating(problem: Problem, services: Services, reasoning: str) -> float:
    """The model's own rating of reasoning, whole or begun, in [0, 1]."""
    prompt = load("rating")
    turns = case_turns(prompt, is_chat=problem.is_chat, question=problem.question, reasoning=reasoning.strip())
    written = await services.generate(turns, purpose="rate", max_tokens=MAX_TOKENS, stop=prompt.stop)
    return parse_rating(written.text)


async def value_of(problem: Problem, services: Services, reasoning: str) -> float:
    """The verifier's score of reasoning, whole or begun, in [0, 1]; without a verifier the model's own rating."""
    if services.has_verifier:
        return (await services.verify(reasoning, problem=problem)).score
    return await self_rating(problem, services, reasoning)


async def votes_for(
    problem: Problem, services: Services, candidates: Sequence[str], *, votes: int, temperature: float
) -> list[float]:
    """The share of votes that each candidate gets from the model; not asked when there is no choice."""
    if len(candidates) < 2:
        return [1.0 for _ in candidates]
    prompt = load("vote")
    choices = "\n".join(f"{number}. {' '.join(text.split())}" for number, text in enumerate(candidates, 1))
    turns = case_turns(prompt, is_chat=problem.is_chat, question=problem.question, choices=choices)
    ballots = await together(
        services.generate(
            turns, purpose="vote", max_tokens=MAX_TOKENS, stop=prompt.stop, temperature=temperature, sample=i
        )
        for i in range(votes)
    )
    counts = Counter(parse_choice(ballot.text, len(candidates)) for ballot in ballots)
    return [counts[i] / votes for i in range(len(candidates))]
