"""How a sub-problem is put to the model, and how solutions reach those who build on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lottery_plugins.messages import Message, replace_last_user
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoners.algorithm import Node, Solution
from lottery_plugins.reasoners.prompts import load
from lottery_plugins.reasoners.schedules import SubProblem
from lottery_plugins.reasoning.answers import final_answer

__all__ = ["do_not_store", "found_by", "from_memory", "pose", "store", "with_known"]


def pose(node: Node, path: tuple[int, ...], sub: SubProblem, needed: Sequence[Solution]) -> Node:
    """A sub-problem as a node of its own.

    A part is a new question about the whole problem, with its context and with what the parts found that it needs. An
    alternative is the problem itself in the task's own words, with a hint, or with reasoning that it begins with.
    """
    if sub.begun is not None:
        return replace(node, path=path, begun=sub.begun)
    if sub.is_alternative:
        return _with_prompt(replace(node, path=path), "way", way=sub.text)
    prompt, known = load("sub-problem"), "\n".join(found_by(needed))
    facts = node.facts or prompt.fill("facts", question=node.problem.question)
    facts = prompt.fill("known", known=known, prompt=facts) if known else facts
    own = "" if node.problem.context == node.facts.strip() else node.problem.context  # not one that was made here
    text = prompt.fill("part", context=f"{own}\n\n" if own else "", facts=facts, question=sub.text)
    problem = replace(node.problem, messages=(Message("user", text),), question=sub.text, context=own or facts.strip())
    return replace(node, path=path, facts=facts, problem=problem)


def with_known(node: Node, lines: Iterable[str]) -> Node:
    """The node with what is known already before its prompt."""
    known = "\n".join(line for line in lines if line.strip())
    return _with_prompt(node, "known", known=known) if known else node


def found_by(solutions: Sequence[Solution]) -> list[str]:
    """A line with question and answer for each part that has an answer."""
    lines = []
    for solution in solutions:
        text, node = _stored_text(solution), solution.node
        if solution.answer.text.strip():
            lines.append(f"{node.problem.question} {from_memory(node.services, node.key, text)}")
    return lines


def store(solution: Solution) -> None:
    """Remember a solution under its place and question."""
    solution.node.services.remember(solution.node.key, _stored_text(solution))


def do_not_store(solution: Solution) -> None:
    """Leave the memory alone."""


def from_memory(services: Services, key: str, value: str) -> str:
    """What the memory says under a key; `value` where it no longer knows, or where the run has no memory."""
    return (services.recall(key) if services.has_memory else "") or value


def _stored_text(solution: Solution) -> str:
    """The answer in short; one that was not accepted says so."""
    text = final_answer(solution.answer.text)
    return text if solution.judgement.accepted or not text else f"{text} (not verified)"


def _with_prompt(node: Node, text: str, **fields: str) -> Node:
    """The node with a text of ours around its prompt; few-shot turns and a begun reply stay as they are."""
    prompt = load("sub-problem").fill(text, prompt=node.problem.prompt, **fields)
    messages = replace_last_user(node.problem.messages, prompt)
    return replace(node, problem=replace(node.problem, messages=messages))
