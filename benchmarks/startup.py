"""Start-up time of an unrelated Python program with and without the automatic loading.

    python benchmarks/startup.py [--runs 300]

Runs `python -c pass` in turns: as installed, switched off, and without our `.pth` at all. Turns are interleaved, so
that a busy machine slows all alike; medians are compared. Also shown: `python -S`, which skips site-packages, for
scale. It makes two environments of its own, so it works where lottery-plugins is not installed.
"""

import argparse
import compileall
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = ("lottery_plugins_autoload.pth", "_lottery_autoload.py")


def make_environment(folder, *, with_us):
    """A bare environment, with or without the two files that every start-up reads."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    if with_us:
        site_packages = next(folder.glob("lib/python*/site-packages"))
        for name in FILES:
            shutil.copy(REPOSITORY / name, site_packages)
        compileall.compile_dir(site_packages, quiet=1)  # as pip does
    return folder / "bin" / "python"


def seconds(command, environ=None):
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, env=environ)
    return time.perf_counter() - start


def measure(commands, runs):
    """Times by name, the commands in a new random order each turn."""
    times = {name: [] for name in commands}
    order = list(commands)
    for turn in range(runs + 5):
        random.Random(turn).shuffle(order)
        for name in order:
            took = seconds(*commands[name])
            if turn >= 5:  # the first turns fill the bytecode and file caches
                times[name].append(took)
    return times


def main():
    """Print medians in milliseconds, and the difference that we make with its 95 % interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300, help="runs of each variant")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        without = make_environment(Path(folder, "without"), with_us=False)
        installed = make_environment(Path(folder, "with"), with_us=True)
        commands = {
            "without lottery-plugins": ([without, "-c", "pass"],),
            "with lottery-plugins": ([installed, "-c", "pass"],),
            "with LOTTERY_AUTOLOAD=0": ([installed, "-c", "pass"], {"LOTTERY_AUTOLOAD": "0"}),
            "python -S (no site-packages)": ([without, "-S", "-c", "pass"],),
        }
        times = measure(commands, runs)
    for name, values in times.items():
        print(f"{name:30} {1000 * statistics.median(values):7.2f} ms   best {1000 * min(values):7.2f} ms")
    pairs = zip(times["with lottery-plugins"], times["without lottery-plugins"], strict=True)
    differences = sorted(1000 * (a - b) for a, b in pairs)
    resampled = sorted(
        statistics.median(random.Random(seed).choices(differences, k=len(differences))) for seed in range(1000)
    )
    print(
        f"difference, median of {runs} pairs: {statistics.median(differences):.2f} ms "
        f"(95 % bootstrap interval {resampled[25]:.2f} to {resampled[974]:.2f})"
    )


if __name__ == "__main__":
    main()
