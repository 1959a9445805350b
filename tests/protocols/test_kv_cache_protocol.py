from dataclasses import dataclass
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.compression import KeyNorm
from lottery_plugins.protocols.compression import conflict_between, removed_count
from lottery_plugins.protocols.kv_cache import Demands, demands, encoded_count, kept_count


@dataclass(frozen=True)
class Falling(KeyNorm):
    """A press whose later layers keep less."""

    num_queries = 4
    needs_mass = True
    conflicts: ClassVar = {"key-norm": "They are one."}

    def kept_in_layer(self, num_tokens, layer, num_layers):
        return round(num_tokens * (1 - self.compression_ratio) * 2 * (num_layers - layer) / (num_layers + 1))


@dataclass(frozen=True)
class Groups:
    group_size: int
    residual: int


def test_a_press_that_declares_nothing_asks_for_nothing():
    assert demands(KeyNorm()) == Demands()


def test_declared_demands_are_read():
    assert demands(Falling(decoding_interval=8)) == Demands(num_queries=4, needs_mass=True, decoding_interval=8)


@given(st.integers(1, 500), st.floats(0, 1, exclude_max=True), st.integers(0, 5))
def test_at_least_one_position_stays_and_ratio_zero_keeps_all(tokens, ratio, layer):
    assert kept_count(KeyNorm(compression_ratio=ratio), tokens) == tokens - removed_count(tokens, ratio)
    assert 1 <= kept_count(Falling(compression_ratio=ratio), tokens, layer, 6) <= tokens
    assert kept_count(Falling(compression_ratio=0.0), tokens, layer, 6) == tokens


@given(st.integers(0, 500), st.integers(1, 64), st.integers(0, 128))
def test_whole_groups_are_encoded_and_the_residual_is_left(positions, group_size, residual):
    count = encoded_count(Groups(group_size, residual), positions)
    assert count % group_size == 0
    assert count == 0 or residual <= positions - count < residual + group_size


def test_a_conflict_is_found_whoever_declares_it():
    assert conflict_between(KeyNorm(), Falling()) == conflict_between(Falling(), KeyNorm()) == "They are one."
    assert conflict_between(KeyNorm(), KeyNorm()) == ""
