"""Every ability task with a small model: is it above the level of chance, alone and with help?

    python benchmarks/ability_table.py --model FOLDER --limit 20 --arms hf lottery few-shot augmented
    python benchmarks/ability_table.py --model FOLDER --limit 40 --levels easiest --only lottery_routes planning

Each task of each arm is one lm-eval run, kept below --out, and not done again. An arm runs in a process of its own.

    hf         lm-eval's own model, through the same command
    lottery    the packed engine, answering directly: the same tokens, faster
    few-shot   two worked examples, for tasks whose prompts hold none
    augmented  a reasoner with tools or a retriever, as the task offers them

The level of chance is what blind guesses score on the documents of the run: drawn from each one's candidates, or, where
a task names none, what its file says. "Above": a one-sided exact binomial test of it gives p < .05.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # so that a checkout needs no installation

from scipy.stats import binomtest  # noqa: E402 - after the path is set

from benchmarks.compression_arms.specs import AUGMENTED as BY_TASK  # noqa: E402
from lottery_plugins.errors import LotteryError  # noqa: E402
from lottery_plugins.harness.study import HarnessRun, is_done, run_arm  # noqa: E402
from lottery_plugins.results.statistics import wilson  # noqa: E402

TASK_YAML = ROOT / "task_yaml"
LEVELS = {"default": {}, "easiest": {"easiest": 1}}
ALPHA = 0.05

DIRECT = {"reasoner": "direct"}
TWO_CHUNKS = {"reasoner": "retrieve-then-read:top_k=2", "retriever": "prompt"}
AUGMENTED = {
    "retrieval": BY_TASK["lottery_needle"],
    "resources": {"reasoner": "chain-of-thought"},
    "planning": BY_TASK["lottery_schedule"],
    "operations": BY_TASK["lottery_operations"],
    "long-context": BY_TASK["lottery_multi_hop"],
    "lottery_needle_values": TWO_CHUNKS,
    "lottery_needle_queries": TWO_CHUNKS,
    **BY_TASK,
}
"""What a task, or else the tasks of an ability, are given in the augmented arm."""


@dataclass(frozen=True, eq=False)
class Task:
    """A task as lm-eval loads it."""

    name: str
    ability: str
    is_solved: bool  # its prompts begin with solved examples
    chances: dict  # by document: the share of its candidates that are right; {} where the task names none
    chance: float


@dataclass(frozen=True)
class Score:
    """One arm on one task, or on all of an ability."""

    correct: int
    n: int
    chance: float

    def cells(self):
        """The score with Wilson's 95 % interval, and whether it is above the level of chance."""
        found = wilson(self.correct, self.n)
        above = binomtest(self.correct, self.n, self.chance, alternative="greater").pvalue < ALPHA
        return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] | {'yes' if above else 'no'}"


def load_tasks(only, metadata):
    """The tasks that are asked for, by name or ability."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(TASK_YAML), include_defaults=False, metadata=metadata)
    names = sorted(name for name in manager.all_subtasks if name.startswith("lottery_"))
    for name in names:
        loaded = manager.load([name])["tasks"][name]
        lottery = loaded.config.metadata["lottery"]
        if only and not {name, lottery["ability"]} & set(only):
            continue
        field, docs = lottery.get("candidates"), list(loaded.eval_docs)
        chances = {doc["id"]: guessed(loaded, doc, doc[field]) for doc in docs} if field else {}
        yield Task(name, lottery["ability"], "examples" in docs[0], chances, lottery["chance"])


def guessed(loaded, doc, candidates):
    """What blind guesses from the candidates score."""
    scores = [loaded.process_results(doc, [str(one)])["acc"] for one in candidates]
    return sum(scores) / len(scores) if scores else 0.0


def run_of(task, arm, args):
    """The run of an arm on a task; None where the arm does not fit the task."""
    if arm == "few-shot" and task.is_solved:
        return None
    extra = {
        "hf": {},
        "lottery": DIRECT,
        "few-shot": DIRECT,
        "augmented": AUGMENTED.get(task.name) or AUGMENTED[task.ability],
    }[arm]
    engine = {"engine": f"packed:threads={args.threads}"} if extra else {}
    return HarnessRun(
        model_args={"pretrained": args.model, "dtype": "float32", **engine, **extra},
        tasks=[task.name],
        output_path=str(args.out / (args.levels + "-chat" * args.chat) / arm / task.name),
        limit=args.limit,
        num_fewshot=2 if arm == "few-shot" else None,
        metadata=metadata_of(args),
        apply_chat_template=args.chat,
    )


def metadata_of(args):
    """Knobs of the tasks: their levels, and no more documents than are used."""
    return {**LEVELS[args.levels], "num_docs": args.limit}


def read_score(run, task):
    """What the files of a run say."""
    files = sorted(Path(run.output_path).rglob(f"samples_{task.name}_*.jsonl"))
    rows = [json.loads(line) for line in files[-1].read_text(encoding="utf-8").splitlines()]
    found = [task.chances.get(row["doc"]["id"], task.chance) for row in rows]
    return Score(round(sum(row["acc"] for row in rows)), len(rows), sum(found) / len(rows))


def together(scores):
    """The documents of several tasks as one."""
    n = sum(score.n for score in scores)
    return Score(sum(s.correct for s in scores), n, sum(s.chance * s.n for s in scores) / n)


def table(tasks, arms, scores):
    """Markdown: a row a task, and one for each ability."""
    lines = ["| ability | task | n | chance | " + " | ".join(f"{arm} | above" for arm in arms) + " |"]
    lines.append("|---" * (4 + 2 * len(arms)) + "|")
    groups = defaultdict(list)
    for task in tasks:
        groups[task.ability].append(task.name)
    for ability, names in groups.items():
        rows = {name: {arm: scores.get((arm, name)) for arm in arms} for name in names}
        if len(names) > 1:
            every = {arm: [row[arm] for row in rows.values() if row[arm]] for arm in arms}
            rows["all"] = {arm: together(found) if found else None for arm, found in every.items()}
        lines += [_row(ability, name, row) for name, row in rows.items() if any(row.values())]
    return "\n".join(lines)


def _row(ability, name, row):
    first = next(filter(None, row.values()))
    cells = [score.cells() if score else "- | -" for score in row.values()]
    return f"| {ability} | {name} | {first.n} | {first.chance:.3f} | {' | '.join(cells)} |"


def main():
    """Run what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="a folder or hub name")
    parser.add_argument("--arms", nargs="+", default=["lottery"], choices=["hf", "lottery", "few-shot", "augmented"])
    parser.add_argument("--only", nargs="+", default=[], help="tasks or abilities; all by default")
    parser.add_argument("--levels", choices=LEVELS, default="default", help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=20, help="documents per task (default: %(default)s)")
    parser.add_argument("--chat", action="store_true", help="prompts are chats; else plain text, as lm-eval's default")
    parser.add_argument("--show", action="store_true", help="run nothing: the table of what is done")
    parser.add_argument("--threads", type=int, default=1, help="of the packed engine (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/abilities"), help="folder (default: %(default)s)")
    args = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    tasks = sorted(load_tasks(args.only, metadata_of(args)), key=lambda task: (task.ability, task.name))
    scores = {}
    try:
        for arm in args.arms:
            runs = {task: run for task in tasks if (run := run_of(task, arm, args))}
            for run in runs.values():
                Path(run.output_path).mkdir(parents=True, exist_ok=True)
            if not args.show:
                run_arm(arm, list(runs.values()))
            scores.update({(arm, task.name): read_score(run, task) for task, run in runs.items() if is_done(run)})
    except LotteryError as error:
        print(f"error: {error}")
        return 1
    print(table(tasks, args.arms, scores))
    return 0


if __name__ == "__main__":
    sys.exit(main())
