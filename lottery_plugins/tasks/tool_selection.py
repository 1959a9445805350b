"""Paper table on tools: which of the offered functions, with which arguments, or none of them.

Source: the categories "simple", "multiple" and "irrelevance" of the Berkeley Function-Calling Leaderboard (Patil et al.
2025; v3), mixed, so that always calling and always abstaining both fail. Nothing is called: the model's text is read
as a run would read it and compared with the accepted calls. Deviation: silence is no abstention, it must be said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from keyword import iskeyword
from pathlib import Path
from typing import Any

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_calls import parse_reply
from lottery_plugins.tasks.accepted_calls import accepts, gold_call
from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, json_lines, read_rows, split_rows
from lottery_plugins.tasks.scoring import answer_span
from lottery_plugins.tasks.splits import Row, to_dataset
from lottery_plugins.trajectory import ToolCall

__all__ = ["build", "make_row", "mean_where_asked", "score"]

NONE = "none"
"""What the model answers when no function fits."""

_HUB = "gorilla-llm/Berkeley-Function-Calling-Leaderboard"
_COLUMNS = ("id", "question", "function", "ground_truth")
_TYPES = {"dict": "object", "float": "number", "tuple": "array"}
_ABSTAINS = re.compile(r"\W*none\b|.*\b(?:none of the|no (?:\w+ )?(?:function|tool)s?)\b", re.IGNORECASE)


def _download(category: str) -> Iterable[Mapping[str, Any]]:
    """The questions of a category joined with their accepted calls."""
    from huggingface_hub import hf_hub_download  # heavy, and needed only here

    def rows(name: str) -> list[dict[str, Any]]:
        path = Path(hf_hub_download(_HUB, name, repo_type="dataset"))
        with path.open(encoding="utf-8") as lines:
            return [row for _, row in json_lines(name, lines)]

    name = f"BFCL_v3_{category}.json"
    has_calls = category != "irrelevance"
    accepted = {row["id"]: row["ground_truth"] for row in rows(f"possible_answer/{name}")} if has_calls else {}
    return [{**row, "ground_truth": accepted.get(row["id"], [])} for row in rows(name)]


SOURCES = {
    category: RowSource(
        task="lottery-paper-tool-selection",
        file=f"bfcl/{file}",
        columns=_COLUMNS,
        download=partial(_download, category),
    )
    for category, file in (("simple", "simple_python"), ("multiple", "multiple"), ("irrelevance", "irrelevance"))
}


def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval, all categories mixed.

    Raises:
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(PaperKnobs, "tool_selection", metadata)
    rows = [row for category, source in SOURCES.items() for row in read_rows(source, data_dir, _maker(category))]
    splits = split_rows("tool_selection", rows, knobs, SOURCES["multiple"])
    return {**splits, "train": to_dataset(_mixed(splits["train"]))}


def _mixed(rows: Iterable[Row]) -> list[Row]:
    """Rows in turn of each category, so that few-shot examples show a choice, an abstention and a lone function."""
    left = list(rows)
    queues = [[row for row in left if row["category"] == c] for c in ("multiple", "irrelevance", "simple")]
    return [row for turn in zip_longest(*queues) for row in turn if row is not None]


def _maker(category: str) -> Callable[[Mapping[str, Any]], Row]:
    return lambda row: make_row(category, row)


def make_row(category: str, row: Mapping[str, Any]) -> Row:
    """One document: the functions as the prompt shows them and as JSON, a line each, and the accepted call as JSON."""
    turns = row["question"]
    functions = _opened(row["function"])
    accepted = _opened(row["ground_truth"] or "[]")
    if len(turns) != 1 or len(turns[0]) != 1 or bool(accepted) != (category != "irrelevance") or len(accepted) > 1:
        raise ValueError(f"not one question with one call, or none, as the category {category!r} has")
    call = gold_call(*next(iter(accepted[0].items()))) if accepted else None
    return {
        "id": row["id"],
        "category": category,
        "question": turns[0][0]["content"].strip(),
        "functions": "\n\n".join(map(_shown, functions)),
        "schemas": "\n".join(json.dumps(function, ensure_ascii=False) for function in functions),
        "accepted": json.dumps(accepted[0], ensure_ascii=False) if accepted else "",
        "answer": _written(call) if call else NONE,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float | None]:
    """How the text does.

    `acc`: the right call, or none where none fits. `tool`: the right function; `call`: with accepted arguments too;
    `abstention`: "none" and no call. The last three are None where the document does not ask for them.
    """
    tools = [_described(json.loads(line)) for line in doc["schemas"].splitlines()]
    call = _call_in(results[0], tools)
    if not doc["accepted"]:
        abstains = float(call is None and _ABSTAINS.match(answer_span(results[0])) is not None)
        return {"acc": abstains, "tool": None, "call": None, "abstention": abstains}
    name, allowed = next(iter(json.loads(doc["accepted"]).items()))
    is_tool = call is not None and call.tool == name and not _calls_another(results[0], tools, name)
    types = {p.name: p.type for tool in tools if tool.name == name for p in tool.parameters}
    is_right = float(call is not None and is_tool and accepts(call.arguments, allowed, types))
    return {"acc": is_right, "tool": float(is_tool), "call": is_right, "abstention": None}


def mean_where_asked(values: Sequence[float | None]) -> float:
    """The mean of a metric over the documents that ask for it; 0 when none does."""
    asked = [value for value in values if value is not None]
    return sum(asked) / len(asked) if asked else 0.0


def _call_in(text: str, tools: Sequence[ToolDescription]) -> ToolCall | None:
    reply = parse_reply(text, tools)
    return reply.call if reply.answer is None else parse_reply(reply.answer, tools).call


def _calls_another(text: str, tools: Sequence[ToolDescription], name: str) -> bool:
    """Whether the text calls a second offered function too: trying several is no choice."""
    others = ((tool.name, _call_in(text, [tool])) for tool in tools if tool.name != name)
    return any(call is not None and call.tool == other for other, call in others)


def _described(function: Mapping[str, Any]) -> ToolDescription:
    """A function of the data set as our tools describe themselves."""
    parameters = function["parameters"]
    required = parameters.get("required", ())
    return ToolDescription(
        function["name"],
        function["description"],
        tuple(
            Parameter(name, _TYPES.get(p["type"], p["type"]), p.get("description", ""), name in required)
            for name, p in parameters["properties"].items()
        ),
    )


def _shown(function: Mapping[str, Any]) -> str:
    """A function as the prompt shows it: its call, what it does, and a line for each parameter."""
    described = _described(function)
    names = (p.name if p.required else f"{p.name}=None" for p in described.parameters)
    options = {name: p.get("enum") for name, p in function["parameters"]["properties"].items()}
    lines = [f"{described.name}({', '.join(names)})", f"  {described.description}"]
    for p in described.parameters:
        allowed = f" One of {', '.join(map(repr, options[p.name]))}." if options[p.name] else ""
        lines.append(f"  {p.name}: {p.type}. {p.description}{allowed}".rstrip())
    return "\n".join(lines)


def _written(call: ToolCall) -> str:
    """A call as the prompt asks for it; as JSON where a name is none of Python's."""
    if all(name.isidentifier() and not iskeyword(name) for name in call.arguments):
        return f"{call.tool}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"
    return json.dumps({"name": call.tool, "arguments": dict(call.arguments)}, ensure_ascii=False)


def _opened(value: Any) -> Any:
    """JSON text, as the parquet files of the hub hold it, or what it stands for."""
    return json.loads(value) if isinstance(value, str) else value
