"""The plan of a step covers what each token may see, once."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.backends.packed import pieces
from lottery_plugins.backends.packed.pieces import Span, plan_pieces, shared_stretches, slot_runs

BLOCK = 4


@st.composite
def spans(draw):
    """Rows of a step, sorted by block table, that share some of their first blocks."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    free = list(range(200))
    if draw(st.booleans()):
        chance.shuffle(free)
    tables = [[]]
    for _ in range(draw(st.integers(1, 6))):
        parent = chance.choice(tables)
        start = parent[: chance.randint(0, len(parent))]
        tables.append(start + [free.pop() for _ in range(chance.randint(1, 6))])
    rows, first = [], 0
    for table in sorted(tables[1:]):
        length = chance.choice([1, 1, chance.randint(1, BLOCK)])
        cached = len(table) * BLOCK - length - chance.randint(0, BLOCK - length)
        rows.append(Span(first, first + length, cached, table))
        first += length
    return rows


def seen(plan, rows):
    """How often each token attends to each slot; -1 - slot stands for the own tokens of a causal piece."""
    counts = {token: Counter() for span in rows for token in range(span.first, span.last)}
    for piece in (*plan.base, *plan.extra):
        flat = [slot for start, stop in piece.runs for slot in range(start, stop)]
        for token in range(piece.first, piece.last):
            span = next(s for s in rows if s.first <= token < s.last)
            own = span.cached + token - span.first
            if not piece.runs:
                flat = [s for start, stop in slot_runs(span.blocks, span.cached, own + 1, BLOCK)
                        for s in range(start, stop)]  # fmt: skip
                counts[token].update(flat)
            elif piece.masked:
                counts[token].update(flat[: own + 1 - piece.start])
            else:
                counts[token].update(flat)
    return counts


@given(spans(), st.booleans(), st.sampled_from([(1, 1), (9, 3), (10**6, 2)]))
def test_each_token_sees_each_position_before_it_once(rows, exact, limits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_MIN_SHARED_POSITIONS", limits[0])
        patch.setattr(pieces, "_MAX_RUNS", limits[1])
        plan = plan_pieces(rows, BLOCK, None, exact)
    assert [(p.first, p.last) for p in plan.base] == [(s.first, s.last) for s in rows]
    for span in rows:
        for token in range(span.first, span.last):
            stop = span.cached + token - span.first + 1
            slots = [s for a, b in slot_runs(span.blocks, 0, stop, BLOCK) for s in range(a, b)]
            assert seen(plan, rows)[token] == Counter(slots)


@given(spans(), st.integers(1, 12))
def test_a_token_of_a_window_sees_no_position_before_it(rows, window):
    plan = plan_pieces(rows, BLOCK, window, exact=False)
    for span in rows:
        if span.last - span.first == 1:
            start = max(0, span.cached + 1 - window)
            slots = [s for a, b in slot_runs(span.blocks, start, span.cached + 1, BLOCK) for s in range(a, b)]
            assert seen(plan, rows)[span.first] == Counter(slots)


def test_a_prompt_shared_by_all_and_examples_shared_by_some_are_each_read_once():
    tables = [[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 8, 9], [1, 2, 8, 9]]
    stretches, private = shared_stretches(tables, 1)
    assert sorted(stretches) == [(0, 2, 2, 3), (0, 4, 0, 2), (2, 4, 2, 4)]
    assert private == [3, 3, 4, 4]


def test_a_stretch_that_saves_too_little_is_left_to_its_rows():
    assert shared_stretches([[1, 2], [1, 3]], 2) == ([], [0, 0])


@pytest.mark.parametrize(
    ("blocks", "runs"), [([3, 4, 7], ((13, 20), (28, 30))), ([5, 4, 3], ((21, 24), (16, 20), (12, 14)))]
)
def test_blocks_side_by_side_are_one_run(blocks, runs):
    assert slot_runs(blocks, 1, 10, BLOCK) == runs
