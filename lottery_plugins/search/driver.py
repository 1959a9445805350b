"""The loop of a search: ask for a ticket, let it climb the rungs, stop it where it can't win, tell how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lottery_plugins.errors import LotteryError
from lottery_plugins.search.halving import Look, chance_of_verdict, hopeless, look, rungs
from lottery_plugins.search.measure import Cost, Job, Measured, Pool, TicketError
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.pool import all_done
from lottery_plugins.search.record import Record, State, chosen, total_cost
from lottery_plugins.search.split import Split
from lottery_plugins.search.ticket import ORIGINAL, Ticket
from lottery_plugins.search.trials import Asked, Trials

__all__ = ["Progress", "SearchError", "search"]

_FAILURES_IN_A_ROW = 5


class SearchError(LotteryError):
    """The search can't go on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a search stands, for whoever shows it.

    Attributes:
        records: What became of the tickets so far.
        climbing: Names of the tickets that are being run.
        spent: What all tickets have cost, the running ones included.
        original: What the original cost.
    """

    records: list[Record]
    climbing: list[str]
    spent: Cost
    original: Cost


@dataclass(slots=True)
class _Climb:
    """A ticket on its way up the rungs."""

    asked: Asked
    rung: int = 0
    measured: Measured = field(default_factory=lambda: Measured({}, Cost()))


def search(
    plan: SearchPlan,
    split: Split,
    pool: Pool,
    trials: Trials,
    *,
    why_not: Callable[[Ticket], str] = lambda _: "",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Record]:
    """Search until the budget is spent or the space is exhausted.

    Args:
        plan: The study file.
        split: Its documents; no held-out one is touched.
        pool: What runs tickets.
        trials: Where they are kept; those of an earlier process are gone on with.
        why_not: Says why a ticket can't be assembled; "" where it can.
        on_progress: Called after every step.

    Raises:
        LotteryError: The original can't be run, or no ticket can.
    """
    return _Search(plan, split, pool, trials, why_not, on_progress).run()


class _Search:
    def __init__(
        self,
        plan: SearchPlan,
        split: Split,
        pool: Pool,
        trials: Trials,
        why_not: Callable[[Ticket], str],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self.plan, self.split, self.pool, self.trials = plan, split, pool, trials
        self.why_not, self.on_progress = why_not, on_progress
        self.rungs = rungs(plan, split)
        self.climbs: dict[str, _Climb] = {}
        self.left_open: list[_Climb] = []
        self.waiting = trials.broken_off()
        self.original = Measured({}, Cost())
        self.weights: dict[str, int] = {}

    def run(self) -> list[Record]:
        self.original = self._measure_original()
        self.trials.note_original(self.original.cost)
        self._remember_weights()
        while True:
            while len(self.climbs) < self.pool.size and (asked := self._next()) is not None:
                self._start(asked)
            self._report()
            if not self.climbs:
                return self.trials.records
            job, outcome = self.pool.wait()
            self._finish_job(job, outcome)

    # ------------------------------------------------------------------------------------------------- the original

    def _measure_original(self) -> Measured:
        """The original on all documents of the search, a rung a job, so that several workers share it."""
        ticket = self.plan.original_ticket()
        jobs = [Job(ticket, documents, f"{ORIGINAL}/rung-{i}") for i, documents in enumerate(self.rungs, 1)]
        total = Measured({}, Cost())
        for _, outcome in all_done([self.split.check(job) for job in jobs], self.pool):
            total = total + outcome
        return total

    # ------------------------------------------------------------------------------------------------------ tickets

    def _next(self) -> Asked | None:
        """The next ticket to run; None when the budget or the space is used up."""
        while not self._is_spent(starting=True):
            asked = self.waiting.pop(0) if self.waiting else self.trials.ask()
            if asked is None:
                return None
            if reason := self.why_not(asked.ticket):
                self._tell(_Climb(asked), "refused", reason)
            elif reason := self._dearer(_Climb(asked)):
                self._tell(_Climb(asked), "dearer", reason)
            else:
                return asked
            self._report()
        return None

    def _start(self, asked: Asked) -> None:
        climb = _Climb(asked)
        self.climbs[asked.ticket.key] = climb
        self._submit(climb)

    def _submit(self, climb: _Climb) -> None:
        name = f"trial-{climb.asked.number:04d}/rung-{climb.rung + 1}"
        self.pool.submit(self.split.check(Job(climb.asked.ticket, self.rungs[climb.rung], name)))

    def _finish_job(self, job: Job, outcome: Measured | LotteryError) -> None:
        climb = self.climbs[job.ticket.key]
        if isinstance(outcome, LotteryError):
            is_refused = isinstance(outcome, TicketError) and outcome.is_refusal and not climb.rung
            self._end(climb, "refused" if is_refused else "failed", str(outcome))
            self._check_failures()
            return
        climb.measured = climb.measured + outcome
        climb.rung += 1
        if outcome.cost.bytes is not None:
            self.weights[climb.asked.ticket.weights] = outcome.cost.bytes
        if climb.rung == len(self.rungs):
            self._end(climb, *self._judged(climb))
        elif task := hopeless(self._looks(climb), self.plan, len(self.rungs)):
            self._end(climb, "hopeless", f"inferior on {task} after {self._looks(climb)[task].documents} documents")
        elif reason := self._dearer(climb):
            self._end(climb, "dearer", reason)
        elif self._is_spent():
            self.left_open.append(self.climbs.pop(climb.asked.ticket.key))  # a larger budget takes it up again
        else:
            self._submit(climb)

    def _end(self, climb: _Climb, state: State, why: str = "") -> None:
        del self.climbs[climb.asked.ticket.key]
        self._tell(climb, state, why)

    def _tell(self, climb: _Climb, state: State, why: str = "") -> None:
        stored, original = self._stored(climb), self.original.cost.bytes
        self.trials.tell(
            climb.asked,
            Record(
                number=climb.asked.number,
                ticket=climb.asked.ticket.name,
                point=climb.asked.ticket.point,
                state=state,
                why=why,
                looks=self._looks(climb),
                cost=replace(climb.measured.cost, bytes=stored),
                bytes_ratio=stored / original if stored is not None and original else None,
            ),
        )

    def _looks(self, climb: _Climb) -> dict[str, Look]:
        return look(self.original, climb.measured, self.plan, self.split)

    # ---------------------------------------------------------------------------------------------------- decisions

    def _judged(self, climb: _Climb) -> tuple[State, str]:
        """Accepted or not, and why not. Intersection-union: non-inferior on every task needs no correction."""
        looks = self._looks(climb)
        if open_on := [task for task, seen in looks.items() if seen.p_non_inferior > self.plan.accept_level]:
            return "finished", f"not shown to keep the margin on {', '.join(open_on)}"
        chance = chance_of_verdict(looks, self.plan)
        if chance < self.plan.assurance:
            return "finished", f"keeps its margins here, but its chance on the held-out documents is {chance:.2f}"
        return "accepted", ""

    def _dearer(self, climb: _Climb) -> str:
        """Why the ticket is sure to be dearer than one that is accepted; "" where it may be cheaper.

        Bytes are known as soon as any ticket of the same weights was run, before the first document. Tokens only add
        up: more of them on some documents than the other one took on all are too many. Seconds are too noisy.
        """
        best = chosen(self.trials.records, self.plan.cheapest) if self.plan.stop_dearer else None
        if best is None:
            return ""
        mine = self._stored(climb) if self.plan.cheapest == "bytes" else climb.measured.cost.tokens
        theirs = best.cost.bytes if self.plan.cheapest == "bytes" else best.cost.tokens
        if self.plan.cheapest == "seconds" or mine is None or theirs is None or mine <= theirs:
            return ""
        return f"{mine:,.0f} {self.plan.cheapest}, and trial {best.number} needs {theirs:,.0f}"

    def _stored(self, climb: _Climb) -> int | None:
        known = self.weights.get(climb.asked.ticket.weights)
        return known if climb.measured.cost.bytes is None else climb.measured.cost.bytes

    def _remember_weights(self) -> None:
        for record in self.trials.records:
            if record.cost.bytes is not None and record.is_run:
                self.weights[self.plan.ticket_at(record.point).weights] = record.cost.bytes
        if self.original.cost.bytes is not None:
            self.weights[self.plan.original_ticket().weights] = self.original.cost.bytes

    # ------------------------------------------------------------------------------------------------------- budget

    def _spent(self) -> Cost:
        spent = total_cost(self.trials.records)
        for climb in (*self.climbs.values(), *self.left_open):
            spent = spent + replace(climb.measured.cost, bytes=None)
        return spent

    def _is_spent(self, *, starting: bool = False) -> bool:
        """Whether nothing more may be run; `starting`: whether no further ticket may begin."""
        budget, spent = self.plan.budget, self._spent()
        if budget.tokens is not None and spent.tokens is None:
            raise SearchError(
                "budget.tokens: the tokens of this model are not measured. Use budget.samples or budget.trials."
            )
        num_run = sum(record.is_run or record.state == "failed" for record in self.trials.records) + len(self.climbs)
        too_many = starting and budget.trials is not None and num_run >= budget.trials
        return (
            too_many
            or (budget.samples is not None and spent.samples >= budget.samples)
            or (budget.tokens is not None and (spent.tokens or 0) >= budget.tokens)
        )

    def _check_failures(self) -> None:
        last = [record for record in self.trials.records if record.state != "dearer"][-_FAILURES_IN_A_ROW:]
        if len(last) == _FAILURES_IN_A_ROW and all(record.state == "failed" for record in last):
            raise SearchError(f"The last {len(last)} tickets failed, the last one: {last[-1].why}")

    def _report(self) -> None:
        climbing = [climb.asked.ticket.name for climb in self.climbs.values()]
        self.on_progress(Progress(list(self.trials.records), climbing, self._spent(), self.original.cost))
