"""Ability 3, planning: decompose a goal into sub-tasks and delegate each to a tool that can do it.

A tool makes one thing out of others. The plan is carried out by an interpreter of this file: each sub-task needs its
things to be there. Any plan that makes the goal counts. Source: the planner and its workers in HuggingGPT (Shen et al.
2023, arXiv:2303.17580), reduced to what can be checked exactly. Generated here; nothing is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lottery_plugins.tasks.guesses import arrangements
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.planning.execution import carry_out, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import NAMES, word_list

__all__ = ["THINGS", "DelegationKnobs", "build", "make_row", "score"]

THINGS = word_list(
    "album banner blog book brochure calendar card chart diary essay film form invoice label leaflet letter list logo "
    "magazine manual memo menu model newsletter note photo poem podcast postcard poster puzzle quiz recipe recording "
    "report review sketch song speech story summary survey table ticket translation video"
)
_PARTS = re.compile(r"[\n,;.]|\bthen\b|\band\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationKnobs(SolvedKnobs):
    """Knobs of the delegation task.

    Attributes:
        num_solved: Solved examples in each prompt.
        delegation_subtasks: Sub-tasks of the goal.
        delegation_idle: Tools that are offered and not needed.
    """

    num_solved: int = knob(4, 0, 50)
    delegation_subtasks: tuple[int, ...] = knob((1, 2, 3), 1, 12)
    delegation_idle: tuple[int, ...] = knob((2, 4), 0, 24)


@dataclass(frozen=True, slots=True)
class Tool:
    """What a tool makes, and out of what."""

    name: str
    needs: tuple[str, ...]
    makes: str


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(DelegationKnobs, "delegation", metadata)
    return make_solved_splits("delegation", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: DelegationKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the sub-tasks, then the idle tools."""
    walk = Walk(index)
    name, wording, asked = walk.along(WORDINGS)
    count, idle = walk.along(knobs.delegation_subtasks), walk.along(knobs.delegation_idle)
    given, *made = rng.sample(THINGS, count + 1 + idle)
    names = rng.sample(NAMES, count + idle)
    plan = _plan(rng, given, made[:count], names[:count])
    tools = [*plan, *_idle(rng, plan, names[count:], made[count:])]
    told = {t: wording.format(name=t.name, needs=" and a ".join(t.needs), makes=t.makes) for t in tools}
    rules = " ".join(f"{told[tool]}." for tool in rng.shuffled(tools))
    return {
        "question": f"{rules} Name each step and its worker: {asked.format(given=given, goal=made[count - 1])}",
        "answer": "; ".join(told[tool] for tool in plan),
        "given": given,
        "goal": made[count - 1],
        "tools": [{"name": tool.name, "needs": list(tool.needs), "makes": tool.makes} for tool in tools],
        "subtasks": count,
        "idle": idle,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """As many tools as are needed, in any order, with what they make."""
    plans = arrangements(rng, row["tools"], row["subtasks"])
    return [", ".join(f"{tool['makes']}: {tool['name']}" for tool in plan) for plan in plans]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: each sub-task can be done by its tool and the goal is made; `partial`: the share up to one that can't."""
    tools = {t["name"]: Tool(t["name"], tuple(t["needs"]), t["makes"]) for t in doc["tools"]}
    plan = read_plan(results[0], _subtasks, doc["subtasks"])
    ran = carry_out(frozenset({doc["given"]}), plan, partial(_delegate, tools))
    return plan_scores(ran, doc["goal"] in ran.state, doc["subtasks"])


def _subtasks(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The things and the tools that each part of a text names; parts that name no tool are left out."""
    parts = [(tuple(names_in(part, THINGS)), tuple(names_in(part, NAMES))) for part in _PARTS.split(text)]
    return [part for part in parts if part[1]]


def _delegate(
    tools: Mapping[str, Tool], there: frozenset[str], subtask: tuple[Sequence[str], Sequence[str]]
) -> frozenset[str] | None:
    """What is there after a sub-task; None without exactly one tool, that can do it now and was asked for its thing."""
    things, named = subtask
    tool = tools.get(named[0])
    if tool is None or len(named) > 1 or tool.makes not in things or not there.issuperset(tool.needs):
        return None
    return there | {tool.makes}


def _plan(rng: Rng, given: str, made: Sequence[str], names: Sequence[str]) -> list[Tool]:
    """The tools of the plan in its order: each needs what the one before made, and from the third on a thing more."""
    tools = []
    for i, (name, thing) in enumerate(zip(names, made, strict=True)):
        last = made[i - 1] if i else given
        more = [rng.choice(made[: i - 1])] if i > 1 and rng.below(2) else []
        tools.append(Tool(name, (last, *more), thing))
    return tools


def _idle(rng: Rng, plan: Sequence[Tool], names: Sequence[str], things: Sequence[str]) -> list[Tool]:
    """Tools that are of no use: they make a thing of their own; every third makes what the plan needs.

    It makes it out of a thing that is not there and that nobody makes.
    """
    tools = []
    for i, (name, thing) in enumerate(zip(names, things, strict=True)):
        other = rng.choice([t for t in THINGS if t not in (thing, plan[0].needs[0])])
        tools.append(Tool(name, (thing,), rng.choice(plan).makes) if i % 3 == 2 else Tool(name, (other,), thing))
    return tools


WORDINGS = (
    ("from", "From a {needs} to a {makes}: {name}", "How does one get from a {given} to a {goal}?"),
    ("turn", "To turn a {needs} into a {makes}: {name}", "What does it take to turn a {given} into a {goal}?"),
    ("out", "Out of a {needs}, a {makes}: {name}", "How does one make, out of a {given}, a {goal}?"),
)
