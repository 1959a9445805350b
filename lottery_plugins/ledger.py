"""What a run cost: counters per task, bytes of the weights, and what it ran with.

A value of None always means "not measured" and is shown with these words, never as 0. A sum with a part that was not
measured was not measured either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import PROXY, Step, Trajectory

__all__ = ["LEDGER_FILE", "LEDGER_SCHEMA", "TRAJECTORIES_FILE", "Counters", "Ledger", "WeightBytes"]

LEDGER_FILE = "ledger.json"
TRAJECTORIES_FILE = "trajectories.jsonl"
LEDGER_SCHEMA = 1

_PLAIN = ("run", "engine", "proxy", "verifier")
"""Fields of a ledger that hold plain JSON data."""

_MODEL = ("generate", "score")
"""Kinds of steps that the model takes."""

_ADDED = ("forwarded_tokens", "searched", "flops")
"""Counts that older ledgers of this schema do not have."""

_MEANS = (
    "retrieval_rate",
    "retrieved_tokens_per_problem",
    "seconds_per_generated_token",
    "seconds_per_forwarded_token",
)
"""What is written for readers of the file, and computed again when it is read."""

_OF_PROXY = ("proxy_calls", "proxy_prompt_tokens", "proxy_generated_tokens", "proxy_forwarded_tokens")
"""Counts of the proxy model; a ledger without them is older than proxy models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What the problems of one task, or of a whole run, cost together.

    Attributes:
        problems: Trajectories; repeats of a document count each.
        failed: How many of them ended by an error of ours or of a plugin; they are scored as wrong.
        lm_calls: Completions of the model under test.
        tool_calls: Tool calls, failed ones included.
        tool_errors: Tool calls that gave an error to the model.
        retrievals: Searches.
        searched: Problems with at least one search.
        prompt_tokens: Tokens of all prompts, cached ones included.
        cached_prompt_tokens: How many of them were not computed again.
        generated_tokens: Tokens of all completions.
        forwarded_tokens: Tokens sent through the model for completions and scores.
        retrieved_tokens: Tokens of all retrieved text; what two searches find counts twice.
        proxy_calls: Completions of the run's proxy model, whose work is in no count above.
        proxy_prompt_tokens: Tokens of their prompts, cached ones included.
        proxy_generated_tokens: Tokens of these completions.
        proxy_forwarded_tokens: Tokens sent through the proxy model.
        seconds: Of one trajectory its wall time; in a run's ledger, the time of the model, the tools and the searches,
            what problems shared being shared out, and the proxy model's with it.
        flops: Floating point operations of the forwarded tokens (`compression.flops`).
        stop_reasons: How many problems ended for each reason, by the value of `StopReason`.
    """

    problems: int = 0
    failed: int = 0
    lm_calls: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    retrievals: int = 0
    searched: int | None = 0
    prompt_tokens: int | None = 0
    cached_prompt_tokens: int | None = 0
    generated_tokens: int | None = 0
    forwarded_tokens: int | None = 0
    retrieved_tokens: int | None = 0
    proxy_calls: int = 0
    proxy_prompt_tokens: int | None = 0
    proxy_generated_tokens: int | None = 0
    proxy_forwarded_tokens: int | None = 0
    seconds: float | None = 0.0
    flops: float | None = 0.0
    stop_reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def retrieval_rate(self) -> float | None:
        """Share of the problems that searched; None: not measured, or no problems."""
        return None if self.searched is None or not self.problems else self.searched / self.problems

    @property
    def retrieved_tokens_per_problem(self) -> float | None:
        """Mean retrieved tokens over all problems, those that did not search included; None as for the rate.

        The lottery hypothesis compares it to the mean length of a Huffman code: facts that are asked for often are to
        be in the weights and cost nothing here, rare ones to be looked up.
        """
        return None if self.retrieved_tokens is None or not self.problems else self.retrieved_tokens / self.problems

    @property
    def seconds_per_generated_token(self) -> float | None:
        """All time, for one token of all completions; None: not measured, or none was generated."""
        return None if self.seconds is None or not self.generated_tokens else self.seconds / self.generated_tokens

    @property
    def seconds_per_forwarded_token(self) -> float | None:
        """All time, for one token sent through the model."""
        return None if self.seconds is None or not self.forwarded_tokens else self.seconds / self.forwarded_tokens

    @classmethod
    def of(cls, trajectories: Iterable[Trajectory]) -> Counters:
        """Count what is recorded in trajectories, so no `flops`; empty gives zeros."""
        total = cls()
        for trajectory in trajectories:
            total = total + cls._of_one(trajectory)
        return total

    @classmethod
    def _of_one(cls, trajectory: Trajectory) -> Counters:
        by_proxy = [s for s in trajectory.steps if s.kind == "generate" and s.tool == PROXY]
        by_model = [s for s in trajectory.steps if s.kind in _MODEL and s.tool != PROXY]
        generated = [s for s in by_model if s.kind == "generate"]
        tools = [s for s in trajectory.steps if s.kind == "tool"]
        searches = [s for s in trajectory.steps if s.kind == "retrieve"]
        return cls(
            problems=1,
            failed=int(trajectory.stop_reason is StopReason.FAILED),
            lm_calls=len(generated),
            tool_calls=len(tools),
            tool_errors=sum(s.error is not None for s in tools),
            retrievals=len(searches),
            searched=int(bool(searches)),
            prompt_tokens=_sum_measured(generated, "prompt_tokens"),
            cached_prompt_tokens=_sum_measured(generated, "cached_tokens"),
            generated_tokens=_sum_measured(generated, "completion_tokens"),
            forwarded_tokens=_sum_measured(by_model, "forwarded_tokens"),
            retrieved_tokens=_sum_measured(searches, "retrieved_tokens"),
            proxy_calls=len(by_proxy),
            proxy_prompt_tokens=_sum_measured(by_proxy, "prompt_tokens"),
            proxy_generated_tokens=_sum_measured(by_proxy, "completion_tokens"),
            proxy_forwarded_tokens=_sum_measured(by_proxy, "forwarded_tokens"),
            seconds=trajectory.seconds,
            flops=None if by_model else 0.0,
            stop_reasons={trajectory.stop_reason.value: 1},
        )

    def __add__(self, other: Counters) -> Counters:
        if not isinstance(other, Counters):
            return NotImplemented
        sums: dict[str, Any] = {}
        for name in (f.name for f in fields(self) if f.name != "stop_reasons"):
            mine, theirs = getattr(self, name), getattr(other, name)
            sums[name] = None if mine is None or theirs is None else mine + theirs
        reasons = sorted({*self.stop_reasons, *other.stop_reasons})
        merged = {r: self.stop_reasons.get(r, 0) + other.stop_reasons.get(r, 0) for r in reasons}
        return Counters(**sums, stop_reasons=merged)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ledger.json, with what the counts amount to beside them."""
        means = {name: getattr(self, name) for name in _MEANS}
        return {**asdict(self), **means}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Counters:
        """The inverse of `to_json`; a missing count is an error, since 0 would be a guess, or None if it came later."""
        whole: Mapping[str, Any] = {**dict.fromkeys(_ADDED), **dict.fromkeys(_OF_PROXY, 0), **data}
        return cls(**{f.name: whole[f.name] for f in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightBytes:
    """Size of a model's weights as they are really stored.

    Attributes:
        stored: Bytes of all parameters and buffers in memory, shared tensors counted once.
        embedding: Bytes of the input and output embeddings among them.
        original_stored: The same count as `stored` before compression.
        original_embedding: The same count as `embedding` before compression.
        nominal: Bytes that the method's own arithmetic promises (sparse zeros left out, no scales); a claim, not a
            measurement.
        note: What a reader must know, e.g. "zeros of pruned weights are stored".
    """

    stored: int | None
    embedding: int | None = None
    original_stored: int | None = None
    original_embedding: int | None = None
    nominal: int | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for ledger.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WeightBytes:
        """The inverse of `to_json`."""
        return cls(**{f.name: data[f.name] for f in fields(cls) if f.name in data})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The cost of one lm-eval run; written as ledger.json beside lm-eval's results file.

    Attributes:
        run: What ran: fingerprint, results_file (name of the results file it belongs to), base, model_args,
            compression, reasoner, tools, retriever, memory, verifier, knowledge_base, started (ISO 8601), plugins
            (list of {distribution, version}), versions (by distribution), machine. Plain JSON data.
        weights: Size of the weights.
        peak_memory_bytes: Highest memory of the device where the model is on one, else of the process.
        peak_memory_of: Which of the two: "cuda:0", "process".
        kv_bytes_per_token: Cache bytes per token and sequence.
        compressed_kv_bytes_per_token: The same after KV compression, measured on the run's own prompts.
        nominal_kv_bytes_per_token: The same as the method's options promise it.
        flops: Floating point operations of all forward passes; those of all tasks.
        joules: Energy from the run's first request to its last answer, of everything that `energy_of` names, whoever
            used it; None where the machine can't tell.
        energy_of: What was measured: "NVML cuda:0", "RAPL package-0"; "" for nothing.
        calibration: Source of the calibration text; "" when none was used.
        compression_seconds: Time that the compression methods took.
        engine: What ran the model: name, and where it counts them: prompt_tokens, cached_tokens, forwarded_tokens,
            generated_tokens, padding_tokens, steps, rows, hit_rate, busy_share, seconds by phase, threads,
            kv_cache_bytes. Plain JSON data; empty in older ledgers.
        proxy: The proxy model of the run: name, weights (as above), kv_bytes_per_token and engine. Nothing of it is in
            the fields above, but for the memory and the time, which it shares. Empty without one.
        verifier: What the run's verifier did with a model of its own: name, weight_bytes, calls, tokens, seconds. Empty
            where it has none; nothing of it is in the fields above, but for the memory.
        tasks: Counters by task name.
        schema: Version of this layout.
    """

    run: Mapping[str, Any] = field(default_factory=dict)
    weights: WeightBytes | None = None
    peak_memory_bytes: int | None = None
    peak_memory_of: str = ""
    kv_bytes_per_token: float | None = None
    compressed_kv_bytes_per_token: float | None = None
    nominal_kv_bytes_per_token: float | None = None
    flops: float | None = None
    joules: float | None = None
    energy_of: str = ""
    calibration: str = ""
    compression_seconds: float | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)
    proxy: Mapping[str, Any] = field(default_factory=dict)
    verifier: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[str, Counters] = field(default_factory=dict)
    schema: int = LEDGER_SCHEMA

    @property
    def total(self) -> Counters:
        """Counters of all tasks together."""
        return sum(self.tasks.values(), Counters())

    def to_json(self) -> dict[str, Any]:
        """Plain data for ledger.json, schema first."""
        data: dict[str, Any] = {"schema": self.schema}
        for name in (f.name for f in fields(self) if f.name not in {"schema", "weights", "tasks", *_PLAIN}):
            data[name] = getattr(self, name)
        data |= {name: dict(getattr(self, name)) for name in _PLAIN}
        data["weights"] = self.weights.to_json() if self.weights else None
        data["tasks"] = {task: counters.to_json() for task, counters in self.tasks.items()}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = LEDGER_FILE) -> Ledger:
        """The inverse of `to_json`.

        Args:
            data: Parsed JSON.
            where: The file, for the error message.

        Raises:
            DataError: It is no ledger of a schema this version reads.
        """
        if not isinstance(data, Mapping) or data.get("schema") != LEDGER_SCHEMA:
            got = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
            raise DataError(where, f"is no ledger of schema {LEDGER_SCHEMA} (got {got!r})", "Re-run, or remove it.")
        known = {f.name for f in fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        try:
            weights = values.get("weights")
            values["weights"] = WeightBytes.from_json(weights) if weights is not None else None
            values["tasks"] = {task: Counters.from_json(c) for task, c in values.get("tasks", {}).items()}
            return cls(**values)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(where, f"is not laid out as a ledger ({error!r})", "Re-run, or remove it.") from error


def _sum_measured(steps: Iterable[Step], name: str) -> int | None:
    """Sum of one attribute; None as soon as one step did not measure it."""
    values = [getattr(step, name) for step in steps]
    return None if any(value is None for value in values) else sum(values)
