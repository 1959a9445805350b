"""One ticket, one verdict: written down before it is judged, and right as often as it says."""

import pytest
from search_plans import plan, simulated

from lottery_plugins.search.held_out import judged_number, measure_held_out, note_judged, verdict_of
from lottery_plugins.search.measure import TicketError
from lottery_plugins.search.pool import OneAtATime
from lottery_plugins.search.record import Record
from lottery_plugins.search.simulated import Truth
from lottery_plugins.search.split import HeldOutError, split_documents


def record(number):
    return Record(number=number, ticket=f"ticket {number}", point={"compression": "int8"}, state="accepted")


def test_no_second_ticket_is_judged_in_the_same_folder(tmp_path):
    assert judged_number(tmp_path) is None
    note_judged(record(3), tmp_path)
    note_judged(record(3), tmp_path)  # resumed
    assert judged_number(tmp_path) == 3
    with pytest.raises(HeldOutError, match="were used to judge trial 3"):
        note_judged(record(4), tmp_path)


def judged(made, seed, difference):
    evaluator = simulated(seed=seed, truth=lambda _: Truth(difference=dict.fromkeys(("one", "two"), difference)))
    split = split_documents(made, evaluator.documents(made.task_names))
    ticket = made.ticket_at({"compression": "int8", "augmentation": "plain"})
    pair = measure_held_out(made, split, ticket, OneAtATime(evaluator))
    return verdict_of(*pair, made, split), evaluator.jobs, split, pair


def test_both_are_measured_on_all_held_out_documents_and_nothing_else():
    made = plan()
    _, jobs, split, pair = judged(made, 0, 0.0)
    assert jobs == ["held-out/original", "held-out/ticket"]
    for measured in pair:
        assert {task: tuple(sorted(rows.scores)) for task, rows in measured.rows.items()} == split.held_out


def test_the_verdict_knows_good_from_bad():
    made = plan()
    assert judged(made, 0, 0.1)[0] == "non_inferior"
    assert judged(made, 0, -0.3)[0] == "inferior"


def test_a_ticket_on_the_margin_seldom_passes():
    passed = sum(judged(plan(), seed, -0.05)[0] == "non_inferior" for seed in range(100))
    assert passed <= 5  # on two tasks both must pass: some 0.25 are expected


def test_an_original_that_can_not_be_run_ends_it():
    class Broken:
        def evaluate(self, job):
            raise TicketError("no memory left")

    made = plan()
    split = split_documents(made, simulated().documents(made.task_names))
    ticket = made.ticket_at({"compression": "int8", "augmentation": "plain"})
    with pytest.raises(TicketError, match="no memory"):
        measure_held_out(made, split, ticket, OneAtATime(Broken()))
