"""From model arguments or YAML to one frozen, validated description of a run, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from lottery_plugins.errors import ConfigError, DataError, suggest
from lottery_plugins.limits import Limits
from lottery_plugins.specs import PluginSpec, parse_specs, write_specs

__all__ = ["ENGINES", "OUR_ARGUMENTS", "RunConfig"]

_DIRECT = PluginSpec("direct")
_PLUGIN_ARGUMENTS = ("compression", "reasoner", "tools", "retriever", "memory", "verifier")
_LIMIT_ARGUMENTS = tuple(f.name for f in fields(Limits))
_RUN_ARGUMENTS = (
    "engine", "prompt_truncation", "max_live", "max_failed", "resume", "tool_timeout_s", "tool_workers", "max_tools",
)  # fmt: skip
OUR_ARGUMENTS = ("base", *_PLUGIN_ARGUMENTS, "knowledge_base", *_LIMIT_ARGUMENTS, *_RUN_ARGUMENTS)
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
        retriever: R; None for none.
        memory: M; None for none.
        verifier: None for none.
        knowledge_base: D: a JSONL file of the user; "" takes the documents that the task brings.
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
    retriever: PluginSpec | None = None
    memory: PluginSpec | None = None
    verifier: PluginSpec | None = None
    knowledge_base: str = ""
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
        for name in ("compression", "tools"):
            values[name] = parse_specs(arguments.get(name), name)
        for name in ("retriever", "memory", "verifier"):
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
            knowledge_base=str(arguments.get("knowledge_base") or ""),
            limits=_limits(arguments),
            engine=_engine(arguments.get("engine")),
            prompt_truncation=_one_of(arguments, "prompt_truncation", ("none", "left")),
            max_live=_whole_number(arguments, "max_live", 64),
            max_failed=_whole_number(arguments, "max_failed", 0, least=0),
            resume=_boolean(arguments, "resume", default=True),
            tool_timeout_s=_tool_timeout(arguments),
            tool_workers=None
            if arguments.get("tool_workers") is None
            else _whole_number(arguments, "tool_workers", 0, least=0),
            max_tools=_whole_number(arguments, "max_tools", 16),
        ).checked()

    def checked(self) -> RunConfig:
        """The config itself, after a look at what files it names.

        Raises:
            DataError: The knowledge base is not there.
            ConfigError: A knowledge base without a retriever.
        """
        if self.knowledge_base:
            if not Path(self.knowledge_base).expanduser().is_file():
                raise DataError(
                    f"knowledge_base={self.knowledge_base}", "is not a file", "Name a .jsonl or .jsonl.gz file."
                )
            if self.retriever is None:
                raise ConfigError(
                    "retriever", None, "a retriever, since knowledge_base is given", "Add retriever=bm25."
                )
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
            "retriever": str(self.retriever or ""),
            "memory": str(self.memory or ""),
            "verifier": str(self.verifier or ""),
            "knowledge_base": self.knowledge_base,
            "limits": {name: getattr(self.limits, name) for name in _LIMIT_ARGUMENTS},
            "tool_timeout_s": self.tool_timeout_s,
            "engine": str(self.engine),
            "prompt_truncation": self.prompt_truncation,
        }

    def fingerprint(self, versions: Mapping[str, str] | None = None) -> str:
        """Names everything that an answer depends on, so that two different runs never share one.

        Args:
            versions: What else decides: versions of libraries, of plugins and of prompts.

        Returns:
            64 hexadecimal digits. The content of a local model folder and of the knowledge base are part of it.
        """
        described = self.describe()
        for name in _NOT_IN_FINGERPRINT:
            described["model_args"].pop(name, None)
        kept = tuple((name, value) for name, value in self.engine.options if name not in _ENGINE_CUTS)
        described["engine"] = str(replace(self.engine, options=kept))
        described["files"] = [*_stamps(self.knowledge_base), *_stamps(str(self.base_args.get("pretrained", "")))]
        described["versions"] = dict(versions or {})
        text = json.dumps(described, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_changes(self, **changes: Any) -> RunConfig:
        """A copy with some fields replaced."""
        return replace(self, **changes)


def _check_nothing_is_ignored(arguments: Mapping[str, Any]) -> None:
    """Help without a reasoner: the default one would ignore it, and the run would be taken for one that was helped."""
    for name in ("tools", "retriever", "memory", "verifier"):
        if parse_specs(arguments.get(name), name):
            raise ConfigError(
                name,
                arguments[name],
                "none without a reasoner that uses it",
                "Name one; see: lottery plugins list --kind reasoner. reasoner=direct says that none is meant.",
            )


def _at_most_one(specs: tuple[PluginSpec, ...], name: str, got: object) -> PluginSpec | None:
    if len(specs) > 1:
        raise ConfigError(name, got, f"one {name}; '+' joins compression methods and tools only")
    return specs[0] if specs else None


def _engine(value: object) -> PluginSpec:
    spec = _at_most_one(parse_specs(value, "engine"), "engine", value) or _AUTO
    if spec.distribution or spec.name not in ENGINES:
        raise ConfigError("engine", value, f"one of {', '.join(ENGINES)}", suggest(spec.name, ENGINES).strip())
    return spec


def _one_of(arguments: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    """A word; the first allowed one when nothing is said."""
    value = arguments.get(name)
    if value is None or value is False:
        return allowed[0]
    if value not in allowed:
        raise ConfigError(name, value, f"one of {', '.join(allowed)}")
    return str(value)


def _limits(arguments: Mapping[str, Any]) -> Limits:
    default = Limits()
    seconds = arguments.get("max_seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0):
        raise ConfigError("max_seconds", seconds, "a number of seconds above 0", "Leave it out for no limit.")
    return Limits(
        max_calls=_whole_number(arguments, "max_calls", default.max_calls),
        max_tool_calls=_whole_number(arguments, "max_tool_calls", default.max_tool_calls, least=0),
        max_new_tokens=_whole_number(arguments, "max_new_tokens", default.max_new_tokens),
        max_seconds=seconds,
    )


def _tool_timeout(arguments: Mapping[str, Any]) -> float:
    value = arguments.get("tool_timeout_s")
    if value is None:
        return 60.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise ConfigError("tool_timeout_s", value, "a number of seconds in (0, 86400]", "The default is 60.")
    return float(value)


def _whole_number(arguments: Mapping[str, Any], name: str, default: int, least: int = 1) -> int:
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(name, value, f"a whole number of at least {least}", f"The default is {default}.")
    return value


def _boolean(arguments: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = arguments.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ConfigError(name, value, "true or false", f"The default is {str(default).lower()}.")
    return value


def _plain(value: object) -> object:
    """A value as JSON can hold it; objects such as loaded models by their type only."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def _stamps(name: str) -> list[list[Any]]:
    """Name, size and time of change of a local file, or of the files of a local folder; [] for a hub name."""
    path = Path(name).expanduser() if name else None
    if path is None or not path.exists():
        return []
    files = [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())
    return [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files]
