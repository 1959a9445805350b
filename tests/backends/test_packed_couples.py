"""Rows are coupled once, within the pool, without reading much in vain; and attention over couples is the same."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.backends.packed import cpu
from lottery_plugins.backends.packed.cache import CpuPool, LayerShape
from lottery_plugins.backends.packed.couples import couples
from lottery_plugins.backends.packed.cpu import CpuPlan
from lottery_plugins.backends.packed.pieces import Piece
from lottery_plugins.backends.packed.steps import packed_step
from lottery_plugins.protocols.runner import Row

SLOTS = 400


@st.composite
def pieces(draw):
    """One piece a row: single tokens over a stretch or two, whole prompts, masked ones."""
    found, first = [], 0
    for _ in range(draw(st.integers(0, 12))):
        length = draw(st.sampled_from([1, 1, 1, 5]))
        size = draw(st.integers(1, 100))
        start = draw(st.integers(0, SLOTS - size))
        runs = ((start, start + size),) * draw(st.sampled_from([1, 1, 1, 0, 2]))
        found.append(Piece(first, first + length, runs, masked=draw(st.booleans()) and draw(st.booleans())))
        first += length
    return found


@given(pieces())
def test_each_piece_is_in_one_couple_or_single(given_pieces):
    made, singles = couples(given_pieces, SLOTS)
    tokens = [token for couple in made for token in couple.tokens] + [piece.first for piece in singles]
    assert sorted(tokens) == [piece.first for piece in given_pieces]
    assert singles == [piece for piece in given_pieces if piece in singles]


@given(pieces())
def test_a_couple_reads_its_stretches_within_the_pool_and_little_in_vain(given_pieces):
    by_token = {piece.first: piece for piece in given_pieces}
    for couple in couples(given_pieces, SLOTS)[0]:
        for token, start, length in zip(couple.tokens, couple.starts, couple.lengths, strict=True):
            piece = by_token[token]
            assert piece.runs == ((start, start + length),)
            assert (piece.last - piece.first, piece.masked) == (1, False)
        assert couple.starts[0] <= couple.starts[1] <= SLOTS - couple.length
        assert couple.length <= 1.25 * min(couple.lengths)


def test_of_rows_of_one_length_at_most_one_stays_single():
    given_pieces = [Piece(i, i + 1, ((40 * i, 40 * i + 30),)) for i in range(7)]
    made, singles = couples(given_pieces, SLOTS)
    assert (len(made), len(singles)) == (3, 1)


@pytest.mark.parametrize("lengths", [(9, 9, 9), (16, 15, 14, 13, 3), (5, 8), (31, 31, 30, 29)])
def test_attention_over_couples_is_that_of_each_row_alone(lengths, monkeypatch):
    torch.manual_seed(0)
    layers = [LayerShape(kv_heads=2, head_dim=8, dtype=torch.float32)] * 2
    pool = CpuPool(layers, num_blocks=40, block_size=4)
    blocks = iter(torch.randperm(40).tolist())
    rows = []
    for length in lengths:
        first = next(blocks)
        own = [b % 40 for b in range(first, first + 8)]
        rows.append(Row(ids=[1], cached=length, position=length, blocks=own))
    for states in (*pool.keys, *pool.values):
        states.copy_(torch.randn_like(states))
    query, key, value = (torch.randn(1, heads, len(rows), 8) for heads in (4, 2, 2))
    step = packed_step(rows, range(len(rows)), 4)

    def attended():
        return CpuPlan(pool, layers, step).attend(1, query, key, value, None, None)

    coupled = attended()
    monkeypatch.setattr(cpu, "couples", lambda base, num_slots: ([], list(base)))
    assert torch.allclose(coupled, attended(), atol=1e-5)


def test_memory_that_was_never_written_is_finite():
    pool = CpuPool([LayerShape(2, 8, dtype) for dtype in (torch.float32, torch.bfloat16)], num_blocks=4, block_size=4)
    assert all(not states.any() for states in (*pool.keys, *pool.values))
    assert [states.dtype for states in pool.keys] == [torch.float32, torch.bfloat16]
