"""How fast the tasks that download nothing make their documents, and how well their text length is met.

    python benchmarks/task_generation.py [--docs 10000] [--tasks lottery_needle lottery_pairs]
    python benchmarks/task_generation.py --tokenizer FOLDER --docs 100

The first loads each task as lm-eval does, with its default knobs, and prints processor seconds and rows a second. The
second counts the tokens of each document's text with a tokenizer of transformers, by the length that was asked for.
"""

import argparse
import fnmatch
import logging
import time
from pathlib import Path

from lm_eval.tasks import TaskManager

from lottery_plugins.tasks.haystack import STYLES, about_tokens, hide
from lottery_plugins.tasks.randomness import Rng

TASK_YAML = Path(__file__).resolve().parents[1] / "task_yaml"
PROBE_TOKENS = 20_000


def load(manager, name):
    """A task's documents and the processor seconds they took."""
    start = time.process_time()
    docs = list(manager.load([name])["tasks"][name].eval_docs)
    return docs, time.process_time() - start


def show_speed(manager, names):
    print("| task | documents | seconds | rows/s |\n|---|---|---|---|")
    for name in names:
        docs, seconds = load(manager, name)
        print(f"| `{name}` | {len(docs)} | {seconds:.1f} | {len(docs) / seconds:.0f} |", flush=True)


def show_lengths(manager, names, folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)

    def count(text):
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    print("| style | tokens asked for | estimate | counted |\n|---|---|---|---|")
    for style in STYLES:
        text = hide(Rng("probe", style), style, PROBE_TOKENS, [])
        print(f"| {style} | {PROBE_TOKENS} | {about_tokens(text)} | {count(text)} |")
    print("\n| task | length asked for: tokens counted |\n|---|---|")
    for name in names:
        found = {}
        for doc in load(manager, name)[0]:
            if "length" in doc:
                found.setdefault(doc["length"], []).append(count(doc["context"]))
        means = (f"{length}: {sum(counts) / len(counts):.0f}" for length, counts in sorted(found.items()))
        print(f"| `{name}` | {', '.join(means) or 'no knob'} |", flush=True)


def main():
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=int, default=10_000, help="documents per task")
    parser.add_argument("--tasks", nargs="*", default=["lottery_*"], help="names or globs")
    parser.add_argument("--tokenizer", help="folder or hub name: count tokens instead")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    manager = TaskManager(include_path=str(TASK_YAML), include_defaults=False, metadata={"num_docs": args.docs})
    names = [n for n in manager.all_subtasks if any(fnmatch.fnmatch(n, glob) for glob in args.tasks)]
    if args.tokenizer:
        show_lengths(manager, names, args.tokenizer)
    else:
        show_speed(manager, names)


if __name__ == "__main__":
    main()
