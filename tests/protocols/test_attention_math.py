import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.attention_math import attention_mass, attention_probabilities, rounded


def drawn(seed, batch, seq_len, num_queries):
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn(batch, 2, seq_len, 4, generator=generator)
    return torch.randn(batch, 6, num_queries, 4, generator=generator), keys


@given(st.integers(0, 99), st.integers(1, 9), st.data())
def test_probabilities_are_those_of_causal_attention(seed, seq_len, data):
    queries, keys = drawn(seed, 1, seq_len, data.draw(st.integers(1, seq_len)))
    found = attention_probabilities(queries, keys, 0.5)[0].flatten(0, 1)  # (heads, num_queries, seq_len)
    for head in range(6):
        for back in range(1, queries.shape[2] + 1):
            seen = seq_len - back + 1
            score = keys[0, head // 3, :seen] @ queries[0, head, -back] * 0.5
            expected = torch.cat([score.softmax(0), torch.zeros(seq_len - seen)])
            torch.testing.assert_close(found[head, -back], expected)


@given(st.integers(0, 99), st.integers(1, 4))
def test_a_padded_row_gives_what_it_gives_alone(seed, pads):
    queries, keys = drawn(seed, 2, 7, 7)
    valid = torch.ones(2, 7, dtype=torch.bool)
    valid[1, :pads] = False
    together = attention_mass(queries, keys, 1.0, valid)
    alone = attention_mass(queries[1:, :, pads:], keys[1:, :, pads:], 1.0)
    torch.testing.assert_close(together[1:, :, pads:], alone, rtol=1e-6, atol=1e-6)
    assert (together[1, :, :pads] == 0).all()


def test_mass_of_many_queries_is_taken_in_parts_and_sums_to_their_number():
    queries, keys = drawn(0, 1, 600, 600)
    mass = attention_mass(queries, keys, 1.0)
    expected = attention_probabilities(queries, keys, 1.0).sum(dim=3).mean(dim=2)
    torch.testing.assert_close(mass, expected)
    torch.testing.assert_close(mass.sum(dim=-1), torch.full((1, 2), 600.0))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=9))
def test_rounding_makes_ties_of_what_differs_by_rounding_alone(values):
    score = torch.tensor(values, dtype=torch.float32)
    assert torch.equal(rounded(rounded(score)), rounded(score))
    torch.testing.assert_close(rounded(score), score, rtol=2**-12, atol=0)
