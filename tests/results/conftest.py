import hashlib
import json
from pathlib import Path

import pytest

from lottery_plugins.ledger import Counters, Ledger, WeightBytes
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Trajectory

DATE = "2026-11-21T23-30-19.500876"


class FakeRuns:
    """Writes what lm-eval 0.4.13 writes (checked against it by the slow test of this folder)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name, tasks, *, date=DATE, model="hf", model_args="pretrained=original", log_samples=True, **top):
        """Write one lm-eval call: `tasks` maps a task's name to its scores, or to what `task()` gives."""
        folder = self.root / name / "model"
        folder.mkdir(parents=True, exist_ok=True)
        tasks = {key: value if isinstance(value, dict) else task(value) for key, value in tasks.items()}
        data = {
            "results": {key: {"alias": key} for key in tasks},
            "configs": {key: {"task": key, **value["config"]} for key, value in tasks.items()},
            "versions": {key: value["version"] for key, value in tasks.items()},
            "n-shot": {key: value["num_fewshot"] for key, value in tasks.items()},
            "higher_is_better": {key: value["higher_is_better"] for key, value in tasks.items()},
            "config": {"model": model, "model_args": model_args, "limit": None, "gen_kwargs": {}},
            **top,
        }
        path = folder / f"results_{date}.json"
        path.write_text(json.dumps(data))
        for key, value in tasks.items():
            if log_samples:
                lines = "".join(json.dumps(row) + "\n" for row in value["rows"])
                (folder / f"samples_{key}_{date}.jsonl").write_text(lines)
        return self.root / name

    def write_ledger(self, name, failed=(), *, task="t", num=10, date=DATE, steps=()):
        """Write our files beside a run: a ledger, and trajectories of which some failed."""
        trajectories = [
            Trajectory(
                task=task,
                doc_id=i,
                sample=0,
                answer="",
                stop_reason=StopReason.FAILED if i in failed else StopReason.ANSWERED,
                seconds=1.5,
                steps=steps,
            )
            for i in range(num)
        ]
        folder = self.root / name / "model"
        ledger = Ledger(
            run={"results_file": f"results_{date}.json"},
            weights=WeightBytes(stored=134_000_000),
            tasks={task: Counters.of(trajectories)},
        )
        (folder / "ledger.json").write_text(json.dumps(ledger.to_json()))
        lines = "".join(json.dumps(t.to_json()) + "\n" for t in trajectories)
        (folder / "trajectories.jsonl").write_text(lines)


def task(scores, *, metric="exact_match", filters=("none",), version=1.0, lottery=None, num_fewshot=0, higher=True,
         docs=None):  # fmt: skip
    """One task's part of a results file, and its rows: one for each document and filter."""
    docs = docs or [{"q": f"question {i}"} for i in range(len(scores))]
    hashes = [hashlib.sha256(json.dumps(doc).encode()).hexdigest() for doc in docs]
    rows = [
        {
            "doc_id": i,
            "doc": doc,
            "target": "1",
            "arguments": {"gen_args_0": {"arg_0": "prompt"}},
            "resps": [["1"]],
            "filtered_resps": ["1"],
            "filter": name,
            "metrics": [metric],
            "doc_hash": digest,
            "target_hash": digest[::-1],
            metric: score if name == filters[0] else 0.0,
        }
        for name in filters
        for i, (doc, digest, score) in enumerate(zip(docs, hashes, scores, strict=True))
    ]
    config = {
        "metric_list": [{"metric": metric, "aggregation": "mean", "higher_is_better": higher}],
        "filter_list": [{"name": name} for name in filters],
        "metadata": {"version": version, "lottery": lottery or {}},
    }
    return {
        "rows": rows,
        "config": config,
        "version": version,
        "num_fewshot": num_fewshot,
        "higher_is_better": {metric: higher},
    }


@pytest.fixture
def runs(tmp_path):
    return FakeRuns(tmp_path)


@pytest.fixture(name="task")
def task_fixture():
    return task
