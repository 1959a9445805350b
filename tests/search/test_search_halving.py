"""Rungs are prefixes, looks are paired, and a good ticket is seldom stopped."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_plans import plan

from lottery_plugins.search.halving import hopeless, look, rungs
from lottery_plugins.search.measure import Cost, Measured, TaskRows
from lottery_plugins.search.split import Split


def split_of(sizes):
    return Split({t: tuple(range(n)) for t, n in sizes.items()}, dict.fromkeys(sizes, ()), dict.fromkeys(sizes, 0.05))


def measured(scores, clusters=None):
    return Measured({"one": TaskRows(dict(enumerate(scores)), clusters or {})}, Cost())


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 64))
def test_rungs_add_up_to_the_search_part_and_double(first, second, first_rung):
    split = split_of({"one": first, "two": second})
    steps = rungs(plan(first_rung=first_rung), split)
    for task, documents in split.search.items():
        assert sum((step.get(task, ()) for step in steps), ()) == documents
    assert all(len(part) > 0 for step in steps for part in step.values())
    assert max(map(len, steps[0].values())) <= first_rung


def test_a_look_is_paired_document_by_document():
    original, ticket = measured([1.0, 0.0, 1.0, 1.0]), measured([1.0, 1.0, 0.0, 1.0])
    seen = look(original, ticket, plan(), split_of({"one": 4}))["one"]
    assert (seen.difference, seen.documents, seen.margin) == (0.0, 4, 0.05)
    swapped = look(ticket, original, plan(), split_of({"one": 4}))["one"]
    assert swapped.low == pytest.approx(-seen.high)


def test_a_failed_sample_counts_as_wrong_on_either_side():
    ticket = measured([1.0, None])
    assert look(measured([1.0, 1.0]), ticket, plan(), split_of({"one": 2}))["one"].difference == -0.5
    assert look(measured([1.0, None]), ticket, plan(), split_of({"one": 2}))["one"].difference == 0.0
    lower_is_better = measured([-3.0, None])
    assert look(measured([-3.0, -7.0]), lower_is_better, plan(), split_of({"one": 2}))["one"].difference == 0.0


def test_documents_of_one_cluster_are_resampled_together():
    rng = random.Random(0)
    lost = [float(rng.random() < 0.3) for _ in range(10) for _ in range(8)]
    by_cluster = [lost[i // 8 * 8] for i in range(80)]
    clusters = {i: str(i // 8) for i in range(80)}
    original, split = measured([1.0] * 80), split_of({"one": 80})
    alone = look(original, measured([1 - x for x in by_cluster]), plan(), split)["one"]
    together = look(original, measured([1 - x for x in by_cluster], clusters), plan(), split)["one"]
    assert together.low < alone.low


def test_only_what_is_shown_to_be_inferior_is_hopeless():
    made, split = plan(), split_of({"one": 32})
    right = measured([1.0] * 32)
    assert hopeless(look(right, measured([0.0] * 10 + [1.0] * 22), made, split), made, 3) == "one"
    assert hopeless(look(right, measured([0.0] * 3 + [1.0] * 29), made, split), made, 3) == ""


def test_a_ticket_on_the_margin_is_stopped_no_more_often_than_the_plan_allows():
    made = plan(tasks=["one"], space={"compression": ["none", "int8"]}, stop_level=0.05)
    split, stopped, tries = split_of({"one": 128}), 0, 200
    rng = random.Random(1)
    for _ in range(tries):
        turned = [rng.random() for _ in range(128)]
        original = [float(u > 0.1) for u in turned]  # 10 % only the ticket gets right
        ticket = [float(u < 0.85) for u in turned]  # 15 % only the original does: the difference is the margin
        looks = [look(measured(original[:n]), measured(ticket[:n]), made, split) for n in (16, 32, 64)]
        stopped += any(hopeless(seen, made, 4) for seen in looks)
    assert stopped / tries <= 0.05 + 2.6 * (0.05 * 0.95 / tries) ** 0.5
