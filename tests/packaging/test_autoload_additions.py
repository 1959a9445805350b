"""What is added to lm-eval's models and tasks, against stand-ins of their shape and the real ones' signatures."""

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from standins import module_of

from lottery_plugins.errors import DataError
from lottery_plugins.harness import autoload, offers


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Two task folders that plugins offer."""
    made = [tmp_path / "ours", tmp_path / "plugin"]
    for folder in made:
        folder.mkdir()
    discovery = module_of("lottery_plugins.discovery", task_paths=lambda: made)
    monkeypatch.setitem(sys.modules, "lottery_plugins.discovery", discovery)
    return made


@pytest.fixture
def manager_class():
    """A TaskManager with our additions, and lm-eval's signature."""

    class TaskManager:
        def __init__(self, verbosity=None, include_path=None, include_defaults=True, metadata=None):
            self.include_path = include_path
            self.searched = include_path

        def load(self, task_list):
            return {"tasks": {task.task_name: task for task in task_list}, "groups": {"g": SimpleNamespace(name="g")}}

    autoload.attach(module_of("lm_eval.tasks.manager", TaskManager=TaskManager))
    return TaskManager


def test_our_folders_are_searched(manager_class, folders):
    assert manager_class().searched == folders


@pytest.mark.parametrize("make", [str, Path, lambda p: [p], lambda p: [str(p)], lambda p: (p,)])
def test_the_users_folder_comes_last_and_so_wins(manager_class, folders, tmp_path, make):
    wanted = make(tmp_path / "mine")
    manager = manager_class(include_path=wanted)
    assert [Path(p) for p in manager.searched] == [*folders, tmp_path / "mine"]
    assert manager.include_path == wanted


def test_a_folder_the_user_names_is_not_searched_twice(manager_class, folders):
    manager = manager_class(None, str(folders[0]))
    assert [Path(p) for p in manager.searched] == [folders[1], folders[0]]


def test_without_defaults_only_what_is_named_is_searched(manager_class, folders):
    assert manager_class(include_path="mine", include_defaults=False).searched == "mine"


def test_folders_that_cannot_be_told_leave_lm_eval_as_it_was(manager_class, monkeypatch, capsys):
    def task_paths():
        raise DataError("plugin x", "is broken")

    discovery = module_of("lottery_plugins.discovery", task_paths=task_paths)
    monkeypatch.setitem(sys.modules, "lottery_plugins.discovery", discovery)
    assert manager_class().searched is None
    assert "plugin x is broken" in capsys.readouterr().err


def task(name, metadata):
    return SimpleNamespace(task_name=name, config=SimpleNamespace(metadata=metadata))


def test_what_a_task_offers_is_remembered_by_name(manager_class, folders):
    manager_class().load([task("a", {"lottery": {"question": "q"}}), task("b", {"version": 1}), task("c", None)])
    assert offers.offer_of("a") == {"question": "q"}
    assert offers.offer_of("b") == offers.offer_of("c") == offers.offer_of("never loaded") == {}


def test_loading_a_task_again_replaces_what_it_offered(manager_class, folders):
    manager = manager_class()
    manager.load([task("a", {"lottery": {"question": "q"}})])
    manager.load([task("a", {"version": 1})])
    assert offers.offer_of("a") == {}


def test_an_offer_cannot_be_changed_by_its_reader(manager_class, folders):
    manager_class().load([task("a", {"lottery": {"question": "q"}})])
    with pytest.raises(TypeError):
        offers.offer_of("a")["question"] = "gold"


def test_an_offer_that_is_no_mapping_names_the_task():
    with pytest.raises(DataError, match=r"task a has metadata.lottery: \['q'\]"):
        offers.remember("a", ["q"])


@pytest.fixture
def models():
    """Attach to a stand-in for lm_eval.models and return what is registered."""

    def attach(registered=(), **more):
        from lm_eval.api.registry import Registry

        registry = Registry("model")
        for name in registered:
            registry.register(name, target=f"theirs:{name}")
        module = module_of("lm_eval.models", **more)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lm_eval.api.registry.model_registry", registry)
            autoload.attach(module)
            autoload.attach(module)
        return registry._objs

    return attach


def test_the_model_is_registered_lazily_by_name(models):
    assert models(["hf"]) == {"hf": "theirs:hf", "lottery": autoload.MODEL_TARGET}


def test_a_model_that_is_registered_already_is_left_alone(models):
    assert models(["lottery"]) == {"lottery": "theirs:lottery"}


def test_an_lm_eval_that_reads_entry_points_registers_by_itself(models):
    assert models(load_entry_points=len) == {}


def test_the_installed_lm_eval_is_one_that_does_not_read_entry_points():
    import lm_eval.api.registry
    import lm_eval.models

    assert not autoload._reads_entry_points(lm_eval.models, lm_eval.api.registry)


def test_every_addition_keeps_the_signature_and_is_made_once():
    import lm_eval._cli.harness
    import lm_eval._cli.validate
    import lm_eval.loggers.evaluation_tracker
    import lm_eval.tasks.manager

    targets = [
        (lm_eval.tasks.manager, "TaskManager", "__init__"),
        (lm_eval.tasks.manager, "TaskManager", "load"),
        (lm_eval._cli.validate, "Validate", "_execute"),
        (lm_eval._cli.harness, "HarnessCLI", "execute"),
        (lm_eval.loggers.evaluation_tracker, "EvaluationTracker", "save_results_aggregated"),
    ]
    for module, class_name, method in targets:
        real = getattr(module, class_name)
        copy = type(class_name, (real,), {n: inspect.unwrap(v) for n, v in vars(real).items() if inspect.isfunction(v)})
        before = inspect.signature(getattr(copy, method))
        stand_in = module_of(module.__name__, **{class_name: copy})
        autoload.attach(stand_in)
        once = getattr(copy, method)
        autoload.attach(stand_in)
        assert getattr(copy, method) is once
        assert inspect.signature(once) == before


def test_data_are_read_before_a_model_is_made(tmp_path):
    """A model name that lm-eval does not know fails only after the data were found wanting."""
    from lm_eval import simple_evaluate

    autoload.attach_now()
    with pytest.raises(DataError, match=r"gsm8k\.jsonl does not exist"):
        simple_evaluate(model="no-such-model", tasks=["lottery-paper-gsm8k"], metadata={"data_dir": str(tmp_path)})
