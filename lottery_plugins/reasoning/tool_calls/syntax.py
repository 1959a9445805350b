"""JSON values and Python literals in the middle of a text: what stands there, and where it ends."""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass
from typing import Any

__all__ = ["Brackets", "NotLiteralError", "brackets_at", "call_tree", "decoded", "literal", "source_of", "value_at"]

MAX_SOURCE = 20_000
"""Longest Python that is parsed."""

_PARTNER = {"[": "]", "(": ")", "{": "}"}
_TOKEN = re.compile(r"'''|\"\"\"|[\"'\[\](){}]|\\.", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_CLOSED = re.compile(r"[\]}]\s*$")


class NotLiteralError(Exception):
    """A piece of Python is no literal."""


@dataclass(frozen=True, slots=True)
class Brackets:
    """What stands between a bracket and its partner, stripped, and the index behind the partner."""

    source: str
    end: int


def decoded(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value that starts here and the index behind it; None when there is none."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def value_at(text: str, start: int, end: int | None = None) -> tuple[Any, int] | None:
    """The list or object that starts here, and the index behind it.

    It may be JSON, or a Python literal (single quotes, True, a comma too many), or JSON whose last brackets are missing
    at the end of the text.

    Args:
        text: The text.
        start: Index of its bracket.
        end: Where the text is taken to end when brackets are missing; None: at its end.
    """
    value = decoded(text, start)
    if value is not None:
        return value
    last, missing = _scan(text, start)
    if last is not None:
        try:
            tree = call_tree(text[start : last + 1])
            return (literal(tree.args[0]), last + 1) if tree is not None and tree.args else None
        except NotLiteralError:
            return None
    piece = text[start:end].rstrip(" \t\r\n`")
    if end is not None:
        missing = _scan(piece, 0)[1]
    repaired = decoded(piece + missing, 0) if missing and _CLOSED.search(piece) else None
    return None if repaired is None else (repaired[0], start + len(piece))


def brackets_at(text: str, start: int) -> Brackets:
    """What stands in the brackets that open here.

    Brackets inside quotes don't count where the content is Python; elsewhere, where a quote may be an apostrophe, all
    of this kind count. Without a partner the content goes to the end of the line.
    """
    last, _ = _scan(text, start)
    if last is not None and call_tree(text[start + 1 : last]) is not None:
        return Brackets(text[start + 1 : last].strip(), last + 1)
    opening, closing = text[start], _PARTNER[text[start]]
    depth = 0
    for match in re.finditer(re.escape(opening) + "|" + re.escape(closing), text[start:]):
        depth += 1 if match.group() == opening else -1
        if depth == 0:
            return Brackets(text[start + 1 : start + match.start()].strip(), start + match.end())
    line = text[start + 1 :].split("\n", 1)[0]
    return Brackets(line.strip(), start + 1 + len(line))


def _scan(text: str, start: int) -> tuple[int | None, str]:
    """Index of the partner of the bracket at `start`, quoted ones left out; without it None and what is missing."""
    stack: list[str] = []
    quote = ""
    for match in _TOKEN.finditer(text, start):
        token = match.group()
        if quote:
            quote = "" if token.startswith(quote) else quote
        elif token[0] in "\"'":
            quote = token
        elif token in _PARTNER:
            stack.append(_PARTNER[token])
        elif token in ")]}":
            if stack.pop() != token:
                return None, ""
            if not stack:
                return match.start(), ""
    return None, "" if quote else "".join(reversed(stack))


def call_tree(source: str) -> ast.Call | None:
    """The syntax tree of `f(source)`; None when that is no Python call."""
    if len(source) > MAX_SOURCE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(f"f({source})", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    is_whole = isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "f"
    return tree if is_whole and isinstance(tree, ast.Call) else None


def literal(node: ast.expr) -> Any:
    """The JSON-like value of a literal; true, false and null count as True, False and None, a tuple or set as a list.

    Raises:
        NotLiteralError: It is none.
    """
    try:
        return _literal(node)
    except RecursionError:
        raise NotLiteralError from None


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | bool() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant(value=int() | float() as value)):
            return value
        case ast.Name(id=word) if word in _WORDS:
            return _WORDS[word]
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_key(_literal(key)): _literal(value) for key, value in pairs if key is not None}
    raise NotLiteralError


def _key(key: object) -> str:
    if isinstance(key, list | dict):
        raise NotLiteralError
    return str(key)


def source_of(node: ast.expr, source: str) -> str:
    """The text of a node of `call_tree(source)`."""
    return ast.get_source_segment(f"f({source})", node) or ""
