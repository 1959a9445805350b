"""What is added to lm-eval's commands and to what they write, against stand-ins of their shape."""

import inspect
import sys
from types import SimpleNamespace

import pytest
from standins import module_of

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.harness import autoload


@pytest.fixture
def tracker_class():
    """An EvaluationTracker of lm-eval's own, with our addition."""
    from lm_eval.loggers.evaluation_tracker import EvaluationTracker

    own = {"save_results_aggregated": inspect.unwrap(EvaluationTracker.save_results_aggregated)}
    tracker = type("EvaluationTracker", (EvaluationTracker,), own)
    autoload.attach(module_of("lm_eval.loggers.evaluation_tracker", EvaluationTracker=tracker))
    return tracker


@pytest.fixture
def exported(monkeypatch):
    """A lottery model has run, and these are the results files whose records were asked for."""
    files = []
    records = module_of("lottery_plugins.harness.records", export_beside=files.append)
    monkeypatch.setitem(sys.modules, "lottery_plugins.harness.records", records)
    monkeypatch.setitem(sys.modules, "lottery_plugins.harness.model", module_of("lottery_plugins.harness.model"))
    return files


@pytest.mark.parametrize("output", ["runs/ticket", "runs/ticket.json"])
def test_records_are_exported_beside_the_file_that_lm_eval_wrote(tracker_class, exported, tmp_path, output):
    tracker = tracker_class(output_path=str(tmp_path / output))
    tracker.general_config_tracker.model_name_sanitized = "org__model"
    tracker.save_results_aggregated({"results": {}}, None)
    written = list(tmp_path.rglob("*.json"))
    assert exported == written
    assert len(written) == 1


def test_nothing_is_exported_without_an_output_path(tracker_class, exported):
    tracker_class().save_results_aggregated({"results": {}}, None)
    assert exported == []


def test_a_file_that_lm_eval_could_not_write_is_still_named_to_the_records(tracker_class, exported, tmp_path):
    (tmp_path / "runs").write_text("a file where the folder should be")
    tracker_class(output_path=str(tmp_path / "runs" / "x")).save_results_aggregated({"results": {}}, None)
    (named,) = exported
    assert named.parent.parent == tmp_path / "runs" / "x"
    assert not named.exists()


def test_nothing_is_exported_when_no_lottery_model_ran(tracker_class, exported, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "lottery_plugins.harness.model")
    tracker_class(output_path=str(tmp_path / "runs")).save_results_aggregated({"results": {}}, None)
    assert exported == []


@pytest.fixture
def command():
    """lm-eval's command with our addition, running a given function."""

    class HarnessCLI:
        def execute(self, args):
            args()

    autoload.attach(module_of("lm_eval._cli.harness", HarnessCLI=HarnessCLI))
    return HarnessCLI().execute


def raising(error):
    def run():
        raise error

    return run


def test_an_error_for_the_user_ends_with_one_sentence_and_status_2(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        command(raising(ConfigError("tools", "calculater", "a tool")))
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "\nConfigError: tools: got 'calculater', allowed is a tool.\n"


def test_the_traceback_shows_on_request(command, capsys, monkeypatch):
    monkeypatch.setenv("LOTTERY_DEBUG", "1")
    with pytest.raises(SystemExit):
        command(raising(ConfigError("tools", "calculater", "a tool")))
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_interrupting_a_lottery_run_says_how_to_go_on(command, capsys, exported):
    with pytest.raises(SystemExit) as exit_:
        command(raising(KeyboardInterrupt()))
    assert exit_.value.code == 130
    assert capsys.readouterr().err.endswith(
        "Interrupted: finished samples are kept; the same command goes on where it stopped.\n"
    )


def test_interrupting_another_model_promises_nothing(command, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "lottery_plugins.harness.model", raising=False)
    with pytest.raises(KeyboardInterrupt):
        command(raising(KeyboardInterrupt()))
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback(command):
    with pytest.raises(ZeroDivisionError):
        command(raising(ZeroDivisionError()))


def test_a_failed_export_is_told_after_lm_eval_has_finished(command, tracker_class, exported, tmp_path, monkeypatch):
    def export_beside(file):
        raise DataError(str(file.parent), "is full")

    monkeypatch.setattr(sys.modules["lottery_plugins.harness.records"], "export_beside", export_beside)
    done = []

    def run():
        tracker_class(output_path=str(tmp_path / "runs")).save_results_aggregated({"results": {}}, None)
        done.append("table printed")

    with pytest.raises(SystemExit) as exit_:
        command(run)
    assert (done, exit_.value.code) == (["table printed"], 2)


@pytest.fixture
def validate(monkeypatch):
    """lm-eval's validate command over three known tasks; returns what it was asked to validate."""
    known = ["lottery_a", "lottery_b", "other"]
    made = []

    class TaskManager:
        def __init__(self, include_path=None):
            made.append(include_path)

        def match_tasks(self, patterns):
            import fnmatch

            return sorted({name for p in patterns for name in fnmatch.filter(known, p)})

    class Validate:
        def _execute(self, args):
            sys.modules["lm_eval.tasks"].TaskManager(include_path=args.include_path)
            self.seen = args.tasks

    monkeypatch.setitem(sys.modules, "lm_eval.tasks", module_of("lm_eval.tasks", TaskManager=TaskManager))
    autoload.attach(module_of("lm_eval._cli.validate", Validate=Validate))

    def run(tasks):
        command = Validate()
        command._execute(SimpleNamespace(tasks=tasks, include_path="mine"))
        assert made == ["mine"]  # the index takes seconds: never built twice
        assert sys.modules["lm_eval.tasks"].TaskManager is TaskManager
        return command.seen

    return run


@pytest.mark.parametrize(
    ("asked", "validated"),
    [
        ("lottery_*", "lottery_a,lottery_b"),
        ("other,lottery_?", "other,lottery_a,lottery_b"),
        ("nothing_*,other", "nothing_*,other"),
        ("lottery_a,missing", "lottery_a,missing"),
    ],
)
def test_validate_sees_globs_expanded(validate, asked, validated):
    assert validate(asked) == validated
