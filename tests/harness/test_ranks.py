"""Documents cut among several processes: the first one records all of them, as one process would."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.harness.meters import Peak
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.harness.ranks import Share, are_padding, joined
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Trajectory

SCRIPT = Path(__file__).with_name("run_on_ranks.py")
SETTINGS = {"until": ["\n"], "max_gen_toks": 4}


def trajectory(task, doc_id, sample=0):
    return Trajectory(task=task, doc_id=doc_id, sample=sample, answer="", stop_reason=StopReason.ANSWERED)


def requests(*doc_ids, task="t", repeats=1):
    made = [
        Instance(
            request_type="generate_until",
            doc={},
            arguments=(f"text {i}", SETTINGS),
            idx=0,
            metadata=(task, i, repeats),
        )
        for i in doc_ids
    ]
    return [instance for instance in made for _ in range(repeats)]


def share(*trajectories, peak=0, **joules):
    return Share(trajectories=trajectories, peak=Peak(peak, "process"), joules=joules)


def test_shares_are_joined_in_the_order_of_one_process():
    one = share(trajectory("b", 0), trajectory("b", 2), trajectory("a", 0), peak=5, package=2.0, gpu0=1.0)
    other = share(trajectory("b", 1, 0), trajectory("b", 1, 1), trajectory("a", 1), peak=7, package=3.0, gpu1=1.0)
    whole = joined([one, other])
    found = [(t.task, t.doc_id, t.sample) for t in whole.trajectories]
    assert found == [("b", 0, 0), ("b", 1, 0), ("b", 1, 1), ("b", 2, 0), ("a", 0, 0), ("a", 1, 0)]
    assert whole.peak == Peak(7, "process, the largest of 2 processes")
    assert whole.joules == {"package": 3.0, "gpu0": 1.0, "gpu1": 1.0}


def test_counts_of_engines_are_added_and_their_shares_weighed():
    one = EngineStatistics(steps=2, prefill_s=1.0, first_s=5.0, last_s=7.0)
    other = EngineStatistics(steps=3, decode_s=1.0, first_s=50.0, last_s=56.0)
    both = one + other
    assert (both.steps, both.prefill_s, both.decode_s) == (5, 1.0, 1.0)
    assert both.busy_share == 0.25


@pytest.mark.parametrize("repeats", [1, 2])
def test_copies_beyond_the_repeats_are_padding(repeats):
    asked = requests(0, 1, repeats=repeats)
    assert are_padding([*asked, *[asked[-1]] * 2]) == [False] * len(asked) + [True, True]


class Processes:
    """Two models that answer in turn, and what `gather_object` hands from one to the other."""

    def __init__(self, monkeypatch, **arguments):
        self.models = [LotteryLM(base="dummy", **arguments) for _ in range(2)]
        self.sent = []
        for rank, model in enumerate(self.models):
            monkeypatch.setattr(type(model.base), "world_size", 2)
            model.base._rank = rank
            model.base.gather_object = self._second if rank else self._first

    def _second(self, obj, dst=0):
        self.sent.append(obj)

    def _first(self, obj, dst=0):
        return [obj, self.sent.pop(0)]


@pytest.mark.parametrize("arguments", [{}, {"reasoner": "chain-of-thought"}])
def test_the_first_process_records_what_all_have_done_and_padding_nowhere(monkeypatch, arguments):
    processes = Processes(monkeypatch, **arguments)
    first, second = processes.models
    asked = requests(1)
    answers = second.generate_until([*asked, asked[-1]])
    assert len(answers) == 2
    first.generate_until(requests(0, 2))
    for model in (second, first):
        gathered = model.gather_object({"samples": model.rank})
    assert gathered == [{"samples": 0}, {"samples": 1}]
    assert [t.doc_id for t in first.trajectories] == [0, 1, 2]
    assert not second.store.path.exists()
    ledger = first.ledger("results.json")
    assert (ledger.tasks["t"].problems, ledger.engine["processes"]) == (3, 2)
    assert ledger.peak_memory_of == "process, the largest of 2 processes"


def test_shares_are_gathered_once_for_each_evaluation(monkeypatch):
    first, second = Processes(monkeypatch).models
    for _ in range(2):
        for model in (second, first):
            model.generate_until(requests(model.rank))
        for _ in range(2):  # samples, then metrics
            for model in (second, first):
                model.gather_object(model.rank)
        first.get_model_info()
        assert [t.doc_id for t in first.trajectories] == [0, 1]


def test_processes_that_answer_the_same_requests_in_step_keep_nothing_to_resume(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert LotteryLM(base="dummy").store is None


def records(folder):
    (path,) = folder.rglob("trajectories.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    ledger = json.loads(path.with_name("ledger.json").read_text())
    steps = [[r["task"], r["doc_id"], r["answer"], [[s["prompt"], s["output"]] for s in r["steps"]]] for r in rows]
    counts = {
        t: {k: v for k, v in c.items() if not k.startswith(("seconds", "flops"))} for t, c in ledger["tasks"].items()
    }
    return steps, counts


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_of_lm_evals_own_hf_leave_the_records_of_one(tiny_model, tmp_path):
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "LOTTERY_CACHE": str(tmp_path / "cache")}
    alone = [sys.executable]
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    for name, command in (("one", alone), ("two", launched)):
        done = subprocess.run(
            [*command, str(SCRIPT), str(tiny_model), str(tmp_path / name)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
    for arm in ("rounds", "packed", "plain"):
        (steps, counts), two = (records(tmp_path / name / arm) for name in ("one", "two"))
        assert len(steps) == 6
        assert two[0] == steps
        if arm != "packed":  # whose processes can't use what the other one has computed
            assert two[1] == counts
    assert not list((tmp_path / "cache").rglob("*.sqlite"))
