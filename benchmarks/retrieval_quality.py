"""Recall and speed of retrievers on questions whose right document is known.

    python benchmarks/retrieval_quality.py CORPUS.jsonl.gz QUESTIONS.jsonl.gz [--limit 1000]
        [--retrievers bm25 dense hybrid bm25+dense] [--folder DIR]

The corpus is a knowledge base (id, title, text); each line of the questions has `question` and `gold_id`. Retrievers
are written as on the command line of a run. With --folder their indexes are kept there and a second call opens them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import statistics
import time
from pathlib import Path

from lottery_plugins.discovery import discover
from lottery_plugins.retrievers.fusion import Fusion
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.specs import parse_specs


def read_rows(path: Path, limit: int) -> list[dict]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for _, line in zip(range(limit), file, strict=False)]


def make(written: str):
    made = tuple(discover().create("retriever", spec) for spec in parse_specs(written, "retriever"))
    return Fusion(made) if len(made) > 1 else made[0]


def interval(hits: int, number: int) -> str:
    """Wilson's 95 % score interval."""
    z, share = 1.959964, hits / number
    centre = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return f"{share:.3f} [{centre - half:.3f}, {centre + half:.3f}]"


def measure(written: str, documents, knowledge: Knowledge, rows: list[dict]) -> None:
    retriever = make(written)
    retriever.build(documents[:2]).search("warm-up", 1)  # loads the libraries, which is not to be timed
    start = time.perf_counter()
    index = knowledge.index(retriever, documents)
    built = time.perf_counter() - start
    ranks, taken = [], []
    for row in rows:
        begin = time.perf_counter()
        ids = [hit.document.id for hit in index.search(row["question"], 5)]
        taken.append(time.perf_counter() - begin)
        ranks.append(ids.index(row["gold_id"]) if row["gold_id"] in ids else 99)
    first, five = (interval(sum(rank < k for rank in ranks), len(ranks)) for k in (1, 5))
    speed = f"{len(taken) / sum(taken):.0f} queries/s (median {1000 * statistics.median(taken):.2f} ms)"
    print(f"{written}: R@1 {first}, R@5 {five}; index {built:.1f} s, {speed}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int, default=1000, help="questions asked, from the first")
    parser.add_argument("--retrievers", nargs="+", default=["bm25"], help="each as retriever=... takes it")
    parser.add_argument("--folder", type=Path, help="where indexes are kept; else nowhere")
    arguments = parser.parse_args()

    knowledge = Knowledge.kept_in(arguments.folder)
    documents = knowledge.documents(arguments.corpus)
    rows = read_rows(arguments.questions, arguments.limit)
    print(f"documents {len(documents)}, questions {len(rows)}")
    for written in arguments.retrievers:
        measure(written, documents, knowledge, rows)


if __name__ == "__main__":
    main()
