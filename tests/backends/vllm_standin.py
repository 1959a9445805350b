"""A stand-in for vLLM: the interface that `VllmEngine` uses, as vLLM 0.32 documents it, and nothing else.

It is no vLLM: its tokens come from a hash of the ids, its cache is a set of blocks. Signatures are strict, so that an
argument that vLLM does not take fails here too. `install` puts it into `sys.modules`.
"""

import asyncio
import enum
import math
import sys
import types
from dataclasses import dataclass, field

from tests.testing.hash_engine import END, ByteCodec, HashEngine, logprobs

BLOCK = 16


class RequestOutputKind(enum.Enum):
    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


class VLLMValidationError(Exception):
    pass


class EngineDeadError(Exception):
    pass


class EngineGenerateError(Exception):
    pass


@dataclass
class SamplingParams:
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE
    skip_reading_prefix_cache: bool | None = None

    def __post_init__(self):
        self.stop = self.stop or []
        if not 0 <= self.temperature <= 2:
            raise VLLMValidationError(f"temperature must be in [0, 2], got {self.temperature}.")
        if self.stop and not self.detokenize:
            raise VLLMValidationError("stop strings are only supported when detokenize is True.")
        if self.skip_reading_prefix_cache is None:
            self.skip_reading_prefix_cache = self.prompt_logprobs is not None


def TokensPrompt(*, prompt_token_ids):
    return {"prompt_token_ids": prompt_token_ids}


@dataclass
class AsyncEngineArgs:
    model: str
    dtype: str = "auto"
    revision: str | None = None
    trust_remote_code: bool = False
    max_model_len: int | None = None
    quantization: str | None = None
    enforce_eager: bool = False
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    data_parallel_size: int = 1
    distributed_executor_backend: str | None = None
    kv_cache_dtype: str = "auto"
    enable_prefix_caching: bool | None = None
    gpu_memory_utilization: float = 0.9
    max_num_seqs: int | None = None
    scheduling_policy: str = "fcfs"
    disable_log_stats: bool = False
    enable_log_requests: bool = False


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    cumulative_logprob: float | None
    logprobs: object
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int]
    prompt_logprobs: list | None
    outputs: list[CompletionOutput]
    finished: bool
    num_cached_tokens: int | None = None


@dataclass
class Seen:
    """What tests look at."""

    requests: list = field(default_factory=list)
    aborted: list = field(default_factory=list)


class AsyncLLM:
    """Live requests get a token in each pass of the loop."""

    fault = None
    last = None
    is_held = False  # live requests get no token while it is

    def __init__(self, args):
        self.args, self.seen = args, Seen()
        self.model_config = types.SimpleNamespace(max_model_len=args.max_model_len or 500)
        self.loop = asyncio.get_running_loop()
        self.cache = {}
        self.is_down = False
        AsyncLLM.last = self

    @classmethod
    def from_engine_args(cls, engine_args, start_engine_loop=True, usage_context=None, stat_loggers=None):
        if engine_args.model == "broken":
            raise RuntimeError("Engine core initialization failed.")
        return cls(engine_args)

    def shutdown(self, timeout=None):
        self.is_down = True

    async def abort(self, request_id, internal=False):
        self.seen.aborted.append(request_id)

    async def generate(
        self,
        prompt,
        sampling_params,
        request_id,
        *,
        prompt_text=None,
        lora_request=None,
        tokenization_kwargs=None,
        trace_headers=None,
        priority=0,
        data_parallel_rank=None,
    ):
        assert asyncio.get_running_loop() is self.loop, "AsyncLLM is tied to its loop"
        ids, params = list(prompt["prompt_token_ids"]), sampling_params
        if priority and self.args.scheduling_policy != "priority":
            raise VLLMValidationError("priority scheduling is not enabled")
        if data_parallel_rank is not None and not 0 <= data_parallel_rank < self.args.data_parallel_size:
            raise VLLMValidationError(f"data_parallel_rank {data_parallel_rank} is out of range")
        if len(ids) >= self.model_config.max_model_len:
            raise VLLMValidationError(f"The decoder prompt (length {len(ids)}) is too long")
        self.seen.requests.append((ids, params, priority, data_parallel_rank))
        cached = 0 if params.skip_reading_prefix_cache else self.find(ids, data_parallel_rank or 0)
        done = CompletionOutput(0, "", [], None, None)
        while done.finish_reason is None:
            await asyncio.sleep(0)
            if self.fault is not None:
                raise self.fault
            if self.is_held:
                continue
            self.step(ids, params, done)
        self.keep(ids + done.token_ids[:-1], data_parallel_rank or 0)
        told = None if params.prompt_logprobs is None else [None, *(self.tell(ids, n) for n in range(1, len(ids)))]
        yield RequestOutput(request_id, None, ids, told, [done], True, cached)

    def find(self, ids, replica):
        """Whole blocks of all but the last token."""
        if not self.args.enable_prefix_caching:
            return 0
        whole = (len(ids) - 1) // BLOCK
        known = self.cache.setdefault(replica, set())
        hits = [n for n in range(whole + 1) if n == 0 or tuple(ids[: n * BLOCK]) in known]
        return next(n for n in reversed(range(whole + 1)) if all(m in hits for m in range(n + 1))) * BLOCK

    def keep(self, ids, replica):
        self.cache.setdefault(replica, set()).update(tuple(ids[: n * BLOCK]) for n in range(1, len(ids) // BLOCK + 1))

    def tell(self, ids, n):
        found = logprobs(ids[:n])
        best = max(range(257), key=found.__getitem__)
        return {i: Logprob(found[i], 1 + sum(other > found[i] for other in found)) for i in (best, ids[n])}

    def step(self, ids, params, done):
        mine = types.SimpleNamespace(
            ignore_end=params.ignore_eos, do_sample=params.temperature > 0, temperature=params.temperature or 1,
            top_k=params.top_k or None, seed=params.seed, sample=0,
        )  # fmt: skip
        token = HashEngine().draw(ids + done.token_ids, mine, (), len(done.token_ids))
        done.token_ids.append(token)
        done.text += ByteCodec().decode([token]) if params.detokenize else ""
        found = [stop for stop in params.stop if stop in done.text]
        if token == END and not params.ignore_eos:
            done.finish_reason = "stop"
        elif token in (params.stop_token_ids or ()):
            done.finish_reason, done.stop_reason = "stop", token
        elif found:
            done.finish_reason, done.stop_reason = "stop", found[0]
            done.text = done.text[: done.text.index(found[0])]
        elif (
            len(done.token_ids) == params.max_tokens
            or len(ids) + len(done.token_ids) == self.model_config.max_model_len
        ):
            done.finish_reason = "length"


class BrokenNumbers(AsyncLLM):
    """Gives NaN."""

    def tell(self, ids, n):
        return {i: Logprob(math.nan) for i in super().tell(ids, n)}


def install(monkeypatch, engine=AsyncLLM):
    """Put the stand-in where vLLM would be; undone at the end of the test."""
    contents = {
        "vllm": {"AsyncEngineArgs": AsyncEngineArgs, "SamplingParams": SamplingParams, "TokensPrompt": TokensPrompt},
        "vllm.v1": {},
        "vllm.v1.engine": {},
        "vllm.v1.engine.async_llm": {"AsyncLLM": engine},
        "vllm.v1.engine.exceptions": {"EngineDeadError": EngineDeadError, "EngineGenerateError": EngineGenerateError},
        "vllm.sampling_params": {"SamplingParams": SamplingParams, "RequestOutputKind": RequestOutputKind},
    }
    for name, members in contents.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return engine
