"""How many published PAL programs the python tool runs, and whether they give the published answer.

    python benchmarks/python_agreement.py gsm_hard.jsonl.gz

GSM-hard (reasoning-machines/gsm-hard) has a program `code`, a function solution(), and its `target` per row.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lottery_plugins.errors import ToolError
from lottery_plugins.tools.python import Python


def main(path: Path) -> None:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    tool = Python()
    tool.call({"code": "1"})  # starts the first worker, which is not to be timed

    def check(row: dict) -> str:
        try:
            answer = float(tool.call({"code": row["code"] + "\nprint(solution())"}).text)
        except ToolError as error:
            print(error)
            return error.category
        return "equal" if abs(answer - row["target"]) <= 1e-3 * max(1, abs(row["target"])) else "different"

    start = time.perf_counter()
    counts = Counter(map(check, rows))
    seconds = time.perf_counter() - start
    print(f"programs {len(rows)}: {dict(counts)}; {1000 * seconds / len(rows):.2f} ms each")
    start = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(check, rows)) == counts
    print(f"from 8 threads: {1000 * (time.perf_counter() - start) / len(rows):.2f} ms each")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
