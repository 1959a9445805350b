"""`lottery new-task NAME`: a folder with a task that passes, to be changed into one's own."""

from __future__ import annotations

import argparse
import keyword
import re
from pathlib import Path
from string import Template

from lottery_plugins.errors import ConfigError, DataError

__all__ = ["add_arguments", "run", "write_task"]

_TEMPLATES = Path(__file__).with_name("task_template")
_FILES = {
    "task.yaml.txt": "{}.yaml",
    "generator.py.txt": "{}.py",
    "README.md.txt": "README.md",
    "test.py.txt": "test_{}.py",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from lottery_plugins.testing.contracts.task import ABILITIES

    parser.add_argument("name", metavar="NAME", help="name of the task: small letters, digits and underscores")
    parser.add_argument("--ability", choices=ABILITIES, default="retrieval", help="what it measures (%(default)s)")
    parser.add_argument("--dir", type=Path, default=Path(), help="where the folder NAME is made (here)")


def run(args: argparse.Namespace) -> int:
    """Write the folder and say what comes next."""
    folder = args.dir / args.name
    for path in write_task(args.name, args.ability, folder):
        print(path)
    print(
        "\nIt is an example that passes. Make it yours, file by file; after each step:\n"
        f"  lottery check-task {folder}\n"
        "Run it, with knobs and with help:\n"
        f"  lm-eval run --model lottery --model_args pretrained=MODEL --include_path {folder} --tasks {args.name} "
        "--limit 20 --log_samples --output_path runs/mine"
    )
    return 0


def write_task(name: str, ability: str, folder: Path) -> list[Path]:
    """Fill the templates into a new folder.

    Raises:
        ConfigError: The name can't be that of a task and a module.
        DataError: The folder exists already, or can't be made.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) or keyword.iskeyword(name):
        allowed = "two to forty small letters, digits and underscores, a letter first"
        raise ConfigError("NAME", name, allowed, "It is also the name of a Python module.")
    try:
        folder.mkdir(parents=True)
        written = []
        for template, target in _FILES.items():
            text = Template((_TEMPLATES / template).read_text("utf-8"))
            path = folder / target.format(name)
            path.write_text(text.substitute(name=name, ability=ability, tag=f"{name.replace('_', '-')}-tasks"), "utf-8")
            written.append(path)
    except FileExistsError as error:
        raise DataError(str(folder), "exists already", "Choose another name or --dir, or remove it.") from error
    except OSError as error:
        raise DataError(str(folder), f"can't be made: {error.strerror}", "Choose another --dir.") from error
    return written
