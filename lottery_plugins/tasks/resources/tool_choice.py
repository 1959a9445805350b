"""Ability 2, external resources: which of many tools to ask, with which arguments, or none of them.

Source: the categories "multiple" and "irrelevance" of the Berkeley Function-Calling Leaderboard (Patil et al. 2025),
made afresh with tools written here, so that any number of documents can be had. Nothing is called: the text is read as
a run would read it and compared with the accepted call, by the scorer of `tool_selection`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks import tool_selection
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.resources.offered_tools import NEEDLESS, PARAMETERS, TOOLS, OfferedTool, Value
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk

__all__ = ["ChoiceKnobs", "build", "make_row", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceKnobs(SolvedKnobs):
    """Knobs of the choice of tools.

    Attributes:
        choice_tools: Tools that are offered.
        choice_alike: 1 when they are near misses of the right one as far as there are any, 0 when they are strangers.
    """

    num_solved: int = knob(3, 0, 50)
    choice_tools: tuple[int, ...] = knob((2, 4, 8), 2, len(TOOLS) - 3)
    choice_alike: tuple[int, ...] = knob((0, 1), 0, 1)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(ChoiceKnobs, "choice", metadata)
    shown = "Tools:\n{functions}\nQuestion: {question}\nAnswer: {answer}\n\n"
    return make_solved_splits(
        "tool_choice", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses, shown, len(KINDS)
    )


def make_row(rng: Rng, index: int, knobs: ChoiceKnobs) -> Row:
    """One document; consecutive ones walk through the kinds, then the numbers of tools, then their likeness."""
    walk = Walk(index)
    kind, count, alike = walk.along(KINDS), walk.along(knobs.choice_tools), walk.along(knobs.choice_alike)
    wanted = rng.choice([tool for tool in TOOLS if tool.is_knowledge == (kind == "knowledge")])
    values = {name: parameter.draw(rng) for name, parameter in PARAMETERS.items()}
    request = rng.choice(NEEDLESS if kind == "needless" else wanted.requests).format(**values)
    offered = _offered(rng, wanted, count, is_alike=alike == 1, is_wanted_there=kind != "unfit")
    is_call = kind in ("tool", "knowledge")
    accepted = {name: [values[name]] for name in wanted.parameters} if is_call else {}
    return {
        "question": request,
        "functions": "\n".join(f"{t.name}({', '.join(t.parameters)}): {t.description}" for t in offered),
        "accepted": json.dumps({wanted.name: accepted}) if is_call else "",
        "answer": _written(wanted, values) if is_call else tool_selection.NONE,
        "tools": count,
        "alike": alike,
        "template": kind,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Always "none"."""
    return [tool_selection.NONE]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float | None]:
    """As `tool_selection.score`, where calling a tool that is not offered is a call, too."""
    return tool_selection.score({**doc, "schemas": _ALL}, results)


def _offered(rng: Rng, wanted: OfferedTool, count: int, *, is_alike: bool, is_wanted_there: bool) -> list[OfferedTool]:
    """Tools in random order: the wanted one, if it is to be there, and near misses or strangers.

    Where the wanted one is not there, none of its group is, so that none could do instead.
    """
    near = [tool for tool in TOOLS if tool.group == wanted.group and tool is not wanted]
    far = [tool for tool in TOOLS if tool.group != wanted.group]
    if not is_wanted_there:
        return rng.sample(far, count)
    others = rng.shuffled(near) + rng.shuffled(far) if is_alike else rng.shuffled(far) + rng.shuffled(near)
    return rng.shuffled([wanted, *others[: count - 1]])


def _schema(tool: OfferedTool) -> Mapping[str, Any]:
    """The tool as a function of the data sets for function calling."""
    parameters = {name: PARAMETERS[name] for name in tool.parameters}
    properties = {name: {"type": p.type, "description": p.description} for name, p in parameters.items()}
    schema = {"type": "dict", "properties": properties, "required": list(tool.parameters)}
    return {"name": tool.name, "description": tool.description, "parameters": schema}


def _written(tool: OfferedTool, values: Mapping[str, Value]) -> str:
    return f"{tool.name}({', '.join(f'{name}={values[name]!r}' for name in tool.parameters)})"


KINDS: Sequence[str] = ("tool", "knowledge", "needless", *("tool", "knowledge") * 3, "unfit")
"""What a document is about, in turn; for a fifth of them the right answer is no call."""
_ALL = "\n".join(json.dumps(_schema(tool)) for tool in TOOLS)
