"""From model arguments or YAML to one frozen, validated description of a run, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lottery_plugins.arguments import boolean, one_of, seconds, whole_number
from lottery_plugins.errors import ConfigError, DataError, suggest
from lottery_plugins.limits import Limits
from lottery_plugins.specs import ModelSpec, PluginSpec, parse_model, parse_specs, write_specs

__all__ = ["ENGINES", "OUR_ARGUMENTS", "RunConfig"]

_DIRECT = PluginSpec("direct")
_PLUGIN_ARGUMENTS = ("compression", "reasoner", "tools", "retriever", "memory", "verifier")
_LIMIT_ARGUMENTS = tuple(f.name for f in fields(Limits))
_RUN_ARGUMENTS = (
    "evidence", "engine", "prompt_truncation", "max_live", "max_failed", "resume", "tool_timeout_s", "tool_workers",
    "max_tools",
)  # fmt: skip
OUR_ARGUMENTS = (
    "base",
    *_PLUGIN_ARGUMENTS,
    "knowledge_base",
    "evidence",
    "budget_of",
    "proxy_model",
    *_LIMIT_ARGUMENTS,
    *_RUN_ARGUMENTS,
)
"""Model arguments that are ours; every other one goes to the base model."""

ENGINES = ("auto", "packed", "rounds", "vllm", "openai")
"""What `engine` may name; `auto` takes the fastest that serves the model."""

_AUTO = PluginSpec("auto")
_NOT_IN_FINGERPRINT = ("batch_size", "max_batch_size")  # how the work is cut up, not what is asked
_ENGINE_CUTS = frozenset({"threads", "kv_cache_gb", "max_step_tokens"})  # likewise, among the options of an engine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What one run does.

    Attributes:
        base: lm-eval's name of the model that is wrapped.
        base_args: Its arguments, untouched.
        compression: Methods applied to the base model, in the order written.
        reasoner: The algorithm A.
        tools: C, in the order shown to the model.
        retriever: R; several are fused by the ranks they give; () for none.
        memory: M; None for none.
        verifier: None for none.
        proxy_model: A small model beside the one under test that reasoners may ask; None for none.
        knowledge_base: D: a JSONL file of the user; "" takes the documents that the task brings.
        evidence: "found", or "shuffled": a placebo, every search gives documents of other questions.
        budget_of: Folder of a finished run: each problem is given the tokens that it generated for the same document,
            for a reasoner that draws until they are spent. "" for none.
        limits: Budget of one problem.
        engine: What runs the model, one of `ENGINES`, with its options.
        prompt_truncation: What an engine of ours does with a prompt that does not fit the model's window: "none" is an
            error, "left" drops its first tokens. A task may declare its own. lm-eval's `hf` always cuts silently from
            the left, also under engine=rounds.
        max_live: Most problems in flight; finished ones are stored at once.
        max_failed: Most problems that may fail (a plugin that raised) and count as wrong; more end the run.
        resume: Whether finished samples, and finished steps of the others, are kept on disk until the run is complete.
        tool_timeout_s: Most seconds for a tool call; then its process is killed and the model told so.
        tool_workers: Most processes for tools; 0: they run in threads, where no call can be ended; None: a few more
            than there are cores.
        max_tools: Most tools that a prompt shows; of more, those nearest to the question.
    """

    base: str = "hf"
    base_args: Mapping[str, Any] = field(default_factory=dict)
    compression: tuple[PluginSpec, ...] = ()
    reasoner: PluginSpec = _DIRECT
    tools: tuple[PluginSpec, ...] = ()
    retriever: tuple[PluginSpec, ...] = ()
    memory: PluginSpec | None = None
    verifier: PluginSpec | None = None
    proxy_model: ModelSpec | None = None
    knowledge_base: str = ""
    evidence: str = "found"
    budget_of: str = ""
    limits: Limits = field(default_factory=Limits)
    engine: PluginSpec = _AUTO
    prompt_truncation: str = "none"
    max_live: int = 64
    max_failed: int = 0
    resume: bool = True
    tool_timeout_s: float = 60.0
    tool_workers: int | None = None
    max_tools: int = 16

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> RunConfig:
        """Read model arguments, as lm-eval's parser or a YAML file gives them.

        Raises:
            ConfigError: A value of ours is not allowed.
        """
        values: dict[str, Any] = {}
        for name in ("compression", "tools", "retriever"):
            values[name] = parse_specs(arguments.get(name), name)
        for name in ("memory", "verifier"):
            values[name] = _at_most_one(parse_specs(arguments.get(name), name), name, arguments.get(name))
        reasoner = _at_most_one(
            parse_specs(arguments.get("reasoner"), "reasoner"), "reasoner", arguments.get("reasoner")
        )
        if reasoner is None:
            _check_nothing_is_ignored(arguments)
        base_args = {name: value for name, value in arguments.items() if name not in OUR_ARGUMENTS}
        return cls(
            **values,
            base=str(arguments.get("base") or "hf"),
            base_args=base_args,
            reasoner=reasoner or _DIRECT,
            proxy_model=parse_model(arguments.get("proxy_model"), "proxy_model"),
            knowledge_base=str(arguments.get("knowledge_base") or ""),
            evidence=one_of(arguments, "evidence", ("found", "shuffled")),
            budget_of=str(arguments.get("budget_of") or ""),
            limits=_limits(arguments),
            engine=_engine(arguments.get("engine")),
            prompt_truncation=one_of(arguments, "prompt_truncation", ("none", "left")),
            max_live=whole_number(arguments, "max_live", 64),
            max_failed=whole_number(arguments, "max_failed", 0, least=0),
            resume=boolean(arguments, "resume", default=True),
            tool_timeout_s=seconds(arguments, "tool_timeout_s", 60.0, most=86_400),
            tool_workers=None
            if arguments.get("tool_workers") is None
            else whole_number(arguments, "tool_workers", 0, least=0),
            max_tools=whole_number(arguments, "max_tools", 16),
        ).checked()

    def checked(self) -> RunConfig:
        """The config itself, after a look at what files it names.

        Raises:
            DataError: The knowledge base, or the run whose budget is taken, is not there.
            ConfigError: A knowledge base without a retriever.
        """
        if self.knowledge_base:
            if not Path(self.knowledge_base).expanduser().is_file():
                raise DataError(
                    f"knowledge_base={self.knowledge_base}", "is not a file", "Name a .jsonl or .jsonl.gz file."
                )
            if not self.retriever:
                raise ConfigError(
                    "retriever", None, "a retriever, since knowledge_base is given", "Add retriever=bm25."
                )
        if self.budget_of and not Path(self.budget_of).expanduser().is_dir():
            raise DataError(f"budget_of={self.budget_of}", "is no folder", "Name the --output_path of a finished run.")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether every request goes to the base model as lm-eval wrote it."""
        return self.reasoner == _DIRECT

    @property
    def is_untouched(self) -> bool:
        """Whether the base model answers everything by itself: nothing of ours is in the way."""
        return self.is_plain and not self.compression and self.engine.name in ("auto", "rounds")

    def describe(self) -> dict[str, Any]:
        """The run as the user would write it, for results files."""
        return {
            "base": self.base,
            "model_args": {key: _plain(value) for key, value in self.base_args.items()},
            "compression": write_specs(self.compression),
            "reasoner": str(self.reasoner),
            "tools": write_specs(self.tools),
            "retriever": write_specs(self.retriever),
            "memory": str(self.memory or ""),
            "verifier": str(self.verifier or ""),
            "proxy_model": str(self.proxy_model or ""),
            "knowledge_base": self.knowledge_base,
            "evidence": self.evidence,
            "budget_of": self.budget_of,
            "limits": {name: getattr(self.limits, name) for name in _LIMIT_ARGUMENTS},
            "tool_timeout_s": self.tool_timeout_s,
            "max_tools": self.max_tools,
            "engine": str(self.engine),
            "prompt_truncation": self.prompt_truncation,
        }

    def fingerprint(self, versions: Mapping[str, str] | None = None) -> str:
        """Names everything that an answer depends on, so that two different runs never share one.

        Args:
            versions: What else decides: versions of libraries, of plugins and of prompts.

        Returns:
            64 hexadecimal digits. The content of a local model folder, of the knowledge base, and of a folder that a
            retriever's option names are part of it.
        """
        described = self.describe()
        for name in _NOT_IN_FINGERPRINT:
            described["model_args"].pop(name, None)
        kept = tuple((name, value) for name, value in self.engine.options if name not in _ENGINE_CUTS)
        described["engine"] = str(replace(self.engine, options=kept))
        proxy = self.proxy_model.pretrained if self.proxy_model else ""
        of_verifier = [str(value) for _, value in self.verifier.options] if self.verifier else []
        named = (self.knowledge_base, str(self.base_args.get("pretrained", "")), proxy)
        files = (*named, *of_verifier, *_values(self.retriever))
        described["files"] = [stamp for file in files for stamp in _stamps(file)]
        described["versions"] = dict(versions or {})
        text = json.dumps(described, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_changes(self, **changes: Any) -> RunConfig:
        """A copy with some fields replaced."""
        return replace(self, **changes)


def _check_nothing_is_ignored(arguments: Mapping[str, Any]) -> None:
    """Help without a reasoner: the default one would ignore it, and the run would be taken for one that was helped."""
    for name in ("tools", "retriever", "memory", "verifier", "proxy_model"):
        read = parse_model if name == "proxy_model" else parse_specs
        if read(arguments.get(name), name):
            raise ConfigError(
                name,
                arguments[name],
                "none without a reasoner that uses it",
                "Name one; see: lottery plugins list --kind reasoner. reasoner=direct says that none is meant.",
            )


def _at_most_one(specs: tuple[PluginSpec, ...], name: str, got: object) -> PluginSpec | None:
    if len(specs) > 1:
        raise ConfigError(name, got, f"one {name}; '+' joins compression methods, tools and retrievers")
    return specs[0] if specs else None


def _engine(value: object) -> PluginSpec:
    spec = _at_most_one(parse_specs(value, "engine"), "engine", value) or _AUTO
    if spec.distribution or spec.name not in ENGINES:
        raise ConfigError("engine", value, f"one of {', '.join(ENGINES)}", suggest(spec.name, ENGINES).strip())
    return spec


def _limits(arguments: Mapping[str, Any]) -> Limits:
    default = Limits()
    return Limits(
        max_calls=whole_number(arguments, "max_calls", default.max_calls),
        max_tool_calls=whole_number(arguments, "max_tool_calls", default.max_tool_calls, least=0),
        max_new_tokens=whole_number(arguments, "max_new_tokens", default.max_new_tokens),
        max_seconds=seconds(arguments, "max_seconds", None),
    )


def _plain(value: object) -> object:
    """A value as JSON can hold it; objects such as loaded models by their type only."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _values(specs: tuple[PluginSpec, ...]) -> list[str]:
    """The option values that may be paths."""
    return [value for spec in specs for _, value in spec.options if isinstance(value, str) and "/" in value]


def _stamps(name: str) -> list[list[Any]]:
    """Name, size and time of change of a local file, or of the files of a local folder; [] for a hub name."""
    path = Path(name).expanduser() if name else None
    if path is None or not path.exists():
        return []
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    return [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files]
