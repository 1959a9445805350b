"""Discovery: each plugin apart, the broken ones named, the others heard."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest

from lottery_plugins import hookimpl, option
from lottery_plugins.discovery import KIND_HOOKS, EntryPoint, discover
from lottery_plugins.errors import ConfigError, MissingExtraError, PluginConflictError, PluginError, PluginNotFoundError
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.hookspecs import LotterySpecs
from lottery_plugins.messages import Message
from lottery_plugins.specs import parse_specs
from lottery_plugins.trajectory import Problem, Step, ToolCall


@dataclass(frozen=True)
class Echo:
    """Give back the text."""

    name: ClassVar[str] = "echo"
    summary: ClassVar[str] = "Gives back the text."
    times: int = option(1, "how often", allowed="1 to 9")
    ratio: float = option(0.5, "a fraction")
    loud: bool = option(False, "in capitals")
    word: str | None = option(None, "a word to add")

    def __post_init__(self) -> None:
        if not 1 <= self.times <= 9:
            raise ConfigError("tool echo.times", self.times, "1 to 9")


@dataclass(frozen=True)
class NeedsMoon:
    """Needs a library that nobody has."""

    name: ClassVar[str] = "needs-moon"
    summary: ClassVar[str] = "Needs a library."
    requires: ClassVar[tuple] = (("moon_base", "pip install moon-base"),)


def plugin(**hooks):
    made = SimpleNamespace()
    for name, answer in hooks.items():

        def implementation(answer=answer):
            return answer() if callable(answer) and not isinstance(answer, type) else answer

        implementation.__name__ = name
        setattr(made, name, hookimpl(implementation))
    return made


def entry(distribution, target, version="1.0"):
    return EntryPoint("main", distribution, version, target)


def found(*points, **environ):
    return discover(points, environ)


def spec(text):
    return parse_specs(text, "x")[0]


def explode():
    raise RuntimeError("boom")


PROBLEM = Problem(task="t", doc_id=0, messages=(Message("user", "q"),), question="q", config=GenerationConfig())


@pytest.mark.parametrize(("kind", "hook"), KIND_HOOKS.items())
def test_every_registration_hook_fills_its_kind(kind, hook):
    registry = found(entry("acme", plugin(**{hook: [Echo]})))
    assert [(p.kind, p.name, p.distribution) for p in registry.plugins()] == [(kind, "echo", "acme")]


def test_every_hook_of_the_specification_is_used_by_discovery():
    hooks = {name for name in vars(LotterySpecs) if name.startswith("lottery_")}
    observing = {"lottery_step_finished", "lottery_run_finished", "lottery_authorize_tool_call"}
    assert hooks == {*KIND_HOOKS.values(), *observing, "lottery_task_paths"}


def test_task_folders_are_collected(tmp_path):
    assert found(entry("acme", plugin(lottery_task_paths=[tmp_path]))).task_paths == (tmp_path,)


def test_missing_task_folder_breaks_only_its_plugin(tmp_path):
    registry = found(
        entry("acme", plugin(lottery_task_paths=[tmp_path / "no"])), entry("good", plugin(lottery_tools=[Echo]))
    )
    assert "is not a folder" in str(registry.packages[0].error)
    assert [p.name for p in registry.plugins()] == ["echo"]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (plugin(lottery_tools=explode), "lottery_tools: RuntimeError: boom"),
        (plugin(lottery_toolz=[Echo]), "'lottery_toolz'. Did you mean 'lottery_tools'"),
        (plugin(lottery_tools=[Echo()]), "no class"),
        (plugin(lottery_tools=[int]), "its name None"),
        ("module_that_is_not_there", "ModuleNotFoundError"),
    ],
)
def test_broken_plugin_is_named_and_harms_nobody_else(broken, told):
    registry = found(entry("bad", broken), entry("good", plugin(lottery_tools=[Echo])))
    assert told in str(registry.packages[0].error)
    assert "bad:main" in str(registry.packages[0].error)
    assert registry.create("tool", spec("echo")) == Echo()


def test_broken_plugin_named_by_the_run_stops_it():
    registry = found(entry("bad", plugin(lottery_tools=explode)))
    with pytest.raises(PluginError, match="boom"):
        registry.create("tool", spec("bad/echo"))
    with pytest.raises(PluginError, match="bad:main"):
        registry.create("tool", spec("echo"))


def test_two_distributions_with_one_name_must_be_told_apart():
    registry = found(entry("acme", plugin(lottery_tools=[Echo])), entry("zeta", plugin(lottery_tools=[Echo])))
    with pytest.raises(PluginConflictError, match="'acme/echo' or 'zeta/echo'"):
        registry.create("tool", spec("echo"))
    assert registry.find("tool", spec("zeta/echo")).distribution == "zeta"


def test_unknown_name_gets_a_suggestion():
    registry = found(entry("acme", plugin(lottery_tools=[Echo])))
    with pytest.raises(PluginNotFoundError, match="Did you mean 'echo'"):
        registry.create("tool", spec("ecko"))


def test_options_are_typed_from_text():
    registry = found(entry("acme", plugin(lottery_tools=[Echo])))
    made = registry.create("tool", spec("echo:times=3:ratio=1:loud=true:word=null"))
    assert made == Echo(times=3, ratio=1.0, loud=True, word=None)
    assert isinstance(made.ratio, float)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo:tims=3", "Did you mean 'times'"),
        ("echo:times=many", "got 'many', allowed is int in 1 to 9"),
        ("echo:times=12", "got 12, allowed is 1 to 9"),
        ("echo:loud=maybe", "allowed is bool"),
    ],
)
def test_bad_option_says_where_what_and_what_is_allowed(text, told):
    registry = found(entry("acme", plugin(lottery_tools=[Echo])))
    with pytest.raises(ConfigError, match=told):
        registry.create("tool", spec(text))


def test_missing_library_is_told_with_how_to_install_it():
    registry = found(entry("acme", plugin(lottery_tools=[NeedsMoon])))
    with pytest.raises(MissingExtraError, match="pip install moon-base"):
        registry.create("tool", spec("needs-moon"))


def test_environment_switches_choose_what_is_loaded():
    points = [entry("acme", plugin(lottery_tools=[Echo])), entry("zeta", plugin(lottery_retrievers=[Echo]))]

    def kinds(**environ):
        return [p.kind for p in discover(points, environ).plugins()]

    assert kinds() == ["retriever", "tool"]
    assert kinds(LOTTERY_PLUGINS_LOAD="acme") == ["tool"]
    assert kinds(LOTTERY_PLUGINS_LOAD="") == []
    assert kinds(LOTTERY_PLUGINS_BLOCK="acme") == ["retriever"]
    assert kinds(LOTTERY_PLUGINS_LOAD="acme,zeta", LOTTERY_PLUGINS_BLOCK="zeta") == ["tool"]


def observer(**hooks):
    made = SimpleNamespace()
    for name, function in hooks.items():
        function.__name__ = name
        setattr(made, name, hookimpl(function))
    return made


def test_observers_hear_of_steps_and_runs_and_a_broken_one_changes_nothing(caplog):
    heard = []

    def broken(problem, step):
        raise ValueError("no")

    def listening(problem, step):
        heard.append(step.output)

    def ended(ledger, folder):
        heard.append((ledger["x"], folder))

    observers = found(
        entry("bad", observer(lottery_step_finished=broken)),
        entry("good", observer(lottery_step_finished=listening, lottery_run_finished=ended)),
    ).observers
    for _ in range(2):
        observers.step_finished(PROBLEM, Step(kind="generate", output="o"))
    observers.run_finished({"x": 1}, None)
    assert heard == ["o", "o", (1, None)]
    assert caplog.text.count("bad:main") == 1


@pytest.mark.parametrize(
    ("opinions", "denied"),
    [
        ([None], None),
        ([True], None),
        ([None, False], "denied by plugin p1:main"),
        (["because"], "because"),
        ([True, False], None),
        ([False, True], "denied by plugin p0:main"),
    ],
)
def test_first_guard_with_an_opinion_decides(opinions, denied):
    def guard(opinion):
        def ask(problem, call):
            return opinion

        return ask

    points = [entry(f"p{i}", observer(lottery_authorize_tool_call=guard(o))) for i, o in enumerate(opinions)]
    assert found(*points).observers.authorize(PROBLEM, ToolCall("t", {})) == denied


def test_broken_guard_denies():
    def ask(problem, call):
        raise ValueError("no")

    observers = found(entry("bad", observer(lottery_authorize_tool_call=ask))).observers
    assert "bad:main" in observers.authorize(PROBLEM, ToolCall("t", {}))
