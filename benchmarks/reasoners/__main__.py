"""Every registered reasoner on a scripted model of known reliability. See benchmarks/README.md.

python benchmarks/reasoners [--problems 100] [--reliability 0.9] [--reasoners NAME ...] [--output FILE]
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # so that a checkout needs no installation

from benchmarks.reasoners.command import main  # noqa: E402 - after the path is set

if __name__ == "__main__":
    sys.exit(main())
