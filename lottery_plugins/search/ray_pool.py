"""Tickets on a Ray cluster: one actor holds one evaluator, and so one model.

The driver stays where it was started and alone asks and tells the sampler; actors only evaluate. They need the same
environment, and the folder of the search at the same path. A job whose actor died is given to another one, which is
started in its place: what the run had finished is read again where the cache folder is shared, else computed again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lottery_plugins.errors import ConfigError, DataError, LotteryError, MissingExtraError
from lottery_plugins.search.measure import Evaluator, Job, Measured, TicketError

__all__ = ["RayPool"]

_LOCAL = "local"
_STARTS = 3


class RayPool:
    """A `Pool` of actors.

    Args:
        address: "local" starts Ray on this machine; "auto" or an address joins a cluster.
        workers: Actors; None: one a GPU of the cluster, or one where it has none.
        make: Makes an actor's evaluator from the actor's name; runs in the actor.

    Raises:
        LotteryError: Ray is not installed, or the cluster can't be reached.
    """

    def __init__(self, address: str, workers: int | None, make: Callable[[str], Evaluator]) -> None:
        if workers is not None and workers < 1:
            raise ConfigError("--workers", workers, "a whole number of at least 1")
        self._ray = _ray()
        self._is_ours = not self._ray.is_initialized()
        if self._is_ours:
            _connect(self._ray, address, workers)
        num_gpus = int(self._ray.cluster_resources().get("GPU", 0))
        self.size = workers or num_gpus or 1
        self._options = {"num_gpus": 1} if num_gpus else {"num_cpus": 1}
        self._make = make
        self._names = [f"worker-{i}" for i in range(1, self.size + 1)]
        self._actors: dict[str, Any] = {}
        self._in_hand: dict[Any, tuple[Job, str, int]] = {}
        self._last: dict[str, str] = {}

    def submit(self, job: Job) -> None:
        """See `Pool`. A ticket's next rung goes to the worker of its last one, where its model may still be."""
        busy = {name for _, name, _ in self._in_hand.values()}
        free = [name for name in self._names if name not in busy]
        assert free, "at most `size` jobs in hand"
        usual = self._last.get(job.ticket.key, "")
        self._send(job, usual if usual in free else free[0], 1)

    def _send(self, job: Job, name: str, start: int) -> None:
        if name not in self._actors:
            actor = self._ray.remote(_Actor).options(**self._options)
            self._actors[name] = actor.remote(self._make, name)
        self._last[job.ticket.key] = name
        self._in_hand[self._actors[name].evaluate.remote(job)] = (job, name, start)

    def wait(self) -> tuple[Job, Measured | LotteryError]:
        """See `Pool`."""
        while True:
            (ready,), _ = self._ray.wait(list(self._in_hand), num_returns=1)
            job, name, start = self._in_hand.pop(ready)
            try:
                outcome: Measured | TicketError = self._ray.get(ready)
            except self._ray.exceptions.RayActorError as error:
                self._actors.pop(name)
                if start == _STARTS:
                    return job, TicketError(f"{start} workers died over {job.name}; the last one: {error}")
                self._send(job, name, start + 1)
                continue
            except self._ray.exceptions.RayTaskError as error:
                return job, TicketError(str(error))
            return job, outcome

    def close(self) -> None:
        """End the actors, and Ray where it was started or joined here."""
        for actor in self._actors.values():
            self._ray.kill(actor)
        if self._is_ours:
            self._ray.shutdown()


class _Actor:
    """Evaluates in a process of its own, somewhere on the cluster."""

    def __init__(self, make: Callable[[str], Evaluator], name: str) -> None:
        self._evaluator = make(name)

    def evaluate(self, job: Job) -> Measured | TicketError:
        """The outcome; errors of ours are returned, as Ray would wrap raised ones."""
        try:
            return self._evaluator.evaluate(job)
        except LotteryError as error:
            is_refusal = isinstance(error, TicketError) and error.is_refusal
            return TicketError(str(error), is_refusal=is_refusal)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("lottery search --ray", "ray", "pip install 'lottery-plugins[ray]'") from error
    return ray


def _connect(ray: Any, address: str, workers: int | None) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address == _LOCAL:
        ray.init(address=_LOCAL, num_cpus=workers, include_dashboard=False, **quiet)
        return
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        hint = "Start one with 'ray start --head', or say --ray local."
        raise DataError(f"--ray {address}", f"reaches no Ray cluster ({error})", hint) from error
