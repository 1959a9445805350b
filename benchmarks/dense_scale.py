"""What ranking by meaning costs: passages embedded per second, and the time of an exact search by size.

    python benchmarks/dense_scale.py CORPUS.jsonl.gz [--passages 200] [--rows 100000 1000000] [--folder DIR]

Needs lottery-dense. The passages are the first of the corpus; the rows are random unit vectors of the model's width, in
a memory-mapped file as an index has them. The query's own embedding is timed apart. Times are of the processor, so a
busy machine shows what an idle one would; with OMP_NUM_THREADS=1 they are those of one core.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np
from lottery_dense import Dense
from lottery_dense.dense_index import inner_products

from lottery_plugins.retrievers.knowledge_base import read_documents
from lottery_plugins.retrievers.ranking import best_positions


def embedding_speed(corpus: Path, number: int, weights: str) -> None:
    texts = [document.as_text() for _, document in islice(read_documents(corpus), number)]
    encoder = Dense(weights=weights).encoder()
    encoder.passages(texts[:16])
    start = time.process_time()
    encoder.passages(texts)
    seconds = time.process_time() - start
    words = sum(len(text.split()) for text in texts) / len(texts)
    taken = []
    for text in texts[:50]:
        begin = time.process_time()
        encoder.queries([" ".join(text.split()[:10])])
        taken.append(1000 * (time.process_time() - begin))
    speed = f"{len(texts) / seconds:.1f} passages/s of {words:.0f} words"
    print(f"{weights}: {speed}, query {statistics.median(taken):.1f} ms")


def search_speed(rows: int, dtype: str, folder: Path, width: int = 384, queries: int = 20) -> None:
    rng = np.random.default_rng(0)
    path = folder / f"{rows}-{dtype}.npy"
    vectors = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, width))
    for begin in range(0, rows, 50_000):
        block = rng.standard_normal((min(50_000, rows - begin), width), dtype=np.float32)
        vectors[begin : begin + len(block)] = block / np.linalg.norm(block, axis=1, keepdims=True)
    vectors.flush()
    mapped = np.load(path, mmap_mode="r")
    taken = []
    for query in range(queries):
        wanted = (query * 7919) % rows
        begin = time.process_time()
        best = best_positions(inner_products(mapped, mapped[wanted].astype(np.float32)), 5)
        taken.append(1000 * (time.process_time() - begin))
        assert best[0] == wanted
    size = path.stat().st_size / 2**20
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(f"{rows} x {width} {dtype}, {size:.0f} MiB: median {statistics.median(taken):.1f} ms, p95 {p95:.1f} ms")
    path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--passages", type=int, default=200, help="how many to embed")
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000], help="sizes to search")
    parser.add_argument("--folder", type=Path, help="where the vectors are while they are searched")
    arguments = parser.parse_args()
    for weights in ("float32", "bfloat16"):
        embedding_speed(arguments.corpus, arguments.passages, weights)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for rows in arguments.rows:
            for dtype in ("float32", "float16"):
                search_speed(rows, dtype, Path(folder))


if __name__ == "__main__":
    main()
