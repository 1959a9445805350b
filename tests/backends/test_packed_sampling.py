"""Sampled tokens depend on logits, seed and index, and on nothing else."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.backends.packed.sampling import best_tokens, sampled_tokens, target_scores, uniform
from lottery_plugins.protocols.engine import SamplingParams

SETTINGS = st.builds(
    SamplingParams, max_tokens=st.just(1), do_sample=st.just(True), temperature=st.sampled_from([0.3, 1.0, 2.5]),
    top_p=st.sampled_from([None, 0.1, 0.7, 1.0]), top_k=st.sampled_from([None, 1, 5, 1000]),
)  # fmt: skip
NUMBERS = st.floats(0, 1, exclude_max=True)


def allowed_by_hand(logits, params):
    """Tokens that temperature, then top_k, then top_p leave, as transformers defines them."""
    order = logits.argsort(descending=True, stable=True)[: params.top_k or len(logits)]
    if params.top_p in (None, 1):
        return set(order.tolist())
    probabilities = (logits[order].double() / params.temperature).softmax(-1)
    before = probabilities.cumsum(-1) - probabilities
    return set(order[before < params.top_p].tolist())


@given(st.integers(0, 2**31), st.lists(st.tuples(SETTINGS, NUMBERS), min_size=1, max_size=6))
def test_a_token_is_the_same_alone_and_in_a_batch_and_always_allowed(seed, rows):
    logits = torch.randn(len(rows), 300, generator=torch.Generator().manual_seed(seed)) * 4
    params, numbers = zip(*rows, strict=True)
    together = sampled_tokens(logits, params, numbers).tolist()
    alone = [sampled_tokens(logits[i : i + 1], params[i : i + 1], numbers[i : i + 1]).item() for i in range(len(rows))]
    assert together == alone
    assert all(token in allowed_by_hand(logits[i], params[i]) for i, token in enumerate(together))


@pytest.mark.parametrize("top_p", [None, 0.8])
def test_many_numbers_give_the_distribution(top_p):
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0, -5.0]])
    params = SamplingParams(max_tokens=1, do_sample=True, temperature=0.7, top_p=top_p)
    count = 4000
    numbers = [(i + 0.5) / count for i in range(count)]
    tokens = sampled_tokens(logits.expand(count, -1), [params] * count, numbers)
    found = torch.bincount(tokens, minlength=5) / count
    expected = (logits[0] / 0.7).softmax(-1)
    keep = sorted(allowed_by_hand(logits[0], params))
    wanted = torch.zeros(5)
    wanted[keep] = expected[keep] / expected[keep].sum()
    assert torch.allclose(found, wanted, atol=1e-3)


def test_a_flat_distribution_needs_more_than_the_likeliest_few():
    params = SamplingParams(max_tokens=1, do_sample=True, top_p=0.9)
    tokens = sampled_tokens(
        torch.linspace(0, 0.01, 2000)[None].expand(50, -1), [params] * 50, [i / 50 for i in range(50)]
    )
    assert 195 <= tokens.min() <= 205  # the tenth of the vocabulary that is least likely is left out
    assert tokens.max() >= 1900


def test_numbers_are_spread_and_belong_to_seed_and_index():
    numbers = [uniform(seed, index) for seed in range(40) for index in range(50)]
    assert len(set(numbers)) == 2000
    assert all(0 <= n < 1 for n in numbers)
    assert abs(sum(numbers) / 2000 - 0.5) < 0.03
    assert uniform(2**64 - 1, 3) == uniform(2**64 - 1, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_of_equal_logits_the_first_is_best_and_nan_is_found(dtype):
    logits = torch.tensor([[0.0, 3.0, 3.0], [1.0, torch.nan, 5.0]], dtype=dtype)
    assert best_tokens(logits).tolist() == [1, 1]


def test_scores_are_log_probabilities():
    logits = torch.tensor([[1.0, 2.0], [3.0, 1.0]])
    logprobs, greedy = target_scores(logits, torch.tensor([0, 0]), logits.amax(-1))
    assert logprobs.tolist() == pytest.approx([-1.3132616, -0.1269280])
    assert greedy.tolist() == [False, True]
