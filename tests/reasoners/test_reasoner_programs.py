"""A runnable program is made out of what a model wrote."""

import ast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lottery_plugins.reasoners.programs import continued, lone_expression, program_in, with_output
from lottery_plugins.testing.contracts.reasoner import model_texts


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("print(2 + 3)", "print(2 + 3)"),
        ("print(2 + 3)\nThe answer is 5.", "print(2 + 3)"),
        ("```python\nx = 2\nprint(x)\n```\nThis prints 2.", "x = 2\nprint(x)"),
        ("Here is the code:\n```py\nprint(2)\n```", "print(2)"),
        ("print(2)\n```\nOutput: 2", "print(2)"),
        ("```\nprint(2)", "print(2)"),
        ("print(2 + 3) * 4", "print((2 + 3) * 4)"),
        ("print(2 + 3) * 4 - 1", "print((2 + 3) * 4 - 1)"),
        ("print(2 * (3 + 4))", "print(2 * (3 + 4))"),
        ("answer = 2 + 3 = 5", "answer = 2 + 3 = 5"),
        ("", ""),
    ],
)
def test_program_is_found(text, code):
    assert program_in(text) == code


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("answer = 2", "answer = 2\nprint(answer)"),
        ("a = 2\na += 3", "a = 2\na += 3\nprint(a)"),
        ("print(2)", "print(2)"),
        ("2 + 3", "2 + 3"),
        ("not python at all", "not python at all"),
    ],
)
def test_program_shows_its_result(code, shown):
    assert with_output(code) == shown


@pytest.mark.parametrize(
    ("code", "expression"),
    [
        ("print((2 + 3) * 4)", "(2 + 3) * 4"),
        ("answer = 2 + 3", "2 + 3"),
        ("2 + 3", "2 + 3"),
        ("a = 2\nprint(a)", None),
        ("print(1, 2)", None),
        ("print(*a)", "*a"),
        ("for x in y: pass", None),
        ("2 +", None),
    ],
)
def test_lone_expression_is_recognised(code, expression):
    assert lone_expression(code) == expression


@settings(deadline=None)
@given(st.one_of(st.text(), model_texts()))
@example("(" * 5000)
@example("```" * 3000)
@example("-" * 100_000 + "1")
@example("x\n" * 5000)
def test_no_text_raises(text):
    code = program_in(text)
    with_output(code)
    lone_expression(code)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["x = 1", "print(x)", "", "The answer is 3", "if x:", "    y = 2"]), max_size=8))
def test_a_program_found_among_prose_is_python(lines):
    code = program_in("\n".join(["x = 0", *lines]))
    ast.parse(code)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("6 * 7)", "print(6 * 7)"),
        ("6 * 7", "print(6 * 7)"),
        ("print(6 * 7)", "print(6 * 7)"),
        ("```python\nprint(6 * 7)\n```", "print(6 * 7)"),
        ("(2 + 3) * 4)", "print((2 + 3) * 4)"),
        ("no idea", "print(no idea"),
    ],
)
def test_a_reply_is_read_whether_the_model_went_on_or_started_anew(reply, code):
    assert continued("print(", reply) == code


@given(model_texts())
def test_any_reply_gives_some_program(reply):
    assert isinstance(continued("print(", reply), str)
