import json

import pytest

from lottery_plugins.errors import ConfigError, DataError, RunsNotComparableError
from lottery_plugins.results.load import load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.samples import read_scores

OLD, NEW = "2026-11-20T10-00-00.5", "2026-11-21T10-00-00"


def scores_of(path, name="t", **options):
    return read_scores(load_run(path, "run").tasks[name], CompareOptions(**options))


def samples_file(folder, name="t"):
    return next(folder.rglob(f"samples_{name}_*.jsonl"))


def test_newest_result_of_each_task_wins_at_any_depth(runs):
    runs.write("a/deep", {"t": [1.0], "u": [1.0]}, date=OLD)
    folder = runs.write("a", {"t": [0.0]}, date=NEW)
    run = load_run(folder, "run")
    assert {name: task.file.date for name, task in run.tasks.items()} == {"t": NEW, "u": OLD}
    assert list(scores_of(folder).scores.values()) == [0.0]


def test_one_results_file_is_a_run(runs):
    path = next(runs.write("a", {"t": [1.0]}).rglob("results_*.json"))
    assert list(load_run(path, "run").tasks) == ["t"]


def test_results_file_named_by_an_output_path_with_suffix_is_found(runs):
    folder = runs.write("a", {"t": [1.0, 0.0]})
    path = next(folder.rglob("results_*.json"))
    path.rename(path.with_name(path.name.replace("results_", "mine_")))
    assert list(scores_of(folder).scores.values()) == [1.0, 0.0]


def test_groups_are_no_tasks(runs):
    folder = runs.write("a", {"t": [1.0]}, results={"t": {}, "group": {}}, groups={"group": {}})
    assert list(load_run(folder, "run").tasks) == ["t"]


def test_foreign_results_without_metadata_are_read(runs, task):
    foreign = task([1.0, 0.0])
    foreign["config"] = {"task": "t"}
    scores = scores_of(runs.write("a", {"t": foreign}))
    assert (scores.metric, scores.filter, list(scores.scores.values())) == ("exact_match", "none", [1.0, 0.0])


def test_ledger_of_another_results_file_is_not_used(runs):
    folder = runs.write("a", {"t": [1.0] * 10})
    runs.write_ledger("a")
    assert load_run(folder, "run").tasks["t"].file.ledger.weights.stored == 134_000_000
    runs.write_ledger("a", date=OLD)
    assert load_run(folder, "run").tasks["t"].file.ledger is None


def test_documents_whose_every_repeat_failed_are_named(runs):
    folder = runs.write("a", {"t": [1.0] * 4})
    runs.write_ledger("a", failed={1, 2}, num=4)
    lines = next(folder.rglob("trajectories.jsonl"))
    second_try = {**json.loads(lines.read_text().splitlines()[2]), "stop_reason": "answered", "sample": 1}
    lines.write_text(lines.read_text() + json.dumps(second_try) + "\n")
    scores = scores_of(folder)
    assert scores.failed == {list(scores.scores)[1]}


def test_first_filter_of_the_task_is_primary_and_another_can_be_chosen(runs, task):
    folder = runs.write("a", {"t": task([1.0, 1.0], filters=("strict", "flexible"))})
    assert (scores_of(folder).filter, sum(scores_of(folder).scores.values())) == ("strict", 2.0)
    assert sum(scores_of(folder, filter="flexible").scores.values()) == 0.0
    with pytest.raises(ConfigError, match="Did you mean 'flexible'"):
        scores_of(folder, filter="flexibel")


def test_task_names_its_metric_and_the_user_may_name_another(runs, task):
    two = task([1.0], lottery={"metric": "f1"})
    two["rows"][0] |= {"metrics": ["exact_match", "f1"], "f1": 0.5}
    folder = runs.write("a", {"t": two})
    assert list(scores_of(folder).scores.values()) == [0.5]
    assert list(scores_of(folder, metric="exact_match").scores.values()) == [1.0]
    with pytest.raises(ConfigError, match="'exact_match' or 'f1'"):
        scores_of(folder, metric="accuracy")


def test_duplicates_of_a_document_are_told_apart_by_their_order(runs, task):
    same = task([1.0, 0.0], docs=[{"q": "x"}, {"q": "x"}])
    assert list(scores_of(runs.write("a", {"t": same})).scores.values()) == [1.0, 0.0]


@pytest.mark.parametrize("score", [float("nan"), float("inf"), None, "1", [-16.5, 3]])
def test_score_that_is_no_number_is_refused_with_file_and_line(runs, score):
    folder = runs.write("a", {"t": [1.0, score]})
    with pytest.raises(DataError, match=r"samples_t_.*\.jsonl, line 2 has .* as its score of 'exact_match'"):
        scores_of(folder)


def test_samples_that_were_not_logged_are_asked_for(runs):
    folder = runs.write("a", {"t": [1.0]}, log_samples=False)
    with pytest.raises(RunsNotComparableError, match="--log_samples"):
        scores_of(folder)


def test_corrupt_files_are_named_with_their_line(runs):
    folder = runs.write("a", {"t": [1.0, 0.0]})
    path = samples_file(folder)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DataError, match="line 2 is not valid JSON"):
        scores_of(folder)
    path.write_text('{"doc_id": 0}\n')
    with pytest.raises(DataError, match="line 1 has no 'doc_hash'"):
        scores_of(folder)
    path.write_text("")
    with pytest.raises(DataError, match="is empty"):
        scores_of(folder)
    results = next(folder.rglob("results_*.json"))
    results.write_text('{\n "results": {\n')
    with pytest.raises(DataError, match=r"results_.*\.json is not valid JSON at line 3"):
        load_run(folder, "run")
    results.write_text("[]")
    with pytest.raises(DataError, match="is no results file"):
        load_run(folder, "run")


def test_trajectories_that_are_cut_off_are_named_with_their_line(runs):
    folder = runs.write("a", {"t": [1.0] * 10})
    runs.write_ledger("a")
    path = next(folder.rglob("trajectories.jsonl"))
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DataError, match=r"trajectories\.jsonl, line 10"):
        scores_of(folder)


def test_missing_and_empty_folders_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        load_run(tmp_path / "nowhere", "run")
    with pytest.raises(DataError, match="holds no results"):
        load_run(tmp_path, "run")


def test_cluster_field_that_a_document_lacks_is_an_error(runs, task):
    folder = runs.write("a", {"t": task([1.0], lottery={"cluster": "passage"})})
    with pytest.raises(DataError, match="has no field 'passage'"):
        scores_of(folder)
