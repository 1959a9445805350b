import pytest

from lottery_plugins.errors import ConfigError, RunsNotComparableError
from lottery_plugins.results.align import align
from lottery_plugins.results.load import load_run
from lottery_plugins.results.options import CompareOptions


def aligned(one, other, **options):
    return align(load_run(one, "original"), [load_run(other, "ticket")], CompareOptions(**options))


def refusal(one, other, **options):
    with pytest.raises(RunsNotComparableError) as caught:
        aligned(one, other, **options)
    return str(caught.value)


def test_rows_are_paired_by_document_and_not_by_order(runs, task):
    mixed = task([0.0, 1.0, 0.5])
    mixed["rows"].reverse()
    tasks, _ = aligned(runs.write("a", {"t": [0.0, 1.0, 0.5]}), runs.write("b", {"t": mixed}))
    assert tasks[0].arms["original"].tolist() == tasks[0].arms["ticket"].tolist() == [0.0, 1.0, 0.5]


def test_lower_is_better_negates_scores(runs, task):
    one, other = task([2.0, 3.0], higher=False), task([1.0, 5.0], higher=False)
    tasks, _ = aligned(runs.write("a", {"t": one}), runs.write("b", {"t": other}))
    assert (tasks[0].arms["ticket"] - tasks[0].arms["original"]).tolist() == [1.0, -2.0]


@pytest.mark.parametrize(("higher", "wrong"), [(True, 0.0), (False, -5.0)])
def test_failed_documents_count_as_wrong_whatever_was_logged(runs, task, higher, wrong):
    original = runs.write("a", {"t": task([2.0, 5.0], higher=higher)})
    ticket = runs.write("b", {"t": task([1.0, 1.0], higher=higher)})
    runs.write_ledger("b", failed={1}, num=2)
    tasks, _ = aligned(original, ticket)
    assert tasks[0].arms["ticket"][1] == wrong


def test_versions_limits_and_fewshot_must_agree(runs, task):
    original = runs.write("a", {"t": task([1.0, 0.0])})
    assert "version 1.0 in original and 2.0 in ticket" in refusal(
        original, runs.write("b", {"t": task([1.0, 0.0], version=2.0)})
    )
    assert "0 few-shot examples in original and 3 in ticket" in refusal(
        original, runs.write("c", {"t": task([1.0, 0.0], num_fewshot=3)})
    )
    limited = runs.write("d", {"t": task([1.0])}, config={"model": "hf", "limit": 1.0})
    message = refusal(original, limited)
    assert "2 documents in original (--limit none) and 1 documents in ticket (--limit 1), of which 1" in message
    assert "--exclude t" in message


def test_same_number_of_other_documents_is_refused(runs, task):
    other = runs.write("b", {"t": task([1.0, 0.0], docs=[{"q": "x"}, {"q": "y"}])})
    assert "of which 0 are the same" in refusal(runs.write("a", {"t": [1.0, 0.0]}), other)


def test_other_gold_answers_are_refused(runs, task):
    other = task([1.0, 0.0])
    other["rows"][0]["target_hash"] = "changed"
    assert "other gold answers for 1" in refusal(runs.write("a", {"t": [1.0, 0.0]}), runs.write("b", {"t": other}))


def test_margins_that_moved_between_the_runs_are_refused(runs, task):
    one, other = (task([1.0], lottery={"margin": m}) for m in (0.05, 0.2))
    assert "fixes margin 0.05" in refusal(runs.write("a", {"t": one}), runs.write("b", {"t": other}))


@pytest.mark.parametrize("margin", [0, -0.1, 1.5, "0.1", True, float("nan")])
def test_margin_outside_0_1_is_refused_where_it_is_written(runs, task, margin):
    folders = [runs.write(name, {"t": task([1.0], lottery={"margin": margin})}) for name in "ab"]
    with pytest.raises(ConfigError, match=r"t: metadata\.lottery\.margin"):
        aligned(*folders)


def test_no_common_task_is_refused(runs):
    one, other = runs.write("a", {"t": [1.0], "w": [1.0]}), runs.write("b", {"u": [1.0], "w": [1.0]})
    assert "no task in common after leaving out w" in refusal(one, other, exclude=("w",))


def test_excluded_task_is_not_even_checked(runs, task):
    one = runs.write("a", {"t": [1.0], "u": task([1.0])})
    other = runs.write("b", {"t": [0.0], "u": task([1.0], version=2.0)})
    tasks, _ = aligned(one, other, exclude=("u",))
    assert [t.task for t in tasks] == ["t"]
    with pytest.raises(ConfigError, match="--exclude"):
        aligned(one, other, exclude=("typo",))


def test_a_run_is_not_compared_with_itself(runs):
    runs.write("all/a", {"t": [1.0]}, date="2026-01-01T00-00-00")
    ticket = runs.write("all/b", {"t": [1.0]}, date="2026-01-02T00-00-00")
    assert "same newest results" in refusal(ticket.parent, ticket)


def test_a_mixture_of_models_is_no_run(runs):
    runs.write("a", {"t": [1.0]}, model_args="pretrained=x", date="2026-01-01T00-00-00")
    mixed = runs.write("a", {"u": [1.0]}, model_args="pretrained=y", date="2026-01-02T00-00-00")
    other = runs.write("b", {"t": [1.0], "u": [1.0]})
    assert "2 different models" in refusal(mixed, other)
    assert [t.task for t in aligned(mixed, other, exclude=("u",))[0]] == ["t"]


@pytest.mark.parametrize("as_text", [True, False])
def test_augmentation_and_machine_may_differ_from_task_to_task(runs, as_text):
    for task, extra in (
        ("t", {"retriever": "bm25"}),
        ("u", {"reasoner": "react", "tools": "calculator", "device": "cpu"}),
    ):
        arguments = {"pretrained": "x", "compression": "int8", **extra}
        text = ",".join(f"{key}={value}" for key, value in arguments.items())
        runs.write(f"a/{task}", {task: [1.0]}, model="lottery", model_args=text if as_text else arguments)
    other = runs.write("b", {"t": [1.0], "u": [1.0]})
    assert [t.task for t in aligned(other, runs.root / "a")[0]] == ["t", "u"]


def test_allowed_differences_are_noted(runs):
    one = runs.write("a", {"t": [1.0], "u": [1.0]}, chat_template_sha=None)
    other = runs.write("b", {"t": [1.0], "w": [1.0]}, chat_template_sha="abc", system_instruction="Be brief.")
    _, notes = aligned(one, other)
    assert "ticket differs from the original in: chat template, system instruction." in notes
    assert "Not compared, as original ran it and ticket didn't: u." in notes
    assert "Not compared, as ticket ran it and original didn't: w." in notes


def test_task_settings_that_differ_are_noted_but_not_memory_addresses(runs, task):
    one, other, same = task([1.0]), task([1.0]), task([1.0])
    one["config"]["doc_to_text"] = "<function f at 0x7f00>"
    same["config"]["doc_to_text"] = "<function f at 0x8e11>"
    other["config"]["generation_kwargs"] = {"do_sample": True}
    original = runs.write("a", {"t": one})
    assert aligned(original, runs.write("b", {"t": same}))[1] == []
    assert aligned(original, runs.write("c", {"t": other}))[1] == [
        "ticket: t differs from the original's in: doc_to_text, generation_kwargs."
    ]


def test_clusters_of_one_document_each_are_no_clusters(runs, task):
    for cluster, expected in (("q", None), ("p", ['"p"', '"p"'])):
        docs = [{"q": "1", "p": "p"}, {"q": "2", "p": "p"}]
        folders = [
            runs.write(f"{x}{cluster}", {"t": task([1.0, 0.0], docs=docs, lottery={"cluster": cluster})}) for x in "ab"
        ]
        assert aligned(*folders)[0][0].clusters == expected
