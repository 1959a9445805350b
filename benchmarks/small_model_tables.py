"""The paper's tables with a small model, through lm-eval, on real rows. See benchmarks/README.md.

python benchmarks/small_model_tables.py --data FOLDER [--model FOLDER] [--limit N] [--tables NAME ...] [--out FOLDER]
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # so that a checkout needs no installation

from benchmarks.tables.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
