"""Generation requests of lm-eval answered by the reasoner: what is finished is kept, the rest is solved at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.assembly import Assembly
from lottery_plugins.engine.replay import ReplayingFront
from lottery_plugins.engine.store import SampleStore, problem_key
from lottery_plugins.errors import ConfigError, LotteryError
from lottery_plugins.harness.budgets import Budgets
from lottery_plugins.harness.event_loop import run_to_end
from lottery_plugins.harness.gen_settings import default_max_tokens
from lottery_plugins.harness.problems import problems_of
from lottery_plugins.harness.progress import RunProgress, run_progress
from lottery_plugins.harness.proxy import ProxyModel
from lottery_plugins.harness.resume import say_resumed, say_resumed_steps
from lottery_plugins.harness.run_engine import RunEngine
from lottery_plugins.limits import StopReason
from lottery_plugins.protocols.backend import TextEngine
from lottery_plugins.protocols.verifier import BoundToModel, HasCosts, Verifier
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.trajectory import Problem, Trajectory

__all__ = ["Reasoned", "check_verifier", "costs_of"]


def check_verifier(assembly: Assembly, engine: RunEngine) -> None:
    """Let a verifier that was trained on one model look at the model of this run, before any problem is begun.

    Raises:
        ConfigError: It was trained on another one, or this engine does not tell hidden states.
    """
    verifier = assembly.verifier
    if not isinstance(verifier, BoundToModel) or assembly.config.is_plain:
        return
    hidden = engine.hidden_states(is_chat=False)
    if hidden is None:
        raise ConfigError(
            f"verifier={assembly.config.verifier}",
            f"engine={engine.name}, which tells no hidden states",
            "an engine with the model in this process",
            "Use base=hf with engine=packed or engine=rounds.",
        )
    run_to_end(verifier.check_model(hidden))


def costs_of(verifier: Verifier | None) -> dict[str, Any]:
    """What a verifier spent on a model of its own, for the ledger."""
    return dict(verifier.costs()) if isinstance(verifier, HasCosts) else {}


@dataclass(frozen=True, kw_only=True)
class Reasoned:
    """What answers requests by reasoning.

    Attributes:
        assembly: The run's plugins.
        base: The lm-eval model.
        engine: Runs it.
        proxy: The run's proxy model.
        budgets: What each problem may generate; None: as the run's limits say.
    """

    assembly: Assembly
    base: Any
    engine: RunEngine
    proxy: ProxyModel | None = None
    budgets: Budgets | None = None

    def answer(self, requests: Sequence[Any], store: SampleStore | None) -> list[Trajectory]:
        """One trajectory per request, in their order; those that a store has are not made again.

        Raises:
            LotteryError: More problems failed than the run allows. The others are kept.
            DataError: A problem has no budget in the run that budgets are taken from.
        """
        config = self.assembly.config
        problems = problems_of(requests, default_max_tokens(self.base))
        if self.budgets is not None:
            problems = self.budgets.given(problems, requests)
        problems = self.engine.prepared(problems, config.prompt_truncation)
        keys = [problem_key(problem) for problem in problems]
        done = [store.get(key) if store else None for key in keys]
        todo = [i for i, trajectory in enumerate(done) if trajectory is None]
        say_resumed(store, len(done) - len(todo), len(done))
        with run_progress(len(todo), str(config.reasoner), self.engine.statistics) as progress:

            def keep(position: int, trajectory: Trajectory) -> None:
                if store and trajectory.stop_reason is not StopReason.FAILED:
                    store.put(keys[todo[position]], trajectory)
                progress.finished(trajectory)

            waiting = [problems[i] for i in todo]
            facilities = self._facilities(waiting, store, [keys[i] for i in todo])
            solved = run_to_end(self._solve(waiting, facilities, keep, progress))
        for i, trajectory in zip(todo, solved, strict=True):
            done[i] = trajectory
        trajectories = [t for t in done if t is not None]
        self._check_failures(trajectories)
        return trajectories

    def _facilities(self, problems: Sequence[Problem], store: SampleStore | None, keys: Sequence[str]) -> Facilities:
        # one front per rendering: lm-eval applies the chat template to all tasks of a run, or to none
        is_chat = bool(problems) and problems[0].is_chat
        front: TextEngine = self.engine.front(is_chat)
        proxy = self.proxy.front(is_chat) if self.proxy is not None else None
        if store:
            say_resumed_steps(store)
            front = ReplayingFront(front, store, keys)
            proxy = ReplayingFront(proxy, store, keys, name="proxy-") if proxy is not None else None
        return self.assembly.facilities(front, proxy=proxy, hidden=self.engine.hidden_states(is_chat))

    async def _solve(
        self,
        problems: Sequence[Problem],
        facilities: Facilities,
        on_finished: Callable[[int, Trajectory], None],
        progress: RunProgress,
    ) -> list[Trajectory]:
        try:
            async with progress.shown():
                return await solve_all(
                    problems,
                    self.assembly.reasoner,
                    facilities,
                    max_live=self.assembly.config.max_live,
                    on_finished=on_finished,
                )
        finally:
            await facilities.close()

    def _check_failures(self, trajectories: Sequence[Trajectory]) -> None:
        failed = [t for t in trajectories if t.stop_reason is StopReason.FAILED]
        if len(failed) > self.assembly.config.max_failed:
            first = failed[0]
            raise LotteryError(
                f"{len(failed)} of {len(trajectories)} problems failed; the first is task {first.task}, "
                f"document {first.doc_id}: {first.error.rstrip('.')}. The finished ones are kept for the same command; "
                f"max_failed={len(failed)} would count the failed ones as wrong."
            )
