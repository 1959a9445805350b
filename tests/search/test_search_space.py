"""Points of a space: near and far ones, and that filling a spec loses nothing."""

from hypothesis import given
from hypothesis import strategies as st
from search_plans import plan

from lottery_plugins.search.space import Range, distance

POINTS = list(plan().points())


@given(st.sampled_from(POINTS), st.sampled_from(POINTS), st.sampled_from(POINTS))
def test_distance_is_a_metric(one, other, third):
    dimensions = plan().dimensions
    assert distance(dimensions, one, other) == distance(dimensions, other, one)
    assert (distance(dimensions, one, other) == 0) == (one == other)
    straight = distance(dimensions, one, third)
    assert straight <= distance(dimensions, one, other) + distance(dimensions, other, third) + 1e-9


@given(st.integers(-50, 50), st.integers(1, 20), st.integers(0, 30))
def test_a_whole_range_has_both_ends_and_every_step(low, step, count):
    numbers = Range.parse({"low": low, "high": low + step * count, "step": step}, "here")
    assert numbers.values == tuple(range(low, low + step * count + 1, step))
    assert all(isinstance(value, int) for value in numbers.values)


@given(st.integers(0, 99), st.integers(1, 20), st.integers(0, 30))
def test_a_range_of_hundredths_is_written_in_hundredths(low, step, count):
    numbers = Range.parse({"low": low / 100, "high": (low + step * count) / 100, "step": step / 100}, "here")
    assert numbers.values == tuple(round((low + i * step) / 100, 10) for i in range(count + 1))
    assert all(len(f"{value!r}") <= 6 for value in numbers.values)
