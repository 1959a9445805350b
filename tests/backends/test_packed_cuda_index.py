"""What paged kernels are told of a step, against what the rows say, position by position."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.backends.packed.cache import LayerShape, slots
from lottery_plugins.backends.packed.graphs import BUCKETS, DecodeGraphs, DecodeInputs, is_decode
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.paged_index import host_index, paged_index
from lottery_plugins.backends.packed.steps import packed_step
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Row

GREEDY = SamplingParams(max_tokens=1)


@st.composite
def rows_of_a_step(draw, most_new=9):
    block_size = draw(st.sampled_from([1, 2, 4, 16]))
    rows = []
    free = draw(st.permutations(range(200)))
    for _ in range(draw(st.integers(1, 6))):
        cached = draw(st.integers(0, 20))
        new = draw(st.integers(1, most_new))
        count = -(-(cached + new) // block_size) + draw(st.integers(0, 2))
        blocks, free = free[:count], free[count:]
        position = cached + draw(st.integers(0, 3))
        ids = draw(st.lists(st.integers(0, 99), min_size=new, max_size=new))
        rows.append(Row(ids=ids, cached=cached, position=position, blocks=blocks, params=GREEDY))
    return rows, block_size


@given(rows_of_a_step())
def test_the_index_leads_each_row_to_its_own_positions(case):
    rows, block_size = case
    step = packed_step(rows, range(len(rows)), block_size)
    index = paged_index(host_index(rows, block_size), torch.device("cpu"), block_size)
    gathered = index.gather(block_size).tolist()
    assert index.queries == sum(len(row.ids) for row in rows)
    assert index.max_queries == max(len(row.ids) for row in rows)
    for number, row in enumerate(rows):
        seen = row.cached + len(row.ids)
        assert index.lengths[number] == seen <= index.max_length
        assert index.starts[number + 1] - index.starts[number] == len(row.ids)
        wanted = slots(row.blocks, 0, seen, block_size)
        assert gathered[index.offsets[number] : index.offsets[number + 1]] == wanted
        table = index.table[number].tolist()
        assert slots(table, 0, seen, block_size) == wanted
        assert step.slots[index.starts[number] : index.starts[number + 1]] == wanted[row.cached :]
    assert all(t.dtype == torch.int32 and t.is_contiguous() for t in (index.starts, index.lengths, index.table))


@given(rows_of_a_step(most_new=1), st.data())
def test_buffers_of_a_graph_hold_the_step_and_fillers_that_touch_only_the_scratch_block(case, data):
    rows, block_size = case
    inputs = DecodeInputs(max_rows=16, max_blocks=40, block_size=block_size, scratch=200, device=torch.device("cpu"))
    bucket = data.draw(st.integers(len(rows), 16))
    before = data.draw(st.permutations(rows))  # whatever an earlier step left behind
    for of in (before, rows):
        step = packed_step(of, range(len(of)), block_size)
        assert is_decode(step)
        inputs.fill(step, bucket)
    index, count = inputs.index(bucket), len(rows)
    assert inputs.tokens[0, :count].tolist() == step.ids
    assert inputs.tokens[1, :count].tolist() == step.positions
    assert inputs.tokens[2, :count].tolist() == step.slots
    assert index.lengths.tolist() == [row.cached + 1 for row in rows] + [1] * (bucket - count)
    assert index.offsets.tolist() == [0, *index.lengths.cumsum(0).tolist()]
    assert index.starts.tolist() == list(range(bucket + 1))
    for number, row in enumerate(rows):
        table = index.table[number].tolist()
        assert slots(table, 0, row.cached + 1, block_size) == slots(row.blocks, 0, row.cached + 1, block_size)
    assert set(inputs.tokens[2, count:bucket].tolist()) <= {200 * block_size}
    assert set(index.table[count:, 0].tolist()) <= {200}


@given(st.integers(1, 600), st.sampled_from([1, 8, 100, 512]))
def test_a_bucket_is_the_smallest_that_holds_the_rows(rows, max_rows):
    inputs = DecodeInputs(max_rows, max_blocks=1, block_size=4, scratch=0, device=torch.device("cpu"))
    bucket = DecodeGraphs(lambda *_: None, inputs, None).bucket(rows)
    fitting = [b for b in BUCKETS if rows <= b <= max_rows]
    assert bucket == (min(fitting) if fitting else None)


def test_a_step_with_a_prompt_or_a_row_without_logits_is_no_decode_step():
    decode = Row(ids=[1], cached=3, position=3, blocks=[0], params=GREEDY)
    prompt = Row(ids=[1, 2], cached=0, position=0, blocks=[1], params=GREEDY)
    chunk = Row(ids=[1], cached=0, position=0, blocks=[1])
    assert is_decode(packed_step([decode, decode], range(2), 4))
    assert not is_decode(packed_step([decode, prompt], range(2), 4))
    assert not is_decode(packed_step([decode, chunk], range(2), 4))


def test_the_pool_reads_what_was_written_and_copies_the_first_positions_of_a_block():
    shapes = [LayerShape(2, 3, torch.float32), LayerShape(1, 5, torch.bfloat16), LayerShape(2, 3, torch.float32, 7)]
    pool = PagedPool(shapes, num_blocks=4, block_size=4, device=torch.device("cpu"))
    at = torch.tensor([9, 2, 8])
    for layer, shape in enumerate(shapes):
        keys, values = (torch.randn(shape.kv_heads, 3, shape.head_dim).to(shape.dtype) for _ in range(2))
        pool.write(layer, at, keys, values)
        assert all(torch.equal(a, b) for a, b in zip(pool.read(layer, at), (keys, values), strict=True))
        assert torch.equal(pool.keys[layer][2, 1], keys[:, 0])
    everything = [*pool.keys, *pool.values]
    for states in everything:
        assert states.is_contiguous()
        states[3] = 7.0
    pool.copy_block(2, 3, 2)
    for states in everything:
        assert torch.equal(states[3, :2], states[2, :2])
        assert bool((states[3, 2:] == 7.0).all())
        assert not bool((states[2, :2] == 7.0).any())
