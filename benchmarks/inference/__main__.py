"""The inference core against other ways of running the same load. See benchmarks/README.md.

python benchmarks/inference [PART ...] [--quick] [--model FOLDER] [--threads N] [--output FOLDER]
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that a checkout needs no installation

from benchmarks.inference.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
