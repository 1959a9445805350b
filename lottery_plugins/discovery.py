"""From installed entry points to a registry: each plugin loaded apart, so that a broken one is named and left out.

Environment switches, both lists of distribution names separated by commas:

    LOTTERY_PLUGINS_LOAD    load only these (set but empty: none); the built-ins are always there
    LOTTERY_PLUGINS_BLOCK   leave these out
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pluggy

from lottery_plugins.errors import PluginError, suggest
from lottery_plugins.hookspecs import LotterySpecs
from lottery_plugins.observers import Observers
from lottery_plugins.options import describe_options
from lottery_plugins.registry import PluginPackage, Registered, Registry
from lottery_plugins.specs import is_plugin_name

__all__ = ["GROUP", "KIND_HOOKS", "EntryPoint", "discover", "installed_entry_points", "task_paths"]

GROUP = "lottery_plugins"
BUILTIN_MODULE = "lottery_plugins.builtin"
BUILTIN_DISTRIBUTION = "lottery-plugins"

KIND_HOOKS: Mapping[str, str] = {
    "compression": "lottery_compression_methods",
    "tool": "lottery_tools",
    "retriever": "lottery_retrievers",
    "memory": "lottery_memory_backends",
    "reasoner": "lottery_reasoners",
    "verifier": "lottery_verifiers",
}
_OBSERVING = ("lottery_step_finished", "lottery_run_finished", "lottery_authorize_tool_call")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """What discovery needs of an entry point; tests make their own.

    Attributes:
        name: Name of the entry point.
        distribution: Name of the distribution that declares it.
        version: Version of that distribution.
        target: "module" or "module:attribute"; or the plugin object itself.
    """

    name: str
    distribution: str
    version: str
    target: Any

    def load(self) -> Any:
        """The plugin object. Runs foreign code, which may raise anything."""
        if not isinstance(self.target, str):
            return self.target
        module, _, attribute = self.target.partition(":")
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded


def installed_entry_points() -> list[EntryPoint]:
    """The built-ins, then all outside entry points of the group `lottery_plugins`, sorted by distribution and name."""
    found = [
        EntryPoint(point.name, dist.metadata["Name"], dist.version, point.value)
        for dist in metadata.distributions()
        for point in dist.entry_points
        if point.group == GROUP and point.value != BUILTIN_MODULE
    ]
    unique = {(p.distribution, p.name): p for p in found}  # one path listed twice gives each distribution twice
    try:
        version = metadata.version(BUILTIN_DISTRIBUTION)
    except metadata.PackageNotFoundError:  # used from a checkout that is on the path but not installed
        version = "0"
    builtin = EntryPoint("builtin", BUILTIN_DISTRIBUTION, version, BUILTIN_MODULE)
    return [builtin, *(unique[key] for key in sorted(unique))]


def discover(entry_points: Iterable[EntryPoint] | None = None, environ: Mapping[str, str] | None = None) -> Registry:
    """Load all plugins into a fresh registry.

    Args:
        entry_points: What to load; None: what is installed.
        environ: Where the switches are read from; None: the process environment.

    Returns:
        The registry. Broken plugins are not in it but stand in its `packages` with their error.
    """
    environ = os.environ if environ is None else environ
    plugins: list[Registered] = []
    packages: list[PluginPackage] = []
    paths: list[Path] = []
    callers: list[tuple[str, Mapping[str, Any]]] = []
    for point in installed_entry_points() if entry_points is None else entry_points:
        name = f"{point.distribution}:{point.name}"
        if not _is_wanted(point, environ):
            packages.append(PluginPackage(name, point.distribution, point.version, is_blocked=True))
            continue
        try:
            loaded = _load(point, name)
        except PluginError as error:
            packages.append(PluginPackage(name, point.distribution, point.version, error))
            continue
        plugins += loaded.plugins
        paths += loaded.task_paths
        callers.append((name, loaded.observing))
        provides = tuple((p.kind, p.name) for p in loaded.plugins)
        packages.append(PluginPackage(name, point.distribution, point.version, provides=provides))
    return Registry(plugins, packages, paths, Observers(callers))


def task_paths() -> list[Path]:
    """Task folders of all installed plugins, the built-in one included."""
    return list(discover().task_paths)


def _is_wanted(point: EntryPoint, environ: Mapping[str, str]) -> bool:
    def listed(variable: str) -> set[str]:
        return {word.strip() for word in environ[variable].split(",")}

    if point.distribution == BUILTIN_DISTRIBUTION:
        return True
    if "LOTTERY_PLUGINS_LOAD" in environ and point.distribution not in listed("LOTTERY_PLUGINS_LOAD"):
        return False
    return not ("LOTTERY_PLUGINS_BLOCK" in environ and point.distribution in listed("LOTTERY_PLUGINS_BLOCK"))


@dataclass(frozen=True, slots=True)
class _Loaded:
    plugins: list[Registered]
    task_paths: list[Path]
    observing: Mapping[str, Any]


def _load(point: EntryPoint, name: str) -> _Loaded:
    """Load one entry point in a plugin manager of its own.

    Its own manager keeps it apart from the others: they can neither stop its hooks nor be stopped by them.
    """
    manager = pluggy.PluginManager("lottery_plugins")
    manager.add_hookspecs(LotterySpecs)
    try:
        manager.register(point.load(), name=name)
    except Exception as error:
        raise PluginError(name, "loading", error) from error
    _check_hook_names(manager, name)
    plugins = [
        _registered(kind, cls, point, name) for kind, hook in KIND_HOOKS.items() for cls in _call(manager, hook, name)
    ]
    folders = [Path(folder) for folder in _call(manager, "lottery_task_paths", name)]
    for folder in folders:
        if not folder.is_dir():
            raise PluginError(name, "registering its tasks", f"{folder} is not a folder")
    implemented = {hook for hook in _OBSERVING if getattr(manager.hook, hook).get_hookimpls()}
    return _Loaded(plugins, folders, {hook: getattr(manager.hook, hook) for hook in implemented})


def _check_hook_names(manager: pluggy.PluginManager, name: str) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [hook for hook in vars(LotterySpecs) if hook.startswith("lottery_")]
        wrong = [hook for hook in vars(manager.hook) if not hook.startswith("_") and hook not in known]
        hints = " ".join(f"No hook is called {hook!r}. {suggest(hook, known)}" for hook in wrong)
        raise PluginError(name, "registering its hooks", hints.strip() or str(error)) from error


def _call(manager: pluggy.PluginManager, hook: str, name: str) -> list[Any]:
    try:
        return [item for answer in getattr(manager.hook, hook)() for item in answer]
    except Exception as error:
        raise PluginError(name, f"answering the hook {hook}", error) from error


def _registered(kind: str, cls: Any, point: EntryPoint, name: str) -> Registered:
    doing = f"registering the {kind} {getattr(cls, '__name__', cls)!r}"
    if not isinstance(cls, type):
        raise PluginError(name, doing, "it is no class; hooks return classes, not instances")
    if not is_plugin_name(getattr(cls, "name", "")):
        raise PluginError(name, doing, f"its name {getattr(cls, 'name', None)!r} is not lower-case words and hyphens")
    try:
        describe_options(cls)
    except (TypeError, NameError) as error:
        raise PluginError(name, doing, error) from error
    return Registered(kind, cls, point.distribution, point.version)
