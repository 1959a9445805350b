"""Our presses keep what kvpress keeps: the reference is by benchmarks/kvpress_agreement.py with kvpress 0.5.5."""

import json
from pathlib import Path

import pytest

from benchmarks.kvpress_agreement import PRESSES, ours
from benchmarks.kvpress_side import RATIOS, tiny_model

REFERENCE = json.loads(Path(__file__).with_name("kvpress_reference.json").read_text())


@pytest.fixture(scope="module")
def kept():
    return {case: masks for case, (masks, _) in ours(*tiny_model()).items()}


@pytest.mark.parametrize("case", [f"{name} {ratio}" for name in PRESSES for ratio in RATIOS])
def test_the_same_positions_are_kept_in_each_layer_and_head_as_by_kvpress(kept, case):
    assert kept[case] == REFERENCE[case]


def test_the_reference_was_recorded_for_these_cases():
    assert sorted(REFERENCE) == sorted(f"{name} {ratio}" for name in PRESSES for ratio in RATIOS)
