"""The packages of this checkout are importable in the processes that their tests start, installed or not."""

import os
from pathlib import Path

_FOLDERS = sorted(str(path.parent) for path in Path(__file__).parent.glob("*/pyproject.toml"))
os.environ["PYTHONPATH"] = os.pathsep.join([*_FOLDERS, *filter(None, [os.environ.get("PYTHONPATH")])])
