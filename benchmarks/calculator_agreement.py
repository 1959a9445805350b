"""How many of the worked calculations in GSM8K's solutions the calculator reads, and agrees with.

    python benchmarks/calculator_agreement.py gsm8k_train.jsonl.gz

GSM8K marks each calculation as <<48/2=24>>. Its right sides are rounded by hand now and then.
"""

from __future__ import annotations

import gzip
import re
import sys
import time
from collections import Counter
from pathlib import Path

from lottery_plugins.errors import ToolError
from lottery_plugins.tools.calculator import Calculator


def main(path: Path) -> None:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        marked = re.findall(r"<<([^<>=]+)=([^<>=]+)>>", file.read())
    calculator = Calculator()
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    for expression, right_side in marked:
        try:
            ours = float(calculator.call({"expression": expression}).text)
            theirs = float(calculator.call({"expression": right_side}).text)
        except ToolError as error:
            counts["refused"] += 1
            print("refused:", error)
            continue
        if abs(ours - theirs) <= 1e-9 * max(1, abs(theirs)):
            counts["equal"] += 1
        elif abs(ours - theirs) <= max(0.01, 0.01 * abs(theirs)):
            counts["rounded"] += 1
        else:
            counts["different"] += 1
            print(f"different: {expression} is {ours:g}, there {right_side}")
    seconds = time.perf_counter() - start
    print(f"calculations {len(marked)}: {dict(counts)}; {1e6 * seconds / (2 * len(marked)):.0f} microseconds each")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
