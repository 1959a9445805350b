"""Make a program that runs out of what a model wrote. Pure functions; any text is allowed; nothing is evaluated."""

from __future__ import annotations

import ast
import warnings

__all__ = ["continued", "lone_expression", "program_in", "with_output"]

MAX_LINES = 60
"""Longer programs are cut: no method here asks for that many lines."""


def program_in(text: str) -> str:
    """The code in a model's text: out of Markdown fences, without the prose that follows it.

    The longest run of lines from the first one on that is Python. When there is none, the text as it is: running it
    gives an error to show to the model.
    """
    lines = _without_fences(text).strip("\n").splitlines()[:MAX_LINES]
    for end in range(len(lines), 0, -1):
        code = "\n".join(lines[:end]).strip()
        if code and _parsed(code) is not None:
            return _with_whole_expression(code)
    return "\n".join(lines).strip()


def continued(begin: str, reply: str) -> str:
    """The program in a reply to a message that was begun with `begin`.

    A model in this process goes on after the beginning. A server may not take a begun message and let the model start
    anew: then the reply is the whole program. A bracket that the beginning opened and nobody closed is closed.
    """
    whole = _parsed(program_in(reply)) is not None and (reply.lstrip().startswith((begin, "```")))
    code = program_in(reply if whole else begin + reply)
    if _parsed(code) is None and begin.endswith("(") and _parsed(f"{code})") is not None:
        return program_in(f"{code})")
    return code


def with_output(code: str) -> str:
    """The program, made to show its result: one that ends with an assignment and prints nothing prints its name."""
    tree = _parsed(code)
    if tree is None or not tree.body or "print(" in code:
        return code
    last = tree.body[-1]
    names = last.targets if isinstance(last, ast.Assign) else [last.target] if isinstance(last, ast.AugAssign) else []
    return f"{code}\nprint({names[0].id})" if names and isinstance(names[0], ast.Name) else code


def lone_expression(code: str) -> str | None:
    """The expression of a program that is nothing else: `print(e)`, `x = e` or `e`; None for any other program."""
    tree = _parsed(code)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr | ast.Assign):
        return None
    value = tree.body[0].value
    is_print = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"
    if isinstance(value, ast.Call) and is_print:
        if len(value.args) != 1 or value.keywords:
            return None
        value = value.args[0]
    return ast.get_source_segment(code, value)


def _with_whole_expression(code: str) -> str:
    """`print(a + b) * c`, which computes with what print returns, read as it is meant: `print((a + b) * c)`.

    Small models write it when their reply was begun with "print(": they take its bracket for one of the expression.
    """
    tree = _parsed(code)
    value = tree.body[0].value if tree and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    left: ast.expr | None = value
    while isinstance(left, ast.BinOp):
        left = left.left
    is_print = isinstance(left, ast.Call) and isinstance(left.func, ast.Name) and left.func.id == "print"
    if not is_print or not isinstance(value, ast.BinOp) or not code.startswith("print("):
        return code
    return f"print(({code.removeprefix('print(')})"


def _without_fences(text: str) -> str:
    """The first fenced block, whether its opening fence is there, its closing one, or neither."""
    before, fence, after = text.partition("```")
    if not fence:
        return text
    if before.strip():
        is_code = _parsed(before.strip()) is not None
        return before if is_code else _without_fences(fence + after)
    first_line, _, rest = after.partition("\n")
    block = rest if first_line.strip().isalnum() or not first_line.strip() else after
    return block.partition("```")[0]


def _parsed(code: str) -> ast.Module | None:
    """The syntax tree, or None for what is no Python or too deep to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
