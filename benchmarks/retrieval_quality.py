"""Recall and speed of the bm25 retriever on questions whose right document is known.

    python benchmarks/retrieval_quality.py CORPUS.jsonl.gz QUESTIONS.jsonl.gz [--limit 1000]

The corpus is a knowledge base (id, title, text); each line of the questions has `question` and `gold_id`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.knowledge_base import load_knowledge_base


def read_rows(path: Path, limit: int) -> list[dict]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for _, line in zip(range(limit), file, strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int, default=1000, help="questions asked, from the first")
    arguments = parser.parse_args()

    documents = load_knowledge_base(arguments.corpus)
    rows = read_rows(arguments.questions, arguments.limit)
    Bm25().build(documents[:10]).search("warm-up", 1)  # loads the libraries, which is not to be timed
    start = time.perf_counter()
    index = Bm25().build(documents)
    built = time.perf_counter()
    found = [[hit.document.id for hit in index.search(row["question"], 5)] for row in rows]
    searched = time.perf_counter()

    print(f"documents {len(documents)}, questions {len(rows)}")
    for k in (1, 5):
        recall = sum(row["gold_id"] in ids[:k] for row, ids in zip(rows, found, strict=True)) / len(rows)
        print(f"R@{k} {recall:.3f}")
    print(f"build {built - start:.2f} s, query {1000 * (searched - built) / len(rows):.2f} ms")


if __name__ == "__main__":
    main()
