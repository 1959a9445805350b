"""Schedules, ratings and requests are read out of whatever a model writes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.reasoners.ratings import parse_choice, parse_rating, says_yes
from lottery_plugins.reasoners.requests import parse_requests
from lottery_plugins.reasoners.schedules import SubProblem, list_items, parse_schedule, waves
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.testing.fakes import FakeTool
from lottery_plugins.testing.strategies import model_text

SCHEDULE_PIECES = (
    "1. ", "2) ", "Step 3: ", "- ", "\n", "\n\n", "or: ", "OR\n", "(needs 1, 2)", "(needs none)", "depends on 1",
    "the answer of #2", "[", "]", "{", "}", '"question": "How many?"', '"needs": [1, "2", null, [3]]', ",", '"parts": ',
    '[{"question": "a", "needs": 1}]', "How far is it?", "99. ", "(after", "#",
)  # fmt: skip


def schedule_texts():
    pieces = st.one_of(st.sampled_from(SCHEDULE_PIECES), st.text(max_size=8))
    return st.one_of(st.lists(pieces, max_size=16).map("".join), model_texts(), model_text())


def parts(text, **options):
    schedule = parse_schedule(text, **{"max_items": 9} | options)
    assert not schedule.alternatives
    return [(part.text, part.needs) for part in schedule.parts]


def ways(text):
    schedule = parse_schedule(text, max_items=9)
    assert not schedule.parts
    return [way.text for way in schedule.alternatives]


@given(text=schedule_texts(), most=st.integers(0, 5))
def test_any_text_is_a_schedule_without_cycles_within_its_size(text, most):
    schedule = parse_schedule(text, max_items=most, question="How far is it?")
    assert len(schedule.parts) + len(schedule.alternatives) <= most
    for index, part in enumerate(schedule.parts):
        assert all(0 <= need < index for need in part.needs)
        assert list(part.needs) == sorted(set(part.needs))
    for sub in schedule.parts + schedule.alternatives:
        assert any(c.isalnum() for c in sub.text)
        assert "\n" not in sub.text
        assert sub.text.lower() != "how far is it?"
    assert bool(schedule) == bool(schedule.parts or schedule.alternatives)


@given(text=schedule_texts())
def test_waves_hold_each_part_once_behind_what_it_needs(text):
    found = parse_schedule(text, max_items=8).parts
    order = waves(found)
    assert sorted(i for wave in order for i in wave) == list(range(len(found)))
    done = set()
    for wave in order:
        assert all(set(found[i].needs) <= done for i in wave)
        done |= set(wave)


questions = st.lists(
    st.lists(st.sampled_from(("apples", "bridge", "river", "walk", "total")), min_size=2, max_size=5).map(
        lambda words: f"How long {' '.join(words)}?"
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


@st.composite
def schedules(draw):
    texts = draw(questions)
    return [
        SubProblem(t, tuple(sorted(draw(st.sets(st.integers(0, i - 1)) if i else st.just(())))))
        for i, t in enumerate(texts)
    ]


def as_words(schedule):
    numbers = [", ".join(str(n + 1) for n in part.needs) or "none" for part in schedule]
    return "\n".join(
        f"{i}. {part.text} (needs {needs})" for i, (part, needs) in enumerate(zip(schedule, numbers, strict=True), 1)
    )


def as_json(schedule):
    rows = [{"question": part.text, "needs": [n + 1 for n in part.needs]} for part in schedule]
    return f"Here is the plan:\n```json\n{json.dumps(rows)}\n```"


def as_object(schedule):
    rows = [{"id": i, "task": p.text, "depends_on": [str(n + 1) for n in p.needs]} for i, p in enumerate(schedule, 1)]
    return json.dumps({"steps": rows})


@given(schedule=schedules(), write=st.sampled_from((as_words, as_json, as_object)))
def test_what_is_written_down_is_read_back(schedule, write):
    assert parse_schedule(write(schedule), max_items=9).parts == tuple(schedule)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. a b?\n2. c d?\n3. e f?", [("a b?", ()), ("c d?", (0,)), ("e f?", (0, 1))]),
        ("1) a b?\n2) c d? (needs none)", [("a b?", ()), ("c d?", ())]),
        ("Step 1: a b\nStep 2: c d, needs 1", [("a b", ()), ("c d", (0,))]),
        ("- a b\n- c d (depends on 1)\n* e f [uses 1 and 2]", [("a b", ()), ("c d", (0,)), ("e f", (0, 1))]),
        ("**1.** a b\n**2.** c d", [("a b", ()), ("c d", (0,))]),
        ("Q1: a b?\nQ2: is #1 even?", [("a b?", ()), ("is #1 even?", (0,))]),
        ("1. a b\n2. Add the answer of 1 to 5", [("a b", ()), ("Add the answer of 1 to 5", (0,))]),
        ("1. a b (needs 2)\n2. c d (needs 1)", [("a b", ()), ("c d", (0,))]),
        ("1. a b (needs 1)", [("a b", ())]),
        ("2. a b\n5. c d (needs 2)", [("a b", ()), ("c d", (0,))]),
        ("1. a b\n2. A b.\n3. c d (needs 2)", [("a b", ()), ("c d", ())]),
        ("1. bread (from the shop)\n2. c d", [("bread (from the shop)", ()), ("c d", (0,))]),
        ("It takes 2.5 hours.\nHow far is it? \nHow fast?", [("How far is it?", ()), ("How fast?", (0,))]),
        ("No idea.", []),
        ("", []),
        ('["a b", "c d"]', [("a b", ()), ("c d", (0,))]),
        ('["1. a b", "2. c d (needs none)"]', [("a b", ()), ("c d", ())]),
        ('{"questions": [{"question": "a b"}, {"question": "c d", "needs": "1"}]}', [("a b", ()), ("c d", (0,))]),
        ("[1, 2]\n1. a b\n2. c d (needs none)", [("a b", ()), ("c d", ())]),
        ('{"parts": [{"question": "a b"', []),
    ],
)
def test_parts_and_their_needs_are_read(text, expected):
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1. or: count up\n2. or: count down",
        "or: count up\nor: count down",
        "- Or, count up\n- Alternatively: count down",
        "1. count up\nOR\n2. count down",
        '{"alternatives": ["count up", "count down"]}',
        '[{"step": "count up", "kind": "alternative"}, {"step": "count down", "kind": "or"}]',
    ],
)
def test_alternatives_are_read(text):
    assert ways(text) == ["count up", "count down"]


def test_parts_and_alternatives_may_stand_in_one_schedule():
    schedule = parse_schedule("1. or: guess it\n2. a b (needs none)\n3. c d (needs 2)", max_items=9)
    assert [way.text for way in schedule.alternatives] == ["guess it"]
    assert [(part.text, part.needs) for part in schedule.parts] == [("a b", ()), ("c d", (0,))]


def test_a_sub_problem_that_only_repeats_the_question_is_left_out():
    assert parts("1. What is it?\n2. a b", question="what is  it") == [("a b", ())]


@pytest.mark.parametrize(
    ("text", "items"),
    [("1. a\n2. b", ["a", "b"]), ("- a\n\n- b", ["a", "b"]), ("a\n b \n", ["a", "b"]), ("so:\n1. a", ["a"]), ("", [])],
)
def test_lists_are_read_line_by_line(text, items):
    assert list_items(text) == items


@given(text=st.one_of(model_texts(), model_text(), st.text()))
def test_any_text_has_a_rating_and_a_choice_within_bounds(text):
    assert 0 <= parse_rating(text) <= 1
    choice = parse_choice(text, 3)
    assert choice is None or 0 <= choice < 3
    assert says_yes(text) in (True, False)


@given(value=st.integers(0, 100))
def test_a_rating_is_read_on_each_scale(value):
    for text in (f" {value}/100", f"{value}%", f"{value} out of 100.", f"about {value / 100:.2f}"):
        assert parse_rating(text) == pytest.approx(value / 100)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 7", 0.7), (" 10", 1.0), ("1", 0.1), ("85", 0.85), ("8.5", 0.85), ("7/10 (10 is best)", 0.7), ("5/0", 0.0),
        ("sure", 1.0), ("Impossible!", 0.0), ("likely, 3", 0.7), ("3, likely", 0.3), ("-4", 0.0), ("", 0.0),
        ("good", 0.0), ("500", 1.0),
    ],
)  # fmt: skip
def test_ratings_in_words_and_numbers(text, value):
    assert parse_rating(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "choice"), [(" 2", 1), ("The best is 3.", 2), ("0, then 1", 0), ("7", None), ("", None), ("2.5 or 1", 0)]
)
def test_choices(text, choice):
    assert parse_choice(text, 3) == choice


@pytest.mark.parametrize(
    ("text", "is_yes"),
    [(" yes", True), ("Yes, it would.", True), ("no", False), ("not yes", False), ("", False), ("eyes", False)],
)
def test_yes_and_no(text, is_yes):
    assert says_yes(text) is is_yes


TOOLS = [FakeTool("calculator", "expression").description, FakeTool("search", "query").description]


@given(text=st.one_of(model_texts(), model_text(), schedule_texts()), most=st.integers(1, 4))
def test_any_text_is_requests_within_their_number(text, most):
    requests = parse_requests(text, TOOLS, max_requests=most)
    assert len(requests) <= most
    assert len({request.text for request in requests}) == len(requests)
    assert all(request.call is None or request.call.tool in ("calculator", "search") for request in requests)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("calculator[2 + 3]\nsearch[the Arbor Tower]", ["calculator[2 + 3]", "search[the Arbor Tower]"]),
        ("1. calculator(2 + 3)\n2. none", ["calculator[2 + 3]"]),
        ('<tool_call>{"name": "search", "arguments": {"query": "x y"}}</tool_call>', ["search[x y]"]),
        ("Action: calculator[2]", ["calculator[2]"]),
        ("the height of the tower", ["the height of the tower"]),
        ("oven[5]", ["oven[5]"]),
        ("none", []),
        ("Nothing.\nsearch[x]", []),
        ("search[x]\nsearch[x]", ["search[x]"]),
    ],
)
def test_requests_are_read_line_by_line(text, expected):
    assert [request.text for request in parse_requests(text, TOOLS, max_requests=5)] == expected
