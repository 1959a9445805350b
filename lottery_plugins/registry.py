"""The registry: every plugin by kind and name, frozen once it is built, and passed to whoever needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lottery_plugins.errors import PluginConflictError, PluginError, PluginNotFoundError
from lottery_plugins.observers import Observers
from lottery_plugins.options import build_plugin, check_requirements
from lottery_plugins.specs import PluginSpec

__all__ = ["PluginPackage", "Registered", "Registry"]


@dataclass(frozen=True, slots=True)
class Registered:
    """One plugin class and where it came from."""

    kind: str
    cls: type
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """The word users write."""
        return str(self.cls.name)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class PluginPackage:
    """One entry point that was found.

    Attributes:
        name: "distribution:entry point".
        distribution: Its distribution.
        version: Version of the distribution.
        error: Why it is left out; None when it was loaded.
        provides: (kind, name) of what it registered.
        is_blocked: Whether the environment switched it off.
    """

    name: str
    distribution: str
    version: str
    error: PluginError | None = None
    provides: tuple[tuple[str, str], ...] = ()
    is_blocked: bool = False


class Registry:
    """All plugins of one process or test. Built by `discovery.discover`; never changed afterwards.

    Attributes:
        packages: Every entry point found, broken and blocked ones included.
        task_paths: Folders of task YAML files.
        observers: Calls the observing and authorizing hooks.
    """

    def __init__(
        self,
        plugins: Sequence[Registered] = (),
        packages: Sequence[PluginPackage] = (),
        task_paths: Sequence[Path] = (),
        observers: Observers | None = None,
    ) -> None:
        by_kind: dict[str, dict[str, list[Registered]]] = {}
        for plugin in plugins:
            by_kind.setdefault(plugin.kind, {}).setdefault(plugin.name, []).append(plugin)
        self._plugins: Mapping[str, Mapping[str, list[Registered]]] = MappingProxyType(by_kind)
        self.packages = tuple(packages)
        self.task_paths = tuple(task_paths)
        self.observers = observers or Observers(())

    def plugins(self, kind: str | None = None) -> list[Registered]:
        """All plugins, of one kind when given, sorted by kind and name."""
        kinds = sorted(self._plugins) if kind is None else [kind]
        return [p for k in kinds for name in sorted(self._plugins.get(k, {})) for p in self._plugins[k][name]]

    def find(self, kind: str, spec: PluginSpec) -> Registered:
        """The plugin a spec names.

        Raises:
            PluginNotFoundError: None has that name.
            PluginConflictError: Several distributions have it, and the spec does not say which.
            PluginError: The distribution that the spec names is broken.
        """
        for package in self.packages:
            if package.error is not None and package.distribution == spec.distribution:
                raise package.error
        same = self._plugins.get(kind, {}).get(spec.name, [])
        if spec.distribution:
            same = [p for p in same if p.distribution == spec.distribution]
        if not same:
            raise self._not_found(kind, spec)
        if len(same) > 1:
            raise PluginConflictError(kind, spec.name, [p.distribution for p in same])
        return same[0]

    def _not_found(self, kind: str, spec: PluginSpec) -> PluginNotFoundError | PluginError:
        broken = [p for p in self.packages if p.error is not None]
        if len(broken) == 1:  # the likely owner of the missing name: its own error says more than "not found"
            return PluginError(
                broken[0].name,
                f"loading, and no other plugin offers the {kind} {spec.full_name!r}",
                broken[0].error.cause,  # type: ignore[union-attr]
            )
        return PluginNotFoundError(kind, spec.full_name, self._plugins.get(kind, {}))

    def create(self, kind: str, spec: PluginSpec) -> Any:
        """The plugin a spec names, with its options.

        Raises:
            ConfigError: An option is unknown, missing or outside what is allowed.
            MissingExtraError: A library it needs is not installed.
            PluginError: Its own constructor failed.
        """
        found = self.find(kind, spec)
        check_requirements(found.cls, f"{kind} {spec.full_name!r}")
        return build_plugin(found.cls, dict(spec.options), f"{kind} {spec.full_name}")
