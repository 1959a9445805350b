import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from lottery_plugins.results.bootstrap import ClusterBootstrap

GRADED = st.lists(st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40)
SHARED = st.integers(1, 5)


def boot(values, clusters=None):
    return ClusterBootstrap.of(values, clusters, resamples=499)


def test_symmetric_values_have_the_interval_of_students_t():
    values = np.random.default_rng(3).normal(0.0, 0.3, 400)
    ours = ClusterBootstrap.of(values).interval(0.05)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.02 * (high - low))
    assert ours.low <= low + 1e-12
    assert ours.high >= high - 1e-12


def test_where_few_lose_much_the_bound_on_that_side_is_the_bootstrap_ts():
    """Each bound is the farther of the two, with the bootstrap-t written out here replicate by replicate."""
    rng = np.random.default_rng(3)
    values = 0.2 - rng.exponential(0.2, 40)
    drawn = rng.choice(values, (20_000, 40))
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(40)
    upper, lower = np.quantile((drawn.mean(axis=1) - values.mean()) / errors, [0.95, 0.05])
    error, student = values.std(ddof=1) / np.sqrt(40), stats.t.isf(0.05, 39)
    assert upper > student > -lower
    ours = ClusterBootstrap.of(values).interval(0.05)
    assert ours.low == pytest.approx(values.mean() - upper * error, abs=0.05 * error)
    assert ours.high == pytest.approx(values.mean() + student * error)


@given(GRADED, SHARED, st.floats(0.01, 0.3), st.floats(-0.9, 0.9))
def test_interval_and_p_agree(values, shared, alpha, null):
    estimate = boot(values, np.arange(len(values)) // shared)
    interval = estimate.interval(alpha)
    assume(min(abs(interval.low - null), abs(interval.high - null)) > 1e-9)
    assert (interval.low > null) == (estimate.p_above(null) < alpha)
    assert (interval.high < null) == (estimate.p_below(null) < alpha)


@given(GRADED, SHARED, st.floats(-0.9, 0.9))
def test_swapped_runs_give_the_negated_estimate(values, shared, null):
    clusters = np.arange(len(values)) // shared
    one, other = boot(values, clusters), boot([-v for v in values], clusters)
    mirrored = other.interval(0.05).negated()
    interval = one.interval(0.05)
    assert (mirrored.low, mirrored.value, mirrored.high) == pytest.approx(
        (interval.low, interval.value, interval.high), abs=1e-9
    )
    assert other.p_above(null) == pytest.approx(one.p_below(-null), abs=1e-6)


@given(GRADED, st.floats(0.001, 1), st.floats(0.001, 1))
def test_p_never_rises_with_the_margin(values, one, other):
    narrow, wide = sorted((one, other))
    assert boot(values).p_above(-wide) <= boot(values).p_above(-narrow) + 1e-12


@pytest.mark.parametrize("n", [1, 4, 40])
def test_equal_answers_are_no_proof_of_parity_beyond_the_rule_of_three(n):
    interval = boot([0.0] * n).interval(0.05)
    assert (interval.low, interval.high) == pytest.approx((0.05 ** (1 / n) - 1, 1 - 0.05 ** (1 / n)))


def test_copies_inside_a_cluster_add_no_certainty():
    values = np.random.default_rng(0).normal(0, 0.3, 60)
    alone, copied = boot(values).interval(0.05), boot(np.repeat(values, 5), np.repeat(np.arange(60), 5)).interval(0.05)
    as_if_independent = boot(np.repeat(values, 5)).interval(0.05)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert as_if_independent.high - as_if_independent.low < 0.6 * (copied.high - copied.low)


def test_clusters_of_unequal_size_are_weighted_by_their_documents():
    assert boot([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]).value == 0.75


def test_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(0).normal(0, 0.3, 60)
    one, same, other = (ClusterBootstrap.of(values, seed=s).interval(0.05) for s in (1, 1, 2))
    assert one == same
    assert one != other
