"""LotteryLM: any lm-eval model, compressed and set to reason, as one more lm-eval model.

    lm-eval run --model lottery --model_args pretrained=...,compression=int8,reasoner=react,tools=calculator

With no option of ours it hands lm-eval's requests to the base model untouched and gives back what that gives.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from lottery_plugins.assembly import assemble
from lottery_plugins.backends.harness_lm import HarnessBackend
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.engine.store import SampleStore
from lottery_plugins.errors import ConfigError
from lottery_plugins.folders import cache_folder
from lottery_plugins.harness import records
from lottery_plugins.harness.base_model import check_base_arguments, load_base_model
from lottery_plugins.harness.budgets import read_budgets
from lottery_plugins.harness.checkpoints import make_readable
from lottery_plugins.harness.compressed import CompressedBase
from lottery_plugins.harness.engine_lm import EngineLM, answer_on_engine
from lottery_plugins.harness.engines import base_args_for, base_class_for, open_engine, read_engine_options
from lottery_plugins.harness.event_loop import run_to_end
from lottery_plugins.harness.kept_models import Kept, kept_or_made
from lottery_plugins.harness.logs import join_lm_eval
from lottery_plugins.harness.meters import EnergyMeter, counters, peak_memory
from lottery_plugins.harness.problems import ChatPrompt
from lottery_plugins.harness.progress import run_progress
from lottery_plugins.harness.proxy import load_proxy, read_proxy_options
from lottery_plugins.harness.ranks import Share, are_padding, is_replica, joined
from lottery_plugins.harness.reasoned import Reasoned, check_verifier, costs_of
from lottery_plugins.harness.resume import PlainRun, answer_plainly, say_resumed
from lottery_plugins.harness.served import ServerLM
from lottery_plugins.harness.wrapping import WrappingLM
from lottery_plugins.ledger import Counters, Ledger
from lottery_plugins.trajectory import Trajectory

__all__ = ["LotteryLM"]

logger = logging.getLogger(__name__)


class LotteryLM(WrappingLM):
    """Wraps a base lm-eval model.

    Args:
        **arguments: Ours (`config.OUR_ARGUMENTS`) and those of the base model, from lm-eval's `--model_args`.

    Raises:
        LotteryError: A setting is wrong; told before any model is loaded.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        join_lm_eval()
        config = RunConfig.parse(arguments)
        base_class = base_class_for(config)
        self.assembly = assemble(config, discover())
        self.budgets = read_budgets(config.budget_of) if config.budget_of else None
        engine_options, proxy_options = read_engine_options(config), read_proxy_options(config)
        base_args = base_args_for(config, self.assembly.methods)
        check_base_arguments(base_class, config.base, base_args)
        self.config = config
        self.started = datetime.datetime.now(datetime.UTC)
        self.checkpoint = make_readable(base_args)
        kept = kept_or_made(base_class, base_args, self.assembly.methods, lambda: self._load(base_class, base_args))
        self.base, self.compressed = kept.base, kept.compressed
        self.proxy = load_proxy(config, proxy_options)
        self.engine = open_engine(config, engine_options, self.base, self.compressed.method, self.compressed.quantizer)
        if self.engine.is_base:
            self.compressed.attach()
        check_verifier(self.assembly, self.engine)
        self.trajectories: list[Trajectory] = []
        self._is_answering = False
        self._device = str(getattr(self.base, "device", "cpu"))
        self._energy = EnergyMeter(counters(self._device))
        self._gathered: Share | None = None

    def _load(self, base_class: type, base_args: Mapping[str, Any]) -> Kept:
        base = load_base_model(base_class, base_args)
        return Kept(base, CompressedBase(base, self.assembly.methods, self.checkpoint))

    # ------------------------------------------------------------------ requests

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Answer generation requests: by the reasoner, or as the base model does when it is `direct`."""
        if self.config.is_plain:
            return self._plainly("generate_until", requests, disable_tqdm=disable_tqdm)
        return self._by_reasoning(requests)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Score continuations with the compressed base model; a reasoner has no part in scoring."""
        self._say_that_reasoners_do_not_score()
        if self.compressed.press is not None:
            return self._plainly("loglikelihood", requests, call=self.compressed.loglikelihood_in_two_phases)
        return self._plainly("loglikelihood", requests, disable_tqdm=disable_tqdm)

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Score whole texts with the compressed base model.

        Raises:
            ConfigError: A KV-cache method is on: without a prompt there is nothing it could compress.
        """
        self._say_that_reasoners_do_not_score()
        if self.compressed.acts_on_cache:
            raise ConfigError(
                "compression",
                str(self.config.describe()["compression"]),
                "weight methods only for tasks of type loglikelihood_rolling, which have no prompt to compress",
                "Leave the KV-cache method or the task out.",
            )
        return self._plainly("loglikelihood_rolling", requests, disable_tqdm=disable_tqdm)

    def _plainly(self, request_type: str, requests: list[Any], call: Any = None, **kwargs: Any) -> list[Any]:
        run = PlainRun(request_type, requests, self._backend.count_tokens, self._begin())
        say_resumed(self.store, len(requests) - len(run.missing), len(requests))
        lm = self.engine.lm(self.config.prompt_truncation)
        if lm is None:
            method = call or getattr(self.base, request_type)
            answers = answer_plainly(run, self.base, lambda missing: method(missing, **kwargs))
        else:
            run_to_end(self._on_engine(run, lm))
            answers = run.answers()
        paddings = self._paddings(requests)
        self.trajectories += [t for t, extra in zip(run.trajectories, paddings, strict=True) if t and not extra]
        return answers

    async def _on_engine(self, run: PlainRun, lm: EngineLM | ServerLM) -> None:
        with run_progress(len(run.missing), run.request_type, self.engine.statistics) as progress:
            async with progress.shown():
                await answer_on_engine(run, lm, progress.finished)

    def _by_reasoning(self, requests: list[Any]) -> list[str]:
        reasoned = Reasoned(
            assembly=self.assembly, base=self.base, engine=self.engine, proxy=self.proxy, budgets=self.budgets
        )
        own = [request for request, extra in zip(requests, self._paddings(requests), strict=True) if not extra]
        trajectories = reasoned.answer(own, self._begin())
        self.trajectories += trajectories
        return [t.answer for t in trajectories] + [trajectories[-1].answer] * (len(requests) - len(own))

    def _paddings(self, requests: list[Any]) -> list[bool]:
        return are_padding(requests) if self.world_size > 1 else [False] * len(requests)

    # ------------------------------------------------------------------ resuming

    @cached_property
    def store(self) -> SampleStore | None:
        """Where finished samples are kept until lm-eval has written them; None without `resume`.

        None also where processes answer the same requests in step, as they might be found at different ones.
        """
        if not self.config.resume or is_replica(self.world_size):
            return None
        # `auto` may take another engine after an upgrade, and their answers must not mix
        name = f"{self.assembly.fingerprint[:32]}-{self.engine.name}-{self.rank}.sqlite"
        return SampleStore(cache_folder() / "unfinished" / name)

    def _begin(self) -> SampleStore | None:
        """The store for the next requests; afresh when lm-eval already took the answers of the last ones."""
        if not self._is_answering:
            self._is_answering = True
            self.trajectories, self._gathered = [], None
            self.engine.mark()
            self._energy.start()
            if self.proxy is not None:
                self.proxy.engine.mark()
            self.started = datetime.datetime.now(datetime.UTC)
            if self.store:
                self.store.begin()
        return self.store

    def _say_that_reasoners_do_not_score(self) -> None:
        if not self.config.is_plain:
            logger.warning(
                "reasoner=%s has no part in loglikelihood tasks: they score the base model as it is.",
                self.config.reasoner,
            )

    # ------------------------------------------------------------------ several processes

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """The base model's; the first time after the answers, what each process did is gathered as well."""
        gathered = super().gather_object(obj, dst)
        if self._is_answering and self._gathered is None and self.world_size > 1:
            self._energy.stop()
            own = self._own_share()
            shares = super().gather_object(own, dst)
            self._gathered = own if shares is None else joined(shares)
            self.trajectories = list(self._gathered.trajectories)
            if shares is None:  # the answers are lm-eval's now, whose first process writes them
                self._end()
                if self.store:
                    self.store.remove()
        return gathered

    def _own_share(self) -> Share:
        peak = peak_memory(self._device)
        joules, counted = self._energy.by_counter, self.engine.counted()
        return Share(trajectories=self.trajectories, peak=peak, joules=joules, counted=counted)

    # ------------------------------------------------------------------ what lm-eval asks of a model

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> Any:
        """The chat as the base model wants it, or kept as messages for a reasoner or a server, which render it."""
        if self.config.is_plain and not self.engine.takes_messages:
            return self.base.apply_chat_template(chat_history, add_generation_prompt=add_generation_prompt)
        return ChatPrompt.of(chat_history)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The base model's chat template."""
        return self.base.chat_template(chat_template)  # type: ignore[no-any-return]

    @property
    def tokenizer_name(self) -> str:
        """Names prompts in lm-eval's request cache; a reasoner's prompts are kept apart from rendered ones."""
        return str(self.base.tokenizer_name) + ("" if self.config.is_plain else "__lottery-messages")

    def set_cache_hook(self, cache_hook: Any) -> None:
        """Take lm-eval's `--use_cache`, which names an answer by its prompt alone.

        Raises:
            ConfigError: An option of ours is set: two configurations would share answers.
        """
        if cache_hook.dbdict is not None and not self.config.is_untouched:
            raise ConfigError(
                "--use_cache",
                "a path",
                "a run without options of ours: lm-eval's cache would give one configuration's answers to another",
                "Leave it out: finished samples are kept without it, and the same command goes on where it stopped.",
            )
        super().set_cache_hook(cache_hook)
        self.base.set_cache_hook(cache_hook)

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes into its results file; asked when it has all answers."""
        info = self.base.get_model_info() if hasattr(self.base, "get_model_info") else {}
        self._end()
        records.finished(self)
        return {**info, "lottery": self._description()}

    def _end(self) -> None:
        self._is_answering = False
        if self._gathered is None:
            self._energy.stop()
        if self.store:
            self.store.mark_complete()

    def ledger(self, results_file: str) -> Ledger:
        """What the run cost; counts the bytes of all weights.

        Args:
            results_file: Name of lm-eval's results file that it belongs to.
        """
        share = self._gathered or self._own_share()
        counted = share.counted
        tasks = records.count_by_task(self.trajectories, self.compressed.flops(counted))
        return Ledger(
            run={**self._description(), "results_file": results_file},
            tasks=tasks,
            peak_memory_bytes=share.peak.num_bytes,
            peak_memory_of=share.peak.of,
            flops=sum(tasks.values(), Counters()).flops,
            joules=sum(share.joules.values()) if share.joules else None,
            energy_of=", ".join(share.joules),
            engine={**self.engine.describe(counted), "processes": self.world_size},
            proxy=self.proxy.describe() if self.proxy is not None else {},
            verifier=costs_of(self.assembly.verifier),
            **self.compressed.measured(counted),
        )

    def _description(self) -> dict[str, Any]:
        """What ran: settings, plugins, versions, machine."""
        return {
            "fingerprint": self.assembly.fingerprint,
            **self.config.describe(),
            "budget_of_results": list(self.budgets.results_files) if self.budgets is not None else [],
            "checkpoint": self.checkpoint,
            "started": self.started.isoformat(timespec="seconds"),
            "plugins": [
                {"distribution": p.distribution, "version": p.version, "error": str(p.error) if p.error else ""}
                for p in self.assembly.registry.packages
                if not p.is_blocked
            ],
            "versions": self.assembly.versions,
            "machine": records.describe_machine(),
        }

    @cached_property
    def _backend(self) -> HarnessBackend:
        return HarnessBackend(self.base, is_chat=False)
