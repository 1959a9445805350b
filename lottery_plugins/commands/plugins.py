"""`lottery plugins list | show NAME | doctor`: what is installed, what each plugin takes, and what is wrong."""

from __future__ import annotations

import argparse
import inspect
import json
from dataclasses import MISSING
from typing import Any

from lottery_plugins.discovery import KIND_HOOKS, discover
from lottery_plugins.errors import PluginNotFoundError
from lottery_plugins.options import OptionInfo, describe_options, missing_requirements
from lottery_plugins.registry import Registered, Registry
from lottery_plugins.specs import parse_specs

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-commands."""
    commands = parser.add_subparsers(dest="plugins_command", required=True, metavar="{list,show,doctor}")
    listing = commands.add_parser("list", help="every plugin that was found")
    listing.add_argument("--kind", choices=tuple(KIND_HOOKS), help="only this kind")
    listing.add_argument("--json", action="store_true", help="as JSON")
    show = commands.add_parser("show", help="options, source and origin of one plugin")
    show.add_argument("name", help="its name, or distribution/name")
    show.add_argument("--kind", choices=tuple(KIND_HOOKS), help="where several kinds share the name")
    show.add_argument("--json", action="store_true", help="as JSON")
    commands.add_parser("doctor", help="what is broken, blocked, in conflict, or lacks a library")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-command."""
    registry = discover()
    if args.plugins_command == "list":
        return _list(registry, args.kind, as_json=args.json)
    if args.plugins_command == "show":
        return _show(registry, args.name, args.kind, as_json=args.json)
    return _doctor(registry)


def _describe(plugin: Registered) -> dict[str, Any]:
    cls: Any = plugin.cls
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "summary": cls.summary,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "source": getattr(cls, "source", ""),
        "missing": [install for _, install in missing_requirements(cls)],
        "options": [_describe_option(option) for option in describe_options(cls)],
    }


def _describe_option(option: OptionInfo) -> dict[str, Any]:
    return {
        "name": option.name,
        "type": option.type_name,
        "default": None if option.default is MISSING else option.default,
        "is_required": option.default is MISSING,
        "unit": option.unit,
        "allowed": option.allowed,
        "help": option.help,
    }


def _list(registry: Registry, kind: str | None, *, as_json: bool) -> int:
    plugins = registry.plugins(kind)
    if as_json:
        print(json.dumps([_describe(plugin) for plugin in plugins], indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("kind", "name", "what it does", "from", title="Plugins")
    for plugin in plugins:
        cls: Any = plugin.cls
        table.add_row(plugin.kind, plugin.name, cls.summary, f"{plugin.distribution} {plugin.version}")
    console = Console()
    console.print(table)
    for package in registry.packages:
        if package.error is not None:
            console.print(f"left out: {package.error}", markup=False, style="red")
    return 0


def _show(registry: Registry, name: str, kind: str | None, *, as_json: bool) -> int:
    (spec,) = parse_specs(name, "name") or (None,)
    kinds = tuple(KIND_HOOKS) if kind is None else (kind,)
    known = [p for k in kinds for p in registry.plugins(k)]
    found = [p for p in known if spec and p.name == spec.name and spec.distribution in ("", p.distribution)]
    if not found:
        raise PluginNotFoundError(kind or "plugin", name, {p.name for p in known})
    if as_json:
        print(json.dumps([_describe(plugin) for plugin in found], indent=2))
        return 0
    from rich.console import Console

    for plugin in found:
        _print_one(Console(), plugin)
    return 0


def _print_one(console: Any, plugin: Registered) -> None:
    from rich.table import Table

    told = _describe(plugin)
    console.print(f"{told['kind']} {told['name']}: {told['summary']}", style="bold", markup=False)
    console.print(f"from {told['distribution']} {told['version']}", markup=False)
    if told["source"]:
        console.print(f"source: {told['source']}", markup=False)
    for install in told["missing"]:
        console.print(f"needs: {install}", style="red", markup=False)
    if told["options"]:
        table = Table("option", "type", "default", "unit", "allowed", "meaning")
        for o in told["options"]:
            default = "must be given" if o["is_required"] else json.dumps(o["default"])
            table.add_row(o["name"], o["type"], default, o["unit"], o["allowed"], o["help"])
        console.print(table)
    console.print(inspect.cleandoc(plugin.cls.__doc__ or ""), markup=False, highlight=False)


def _doctor(registry: Registry) -> int:
    problems = [str(package.error) for package in registry.packages if package.error is not None]
    names: dict[tuple[str, str], list[str]] = {}
    for plugin in registry.plugins():
        names.setdefault((plugin.kind, plugin.name), []).append(plugin.distribution)
        for module, install in missing_requirements(plugin.cls):
            problems.append(f"{plugin.kind} {plugin.name}: no package {module!r}. Install it: {install}")
    for (kind, name), distributions in names.items():
        if len(distributions) > 1:
            either = " or ".join(f"'{d}/{name}'" for d in sorted(distributions))
            problems.append(f"{kind} {name}: {len(distributions)} distributions have this name. Write {either}.")
    for found in registry.packages:
        state = "broken" if found.error else "blocked" if found.is_blocked else f"{len(found.provides)} plugins"
        print(f"{found.name} {found.version}: {state}")
    for problem in problems:
        print(f"problem: {problem}")
    print(f"{len(problems)} problems" if problems else "all is well")
    return 1 if problems else 0
