"""What a verifier is trained on, read from the files of a run."""

import json

import pytest

from lottery_plugins.errors import ConfigError, DataError, RunsNotComparableError
from lottery_plugins.messages import Message
from lottery_plugins.results.examples import read_examples
from lottery_plugins.results.load import load_run


@pytest.fixture
def written(runs, task):
    """A run of one task; what was answered to document i is "answer i"."""

    def write(scores, prompts=None, **changes):
        made = task(scores, **changes)
        for i, row in enumerate(made["rows"]):
            row["arguments"] = {"gen_args_0": {"arg_0": (prompts or {}).get(i, f"prompt {i}")}}
            row["resps"] = [[f" answer {i} "], ["another"]]
        return load_run(runs.write("run", {"t": made}), "run")

    return write


def test_each_document_gives_its_first_answer_and_whether_it_was_right(written):
    examples = read_examples(written([1.0, 0.0, 0.5]), ())
    assert [example.correct for example in examples] == [True, False, False]
    assert examples[1].messages == (Message("user", "prompt 1"), Message("assistant", "answer 1"))
    assert not examples[0].is_chat
    assert len({example.group for example in examples}) == 3


def test_a_chat_that_was_kept_for_a_reasoner_is_a_chat_again(written):
    chat = json.dumps([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}])
    first, second = read_examples(written([1.0, 0.0], {0: chat, 1: '[{"role": broken'}), ())
    assert (first.is_chat, first.prompt) == (True, (Message("system", "s"), Message("user", "q")))
    assert (second.is_chat, second.prompt) == (False, (Message("user", '[{"role": broken'),))


def test_answers_of_our_own_runs_come_from_their_trajectories_and_failed_ones_are_left_out(written, runs):
    run = written([1.0, 0.0, 1.0])
    runs.write_ledger("run", failed=(1,), num=3)
    examples = read_examples(load_run(run.folder, "run"), ("t",))
    assert [(example.answer, example.correct) for example in examples] == [("", True), ("", True)]


def test_a_first_answer_that_failed_beside_a_second_that_did_not_is_left_out(written, runs):
    run = written([1.0, 0.0])
    runs.write_ledger("run", num=2)
    path = run.tasks["t"].file.path.with_name("trajectories.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines.append({**lines[0], "sample": 1})
    lines[0]["stop_reason"] = "failed"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [example.correct for example in read_examples(load_run(run.folder, "run"), ())] == [False]


def test_documents_of_a_cluster_are_a_group(written):
    docs = [{"q": str(i), "template": i % 2} for i in range(4)]
    examples = read_examples(written([1.0] * 4, docs=docs, lottery={"cluster": "template"}), ())
    assert [example.group for example in examples] == ["t 0", "t 1", "t 0", "t 1"]


def test_only_rows_of_the_scored_filter_count(written):
    assert len(read_examples(written([1.0, 0.0], filters=("strict", "flexible")), ())) == 2


@pytest.mark.parametrize(
    ("changes", "tasks", "error", "told"),
    [
        ({}, ("u",), ConfigError, "--task"),
        ({"higher": False}, (), DataError, "better when lower"),
    ],
)
def test_what_can_not_be_used_is_told(written, changes, tasks, error, told):
    with pytest.raises(error, match=told):
        read_examples(written([1.0, 0.0], **changes), tasks)


def test_tasks_without_generated_answers_are_left_out_or_refused(runs, task):
    chosen = task([1.0])
    chosen["config"]["output_type"] = "multiple_choice"
    run = load_run(runs.write("run", {"t": chosen}), "run")
    assert read_examples(run, ()) == []
    with pytest.raises(ConfigError, match="generated, not chosen"):
        read_examples(run, ("t",))


def test_samples_that_were_not_logged_are_told(runs):
    run = load_run(runs.write("run", {"t": [1.0]}, log_samples=False), "run")
    with pytest.raises(RunsNotComparableError, match="--log_samples"):
        read_examples(run, ())


def test_a_row_without_prompt_or_answer_is_named(runs, task):
    for missing in ("arguments", "resps"):
        made = task([1.0])
        del made["rows"][0][missing]
        run = load_run(runs.write(missing, {"t": made}), "run")
        with pytest.raises(DataError, match="row 1"):
            read_examples(run, ())
