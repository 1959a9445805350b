"""Two parts without a common document or cluster, and the one door to the held-out one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from search_plans import plan

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.search.measure import Job, TaskDocuments
from lottery_plugins.search.split import HeldOutError, kept_split, split_documents

SPACE = {"compression": ["none", "int8"]}


def made(labels, documents, held_out, seed=0):
    one = plan(tasks={"one": {"documents": documents, "held_out": held_out}}, seed=seed, space=SPACE)
    return one, split_documents(one, {"one": TaskDocuments(labels)})


@given(st.lists(st.integers(0, 12).map(str), min_size=30, max_size=60), st.integers(0, 99))
def test_the_parts_share_no_document_and_no_cluster(labels, seed):
    assume(max(map(labels.count, labels)) <= len(labels) - 10)  # else one cluster leaves too few for the other part
    _, split = made(labels, 5, 5, seed)
    search, held_out = split.search["one"], split.held_out["one"]
    assert len(set(search)) == len(set(held_out)) == 5
    assert not {labels[i] for i in search} & {labels[i] for i in held_out}


def test_the_split_depends_on_the_seed_and_is_no_prefix():
    labels = list(map(str, range(100)))
    first, again, other = (made(labels, 20, 20, seed)[1].search["one"] for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert sorted(first) != list(range(20))


def test_too_few_documents_are_told_and_clusters_are_not_divided():
    with pytest.raises(ConfigError, match="the task's 9"):
        made(list("abcdefghi"), 5, 5)
    with pytest.raises(ConfigError, match="in 2 clusters"):
        made(list("aaaaabbbb"), 3, 5)


def test_the_margin_is_the_plans_then_the_tasks_then_the_usual_one():
    documents = [str(i) for i in range(40)]
    settings = {"documents": 5, "held_out": 5}
    one = plan(margin=None, space=SPACE, tasks={"a": {**settings, "margin": 0.2}, "b": settings, "c": settings})
    found = {task: TaskDocuments(documents, margin) for task, margin in (("a", 0.1), ("b", 0.1), ("c", None))}
    assert split_documents(one, found).margins == {"a": 0.2, "b": 0.1, "c": 0.05}


def test_no_job_of_the_search_touches_a_held_out_document():
    one, split = made(list(map(str, range(100))), 20, 20)
    allowed = Job(one.original_ticket(), {"one": split.search["one"]}, "trial-0001/rung-1")
    assert split.check(allowed) is allowed
    forbidden = Job(one.original_ticket(), {"one": (*split.search["one"], split.held_out["one"][3])}, "a job")
    with pytest.raises(HeldOutError, match="held out"):
        split.check(forbidden)


def test_a_resumed_search_must_find_the_same_documents(tmp_path):
    labels = list(map(str, range(100)))
    _, split = made(labels, 20, 20)
    kept_split(split, tmp_path / "split.json")
    kept_split(made(labels, 20, 20)[1], tmp_path / "split.json")
    with pytest.raises(DataError, match="other documents"):
        kept_split(made(labels[:60], 20, 20)[1], tmp_path / "split.json")
