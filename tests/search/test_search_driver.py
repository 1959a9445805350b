"""The loop on tickets whose truth is known: it finds the best one, wastes nothing, and can be interrupted anywhere."""

from dataclasses import replace

import pytest
from search_plans import PRUNED, plan, simulated

from lottery_plugins.search.driver import SearchError, search
from lottery_plugins.search.measure import TicketError
from lottery_plugins.search.plan import Budget
from lottery_plugins.search.pool import OneAtATime
from lottery_plugins.search.record import Record, chosen, front, total_cost
from lottery_plugins.search.split import split_documents

pytest.importorskip("optuna")

from lottery_plugins.search.trials import Trials, read_study

SAMPLERS = ("additive", "tpe", "nsga2", "random")


class Watching:
    """An evaluator that notes what it was asked, and breaks off where it is told to."""

    def __init__(self, evaluator=None, break_at=None, failing=()):
        self.evaluator, self.break_at, self.failing = evaluator or simulated(), break_at, failing
        self.jobs = []

    def documents(self, tasks):
        return self.evaluator.documents(tasks)

    def evaluate(self, job):
        if len(self.jobs) == self.break_at:
            raise KeyboardInterrupt
        self.jobs.append(job)
        if job.ticket.name != "original" and any(word in job.ticket.name for word in self.failing):
            raise TicketError("it broke")
        return self.evaluator.evaluate(job)

    def close(self):
        pass


def run(made, evaluator=None, folder=None, **more):
    evaluator = evaluator or Watching()
    split = split_documents(made, evaluator.documents(made.task_names))
    return search(made, split, OneAtATime(evaluator), Trials(made, folder), **more)


def plain(records):
    return [record.to_json() for record in records]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_cheapest_ticket_that_keeps_the_margins_is_found(sampler):
    records = run(plan(sampler=sampler))
    assert chosen(records, "bytes").ticket == "compression=int8, augmentation=helped"


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_ticket_is_tried_once_and_the_search_ends_with_its_space(sampler):
    made = plan(sampler=sampler, stop_dearer=False, budget={"trials": 1000})
    records = run(made)
    assert len(records) == len({str(record.point) for record in records}) == made.num_points


def test_no_held_out_document_is_evaluated_and_the_original_only_once():
    evaluator, made = Watching(), plan()
    split = split_documents(made, evaluator.documents(made.task_names))
    search(made, split, OneAtATime(evaluator), Trials(made))
    for task, held_out in split.held_out.items():
        assert not any(set(job.documents.get(task, ())) & set(held_out) for job in evaluator.jobs)
    of_original = [d for job in evaluator.jobs if job.ticket.name == "original" for d in job.documents["one"]]
    assert sorted(of_original) == sorted(split.search["one"])


def test_a_rung_evaluates_only_documents_that_no_earlier_one_has():
    evaluator = Watching()
    run(plan(), evaluator)
    seen = {}
    for job in evaluator.jobs:
        for task, documents in job.documents.items():
            before = seen.setdefault((job.ticket.name, task), set())
            assert not before & set(documents)
            before |= set(documents)


def test_a_refused_ticket_costs_nothing_and_says_why():
    evaluator = Watching()
    records = run(plan(stop_dearer=False), evaluator, why_not=lambda t: "no helper" if "=helped" in t.name else "")
    refused = [record for record in records if record.state == "refused"]
    assert {record.why for record in refused} == {"no helper"}
    assert len(refused) == 7
    assert all(record.cost.samples == 0 and not record.looks for record in refused)
    assert not any("=helped" in job.ticket.name for job in evaluator.jobs)


def test_the_budget_of_documents_is_kept_up_to_a_rung():
    records = run(plan(budget={"samples": 500}, stop_dearer=False))
    assert total_cost(records).samples <= 500 + 192


def test_the_documents_of_a_ticket_that_the_budget_left_open_count():
    evaluator = Watching()
    records = run(plan(budget={"samples": 500}, stop_dearer=False), evaluator)
    answered = sum(len(d) for j in evaluator.jobs if j.ticket.name != "original" for d in j.documents.values())
    assert 500 <= answered < 500 + 64
    assert total_cost(records).samples <= answered


def test_the_budget_of_trials_counts_tickets_that_were_run():
    records = run(plan(budget={"trials": 4}), why_not=lambda t: "no" if "=helped" in t.name else "")
    assert sum(record.is_run for record in records) == 4


def test_a_dear_ticket_is_stopped_before_its_first_document_where_its_weights_are_known():
    records = run(plan())
    stopped = [record for record in records if record.state == "dearer"]
    assert stopped
    best = chosen(records, "bytes")
    assert all(record.cost.bytes > best.cost.bytes for record in stopped)
    assert any(record.cost.samples == 0 for record in stopped)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cheapest", ["bytes", "tokens"])
def test_stopping_dear_tickets_never_changes_the_one_that_is_chosen(cheapest, seed):
    settings = {"cheapest": cheapest, "seed": seed, "budget": {"trials": 1000}}
    with_stop, without = (chosen(run(plan(stop_dearer=s, **settings)), cheapest) for s in (True, False))
    assert with_stop.point == without.point


def test_a_hopeless_ticket_is_stopped_early():
    records = run(plan(stop_dearer=False))
    hopeless = [record for record in records if record.state == "hopeless"]
    assert hopeless
    assert all(0 < record.cost.samples < 192 and "inferior on" in record.why for record in hopeless)


def test_an_interrupted_search_goes_on_as_it_would_have(tmp_path):
    made = plan(budget={"trials": 7}, space={"compression": ["none", "int8", PRUNED]})
    (tmp_path / "whole").mkdir()
    whole = run(made, folder=tmp_path / "whole")
    (tmp_path / "broken").mkdir()
    for break_at in (1, 12):
        with pytest.raises(KeyboardInterrupt):
            run(made, Watching(break_at=break_at), folder=tmp_path / "broken")
    evaluator = Watching()
    assert plain(run(made, evaluator, folder=tmp_path / "broken")) == plain(whole)
    records, original = read_study(tmp_path / "broken")
    assert plain(records) == plain(whole)
    assert original.samples == 192
    told = {job.name.partition("/")[0] for job in evaluator.jobs}
    assert len(told) < 1 + len(whole)  # tickets that were finished before are not run again


def test_a_larger_budget_takes_up_what_the_smaller_one_left_open(tmp_path):
    space = {"compression": ["none", "int8", "int4"]}
    small = plan(budget={"samples": 300}, stop_dearer=False, space=space)
    run(small, folder=tmp_path)
    large = replace(small, budget=Budget(trials=1000))
    records = run(large, folder=tmp_path)
    assert len(records) == small.num_points
    assert plain(records) == plain(run(large))


def test_a_ticket_that_fails_is_noted_and_the_others_go_on():
    records = run(plan(stop_dearer=False), Watching(failing=("wanda:sparsity=0.5",)))
    failed = [record for record in records if record.state == "failed"]
    assert [record.why for record in failed] == ["it broke"] * 2
    assert chosen(records, "bytes") is not None


def test_a_search_ends_when_everything_fails():
    with pytest.raises(SearchError, match="it broke"):
        run(plan(), Watching(failing=("compression",)))


def test_tokens_that_nobody_measured_are_no_budget():
    class Unmeasured(Watching):
        def evaluate(self, job):
            found = super().evaluate(job)
            return replace(found, cost=replace(found.cost, tokens=None))

    with pytest.raises(SearchError, match=r"budget\.samples"):
        run(plan(budget={"tokens": 1000}), Unmeasured())


def test_progress_tells_what_is_spent_and_what_is_run():
    told = []
    records = run(plan(), on_progress=told.append)
    assert [len(p.records) for p in told] == sorted(len(p.records) for p in told)
    assert told[-1].spent.samples == total_cost(records).samples
    assert told[-1].climbing == []
    assert any(p.climbing for p in told)


def test_infeasible_tickets_are_never_chosen_and_dominated_ones_not_in_the_front():
    records = run(plan(stop_dearer=False, budget={"trials": 1000}))
    best = chosen(records, "bytes")
    assert best.state == "accepted"
    assert all(r.bytes_ratio >= best.bytes_ratio for r in records if r.state == "accepted")
    names = front(records, ("score", "bytes"))
    for record in names:
        better = [r for r in records if r.is_whole and r.score > record.score and r.bytes_ratio < record.bytes_ratio]
        assert better == []
    assert chosen([r for r in records if r.state != "accepted"], "bytes") is None


def test_a_record_survives_being_written():
    for record in run(plan()):
        assert Record.from_json(record.to_json()) == record
