"""What a large knowledge base costs with bm25: time to build, bytes, memory, time of a query.

    python benchmarks/retrieval_scale.py CORPUS.jsonl.gz QUESTIONS.jsonl.gz [--passages 20000] [--folder DIR]

The passages are made, by a seed, of the sentences of the corpus in new combinations of 60 to 100 words; the questions
are asked as they are. Documents and index are built in one process and opened in another. With --folder the passages
and the index stay there, and a second call measures what a second run of the product has to do.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.retrievers.knowledge_base import load_knowledge_base

MIB = 2**20


def make_passages(corpus: Path, number: int, path: Path, seed: int = 0) -> None:
    """Write `number` passages unless the file is there."""
    if path.exists():
        return
    documents = load_knowledge_base(corpus)
    sentences = [s for d in documents for s in re.split(r"(?<=[.!?])\s+", d.text) if 4 <= len(s.split()) <= 60]
    lengths = {s: len(s.split()) for s in sentences}
    titles = sorted({d.title for d in documents})
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for i in range(number):
            parts, words = [], 0
            while words < 60:
                sentence = rng.choice(sentences)
                if words + lengths[sentence] <= 100:
                    parts.append(sentence)
                    words += lengths[sentence]
            file.write(json.dumps({"id": f"p{i}", "title": rng.choice(titles), "text": " ".join(parts)}) + "\n")


class PrivateMemory(threading.Thread):
    """Samples the memory that is the process's own; mapped files, which the system may drop at will, are not in it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        while True:
            status = Path("/proc/self/status").read_text(encoding="ascii")
            self.peak = max(self.peak, int(re.search(r"RssAnon:\s+(\d+)", status)[1]) * 1024)
            time.sleep(0.02)


def stage(passages: Path, folder: Path, questions: Path, limit: int) -> dict:
    """Open documents and index as a run does, making them if need be; then ask."""
    memory = PrivateMemory()
    memory.start()
    knowledge = Knowledge.kept_in(folder)
    start = time.perf_counter()
    documents = knowledge.documents(passages)
    read = time.perf_counter()
    index = knowledge.index(Bm25(), documents)
    indexed = time.perf_counter()
    with gzip.open(questions, "rt", encoding="utf-8") as file:
        asked = [json.loads(line)["question"] for _, line in zip(range(limit), file, strict=False)]
    taken, worked, found = [], [], 0
    for question in asked:
        begin, cpu = time.perf_counter(), time.process_time()
        found += len(index.search(question, 5))
        taken.append(1000 * (time.perf_counter() - begin))
        worked.append(1000 * (time.process_time() - cpu))
    return {
        "documents_s": read - start,
        "index_s": indexed - read,
        "median_ms": statistics.median(taken),
        "p95_ms": statistics.quantiles(taken, n=20)[-1],
        "cpu_median_ms": statistics.median(worked),
        "cpu_p95_ms": statistics.quantiles(worked, n=20)[-1],
        "found": found,
        "private_mib": memory.peak / MIB,
        "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def run_stage(arguments: argparse.Namespace, passages: Path, folder: Path) -> dict:
    command = [sys.executable, __file__, str(arguments.corpus), str(arguments.questions), "--limit"]
    command += [str(arguments.limit), "--stage", str(passages), str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def bytes_in(folder: Path, pattern: str) -> float:
    return sum(path.stat().st_size for path in folder.glob(pattern)) / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--passages", type=int, default=20_000, help="how many to make")
    parser.add_argument("--limit", type=int, default=500, help="questions asked, from the first")
    parser.add_argument("--folder", type=Path, help="where passages and index are kept; else a temporary one")
    parser.add_argument("--stage", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        passages, folder = arguments.stage
        print(json.dumps(stage(passages, folder, arguments.questions, arguments.limit)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        passages = folder / f"passages-{arguments.passages}.jsonl"
        make_passages(arguments.corpus, arguments.passages, passages)
        print(f"{arguments.passages} passages, {passages.stat().st_size / MIB:.0f} MiB of JSON lines")
        for title in ("first run", "later run"):
            told = run_stage(arguments, passages, folder / "indexes")
            print(
                f"{title}: documents {told['documents_s']:.1f} s, index {told['index_s']:.1f} s, "
                f"query median {told['median_ms']:.1f} ms, p95 {told['p95_ms']:.1f} ms "
                f"(of the processor {told['cpu_median_ms']:.1f} and {told['cpu_p95_ms']:.1f}), found {told['found']}, "
                f"memory {told['private_mib']:.0f} MiB of its own, {told['resident_mib']:.0f} MiB with mapped files"
            )
        documents = bytes_in(folder / "indexes", "documents-*/*")
        print(f"on disk: documents {documents:.0f} MiB, index {bytes_in(folder / 'indexes', 'bm25-*/*'):.0f} MiB")


if __name__ == "__main__":
    main()
