"""Whatever call a model makes, in whatever format: it is read back as it was meant."""

import keyword

import pytest
from call_formats import FORMATS, elements
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.reasoning.tool_calls import parse_tool_calls
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.trajectory import ToolCall

QUIET = settings(deadline=None, max_examples=15)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
AWKWARD = st.sampled_from(
    (
        "]",
        ")",
        "}",
        '"',
        "'",
        "\\",
        "it's",
        'say "hi"',
        "f(x)",
        "</tool_call>",
        "\n",
        "a, b=1",
        "[1, 2",
        "不在 ≠ é",
        "'''",
    )
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.lists(AWKWARD, max_size=4).map("".join)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
KEYS = st.from_regex(r"[a-z][a-z_]{0,7}", fullmatch=True).filter(lambda word: not keyword.iskeyword(word))
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{2,9}([._-][a-z0-9]{2,6}){0,2}", fullmatch=True).filter(
    lambda name: not name.endswith((".call", "_call")) and not name.startswith(("functions", "tools.", "Finish", "def"))
)
PROSE = st.lists(
    st.sampled_from(("Sure!", "I think", "it's", '"so"', "(see [1])", "1. First,", "3 < 4", "{", "```", "\n", "naïve")),
    max_size=6,
).map(" ".join)


@st.composite
def offers_and_calls(draw):
    """Tools with untyped parameters, and calls of them."""
    names = draw(
        st.lists(NAMES, min_size=1, max_size=3, unique_by=lambda n: n.lower().replace("_", "-").replace(".", "-"))
    )
    offers = {name: draw(st.lists(KEYS, min_size=1, max_size=3, unique=True)) for name in names}
    tools = tuple(ToolDescription(n, "x", tuple(Parameter(k, "", "x") for k in keys)) for n, keys in offers.items())
    calls = [
        ToolCall(name, {key: draw(VALUES) for key in offers[name]})
        for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    ]
    return tools, calls


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_back_the_calls_that_were_made(name):
    @QUIET
    @given(offers_and_calls(), PROSE, PROSE)
    def check(drawn, before, after):
        tools, calls = drawn
        text = f"{before}\n{FORMATS[name](calls)}\n{after}"
        found = parse_tool_calls(text, tools)
        assert [hit.call for hit in found] == calls
        assert all(text[hit.start : hit.end].strip() for hit in found)
        assert found[0].start >= len(before)
        assert found[-1].end <= len(text) - len(after) - 1

    check()


@settings(deadline=None, max_examples=60)
@given(st.one_of(model_texts(), st.text()), offers_and_calls())
@example("<tool_call>" * 500, ((ToolDescription("f", "x", ()),), []))
@example('{"name": "nobody", "arguments": {}}', ((ToolDescription("f", "x", ()),), []))
def test_no_text_raises_or_calls_what_is_not_offered(text, drawn):
    tools, calls = drawn
    names = {tool.name for tool in tools}
    broken = "".join(write(calls)[: 3 * len(text)] for write in FORMATS.values())
    for piece in (text, text + broken, broken):
        assert {hit.call.tool for hit in parse_tool_calls(piece, tools)} <= names
        assert parse_tool_calls(piece, ()) == ()
        for hit in parse_tool_calls(piece, tools, only_offered=False):
            assert hit.call.tool in names or hit.call.tool in piece
            assert 0 <= hit.start < hit.end <= len(piece)


PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda t: "</parameter" not in t)
TYPED = {
    "string": PLAIN,
    "integer": st.integers(-(10**9), 10**9),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5),
    "boolean": st.booleans(),
    "array": st.lists(SCALARS | PLAIN, max_size=3),
    "object": st.dictionaries(KEYS, SCALARS | PLAIN, max_size=3),
}
ARGUMENTS = st.tuples(*TYPED.values()).map(lambda values: dict(zip(TYPED, values, strict=True)))


@QUIET
@given(ARGUMENTS)
@example({"string": "5", "integer": 0, "number": 1, "boolean": True, "array": ["5"], "object": {}})
def test_elements_without_quotes_take_the_types_of_the_parameters(arguments):
    tool = ToolDescription("set", "x", tuple(Parameter(kind, kind, "x") for kind in TYPED))
    call = ToolCall("set", arguments)
    found = parse_tool_calls(elements(call) + elements(call), (tool,))
    assert [hit.call for hit in found] == [call, call]
    assert [type(value) for value in found[0].call.arguments.values()] == [type(v) for v in arguments.values()]


@QUIET
@given(ARGUMENTS)
def test_positional_arguments_go_to_the_parameters_in_order(arguments):
    tool = ToolDescription("set", "x", tuple(Parameter(kind, kind, "x") for kind in TYPED))
    values = list(arguments.values())
    for count in range(2, 7):
        written = ", ".join([repr(v) for v in values[:count]] + [f"{k}={arguments[k]!r}" for k in list(TYPED)[count:]])
        assert [hit.call for hit in parse_tool_calls(f"I say set({written}).", (tool,))] == [ToolCall("set", arguments)]


@QUIET
@given(ARGUMENTS)
def test_arguments_of_the_right_type_are_never_changed(arguments):
    tool = ToolDescription("set", "x", tuple(Parameter(kind, kind, "x") for kind in TYPED))
    for write in FORMATS.values():
        (hit,) = parse_tool_calls(write([ToolCall("set", arguments)]), (tool,))
        assert hit.call.arguments == arguments
        assert [type(hit.call.arguments[kind]) for kind in TYPED] == [type(v) for v in arguments.values()]
