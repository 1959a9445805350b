"""From arms to lm-eval runs: each arm in a process of its own, through the packed engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.errors import MissingExtraError, PluginError, PluginNotFoundError
from lottery_plugins.harness.study import HarnessRun
from lottery_plugins.options import check_requirements

from .arms import Arm, Table

__all__ = ["Settings", "missing", "run_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for."""

    model: str
    data: Path
    limit: int
    threads: int
    out: Path


def run_of(name: str, table: Table, number: int, settings: Settings) -> HarnessRun:
    """The run of a table's arm."""
    arm = table.arms[number]
    return HarnessRun(
        model_args={"pretrained": settings.model, "dtype": "float32", **_args(arm, settings)},
        tasks=list(arm.tasks or table.tasks),
        output_path=str(settings.out / "runs" / name / f"{number}-{arm.name.replace(', ', '-').replace(' ', '-')}"),
        limit=min(settings.limit, arm.max_docs or settings.limit),
        metadata={"data_dir": str(settings.data)},
        num_fewshot=arm.num_fewshot,
    )


def _args(arm: Arm, settings: Settings) -> Mapping[str, Any]:
    args = {name: value.format(data=settings.data) for name, value in arm.args.items()}
    return {"engine": f"packed:threads={settings.threads}", **args}


def missing(run: HarnessRun) -> str:
    """Why an arm can't be run with the plugins that are installed; "" when it can."""
    config, registry = RunConfig.parse(run.model_args), discover()
    tools = [("tool", spec) for spec in config.tools]
    retrievers = [("retriever", spec) for spec in config.retriever]
    try:
        for kind, spec in (("reasoner", config.reasoner), *tools, *retrievers):
            check_requirements(registry.find(kind, spec).cls, f"{kind} {spec.full_name}")
    except (PluginNotFoundError, MissingExtraError, PluginError) as error:
        return str(error)
    return ""
