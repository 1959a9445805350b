import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lottery_plugins.results.statistics import Estimate, TangoDifference, holm, required_n, tango_variance, wilson

ALPHAS = st.floats(0.005, 0.3)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@st.composite
def tables(draw):
    n = draw(st.integers(1, 300))
    gained = draw(st.integers(0, n))
    return TangoDifference(n, gained, draw(st.integers(0, n - gained)))


def test_tango_reproduces_the_contact_lens_trial_of_the_paper():
    # Tango 1998, section 6.1: 44 pairs, b = 0, c = 1, margin 0.1: Z = 1.709, p = 0.044; 90 % lower limit -0.096.
    trial = TangoDifference(44, 0, 1)
    assert trial.z(-0.1) == pytest.approx(1.709, abs=5e-4)
    assert trial.p_above(-0.1) == pytest.approx(0.044, abs=5e-4)
    assert trial.interval(0.05).low == pytest.approx(-0.096, abs=5e-4)


@pytest.mark.parametrize(
    ("n", "gained", "lost", "alpha", "low", "high"),
    [
        (32, 9, 3, 0.025, -0.027, 0.390),  # Tango 1998, section 6.2: the sleeping difficulties of Karacan et al.
        (21, 1, 7, 0.025, -0.517, -0.026),  # Fagerland, Lydersen and Laake 2014: airway reactivity in children
        (618, 28, 25, 0.05, -0.0148, 0.0247),  # R's PropCIs::scoreci.mp(25, 28, 618, 0.90)
    ],
)
def test_tango_reproduces_published_intervals(n, gained, lost, alpha, low, high):
    interval = TangoDifference(n, gained, lost).interval(alpha)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize("n", [1, 10, 50, 1000])
def test_tango_without_discordant_pairs_is_bounded_by_z2_over_n_plus_z2(n):
    z2 = 1.6448536269514722**2
    interval = TangoDifference(n, 0, 0).interval(0.05)
    assert (interval.low, interval.high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-9)


@pytest.mark.parametrize(("n", "gained", "lost"), [(44, 0, 1), (20, 3, 5), (30, 12, 2), (10, 0, 0), (15, 9, 6)])
@pytest.mark.parametrize("null", [-0.3, -0.05, 0.0, 0.2])
def test_tango_equals_a_brute_force_search_for_the_constrained_likelihood(n, gained, lost, null):
    lost_rates = np.linspace(max(0.0, -null), (1 - null) / 2, 2_000_001)[1:-1]
    likelihood = (n - gained - lost) * np.log1p(-2 * lost_rates - null)
    likelihood += gained * np.log(lost_rates + null) if gained else 0.0
    likelihood += lost * np.log(lost_rates) if lost else 0.0
    best = lost_rates[np.argmax(likelihood)]
    z = (gained - lost - n * null) / math.sqrt(n * (2 * best + null - null**2))
    assert TangoDifference(n, gained, lost).z(null) == pytest.approx(z, abs=2e-3)


@given(tables(), ALPHAS, st.floats(-0.99, 0.99))
def test_tango_interval_and_p_agree(table, alpha, null):
    interval = table.interval(alpha)
    assume(min(abs(interval.low - null), abs(interval.high - null)) > 1e-9)
    assert (interval.low > null) == (table.p_above(null) < alpha)
    assert (interval.high < null) == (table.p_below(null) < alpha)
    assert interval.low <= interval.value <= interval.high


@given(tables(), ALPHAS, st.floats(-1, 1))
def test_tango_of_swapped_runs_is_negated(table, alpha, null):
    swapped = TangoDifference(table.n, table.lost, table.gained)
    mirrored, interval = swapped.interval(alpha).negated(), table.interval(alpha)
    assert (mirrored.low, mirrored.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert swapped.p_above(null) == pytest.approx(table.p_below(-null), abs=1e-9)


@given(tables(), st.floats(0.001, 1), st.floats(0.001, 1))
def test_tango_p_never_rises_with_the_margin(table, one, other):
    narrow, wide = sorted((one, other))
    assert table.p_above(-wide) <= table.p_above(-narrow) + 1e-9


def test_wilson_reproduces_newcombe():
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I: 81 of 263 and 0 of 20.
    assert wilson(81, 263) == Estimate(81 / 263, pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=1e-4)


def test_holm_reproduces_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.04, 0.04]) == pytest.approx([0.08, 0.08])
    assert holm([]) == []


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    assert all(p <= a <= min(1.0, len(p_values) * p) + 1e-12 for p, a in zip(p_values, adjusted, strict=True))
    by_p = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert by_p == sorted(by_p)


@pytest.mark.parametrize(("discordance", "difference"), [(0.1, 0.0), (0.3, 0.0), (0.3, -0.02), (0.2, 0.03)])
def test_required_n_gives_the_power_that_it_promises(discordance, difference):
    gain, loss = (discordance + difference) / 2, (discordance - difference) / 2
    null_variance = tango_variance(gain, loss, -0.05)
    n = required_n(discordance - difference**2, difference, 0.05, 0.05, null_variance=null_variance)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n, [gain, loss, 1 - gain - loss], size=2000)
    claims = np.mean([TangoDifference(n, int(g), int(lost)).p_above(-0.05) <= 0.05 for g, lost, _ in draws])
    assert claims == pytest.approx(0.8, abs=0.04)


def test_required_n_without_discordance_is_where_tangos_bound_passes_the_margin():
    n = required_n(0.0, 0.0, 0.05, 0.05)
    assert TangoDifference(n, 0, 0).interval(0.05).low > -0.05
    assert TangoDifference(n - 1, 0, 0).interval(0.05).low <= -0.05


def test_no_number_of_documents_settles_a_difference_on_the_margin():
    assert required_n(0.2, -0.05, 0.05, 0.05) is None
