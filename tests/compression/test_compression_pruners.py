"""Pruning methods: what goes, how much, and that SparseGPT's other weights make up for it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.compression import Magnitude, SparseGPT, Wanda
from lottery_plugins.compression.structure import decoder_linears
from lottery_plugins.compression.weights.input_statistics import InputGram
from lottery_plugins.compression.weights.optimal_brain import inverse_root
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import removed_count
from lottery_plugins.testing.contracts.compression import tiny_calibration, tiny_model

METHODS = [Magnitude, Wanda, SparseGPT]


def drawn(rows, cols, seed=0):
    return torch.randn(rows, cols, generator=torch.Generator().manual_seed(seed))


def root_of(inputs, damping=0.01):
    seen = InputGram(inputs.shape[1], inputs.device)
    seen.add(inputs)
    return inverse_root(seen.gram, damping, "test")


def zeros(model):
    return {path: linear.weight == 0 for path, linear in decoder_linears(model, "test")}


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.sampled_from(["layer", "row"]))
def test_magnitude_removes_the_documented_count_and_the_smallest(sparsity, scope):
    pruned = Magnitude(sparsity=sparsity, scope=scope).compress(tiny_model())
    for path, zero in zeros(pruned).items():
        size = tiny_model().get_submodule(path).weight.detach().abs()
        groups = size.flatten()[None] if scope == "layer" else size
        for magnitude, gone in zip(groups, zero.view_as(groups), strict=True):
            assert int(gone.sum()) == removed_count(len(magnitude), sparsity)
            assert not gone.any() or magnitude[gone].max() <= magnitude[~gone].min()


@settings(max_examples=8, deadline=None)
@given(st.floats(0.01, 1, exclude_max=True))
def test_sparsegpt_removes_the_documented_count_of_each_block(sparsity):
    pruned = SparseGPT(sparsity=sparsity).compress(tiny_model(), tiny_calibration())
    for zero in zeros(pruned).values():
        assert int(zero.sum()) == removed_count(zero.numel(), sparsity)  # 64 or 128 columns: one block


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("pattern", "sparsity", "kept", "of"), [("2:4", 0.5, 2, 4), ("1of4", 0.75, 1, 4)])
def test_n_of_every_m_are_kept(method, pattern, sparsity, kept, of):
    pruned = method(pattern=pattern, sparsity=sparsity).compress(tiny_model(), tiny_calibration())
    for zero in zeros(pruned).values():
        assert ((~zero).unflatten(1, (-1, of)).sum(dim=-1) == kept).all()


def literal_sparsegpt(weight, inputs, sparsity, damping=0.01):
    """The paper, read literally for one block: choose, then remove each column with the inverse of what is left."""
    rows, cols = weight.shape
    gram = (inputs.t() @ inputs / len(inputs)).double()
    hessian = gram + torch.eye(cols) * damping * gram.diagonal().mean()
    inverses = [torch.linalg.inv(hessian[column:, column:]) for column in range(cols)]
    weight = weight.double().clone()
    score = weight.square() / torch.stack([inverse[0, 0] for inverse in inverses])
    mask = torch.zeros(rows * cols, dtype=torch.bool)
    mask[score.flatten().argsort()[: int(rows * cols * sparsity)]] = True
    for column, inverse in enumerate(inverses):
        error = torch.where(mask.view(rows, cols)[:, column], weight[:, column], 0) / inverse[0, 0]
        weight[:, column:] -= error[:, None] * inverse[0]
    return weight.masked_fill(mask.view(rows, cols), 0)


def test_sparsegpt_does_what_the_paper_says():
    weight, inputs = drawn(20, 60), drawn(200, 60, 1) @ drawn(60, 60, 2)
    found = SparseGPT(sparsity=0.6).pruned_weight(weight, root_of(inputs))
    expected = literal_sparsegpt(weight, inputs, 0.6)
    torch.testing.assert_close(found.double(), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("pattern", ["", "2:4", "3:6"])
def test_sparsegpt_keeps_outputs_nearer_than_magnitude(pattern):
    weight, inputs = drawn(32, 300), drawn(900, 300, 1) @ drawn(300, 300, 2)
    method = SparseGPT(pattern=pattern)
    found = method.pruned_weight(weight, root_of(inputs))
    plain = weight.masked_fill(method.lowest(weight.abs()), 0)
    errors = [float((inputs @ (w - weight).t()).square().mean()) for w in (found, plain)]
    assert errors[0] < 0.75 * errors[1]
    assert float((found == 0).float().mean()) == 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "options",
    [{"sparsity": 1.0}, {"sparsity": "half"}, {"pattern": "4:2"}, {"pattern": "two of four"}, {"pattern": "1:4"}],
)
def test_options_that_make_no_sense_are_refused(method, options):
    with pytest.raises(ConfigError, match=rf"compression: {method.name}\."):
        method(**options)


def test_a_scope_or_damping_that_makes_no_sense_is_refused():
    with pytest.raises(ConfigError, match=r"magnitude\.scope.*rows.*Did you mean 'row'"):
        Magnitude(scope="rows")
    with pytest.raises(ConfigError, match=r"sparsegpt\.damping"):
        SparseGPT(damping=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_layer_that_a_pattern_does_not_fit_is_named(method):
    with pytest.raises(ConfigError, match=r"input size of model\.layers\.0"):
        method(pattern="3:6").compress(tiny_model(), tiny_calibration())


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_remove_needs_no_text_and_shares_every_tensor(method):
    plain = method(sparsity=0)
    assert not plain.needs_calibration
    same = plain.compress(tiny_model(), None)
    assert all(a is b for a, b in zip(same.parameters(), tiny_model().parameters(), strict=True))


def test_an_input_that_is_always_zero_gives_finite_weights_and_its_weights_go_first():
    weight, inputs = drawn(8, 32), drawn(100, 32, 1)
    inputs[:, 5] = 0
    pruned = SparseGPT(sparsity=0.25).pruned_weight(weight, root_of(inputs))
    assert torch.isfinite(pruned).all()
    assert (pruned[:, 5] == 0).float().mean() >= 0.75
