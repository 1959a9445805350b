"""The needle task under KV-cache methods: accuracy by length and depth of the needle, a map per method and ratio.

    python benchmarks/kv_heatmap.py --model FOLDER [--methods snapkv tova] [--ratios 0.25 0.5] [--docs 8] [--out FOLDER]

Each method and ratio is one lm-eval run of `lottery_needle` in a process of its own, as `lottery quickstart` does it,
and is not done again while its files are below --out; a run that was broken off goes on where it stopped. Ratio 0 is
one run without a method for all of them. Writes heatmap.md and heatmap.svg to --out, anew after each run;
`lottery table needle` and `lottery report` draw the same runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that a checkout needs no installation

from lottery_plugins.errors import LotteryError
from lottery_plugins.harness.study import HarnessRun, run_arm
from lottery_plugins.results.heat_map_svg import to_svg
from lottery_plugins.results.heat_map_text import FORMATS, print_maps
from lottery_plugins.results.heat_maps import TASK, read_heat_maps

NONE = "none"
METHODS = ("key-norm", "streaming-llm", "tova", "h2o", "snapkv", "pyramid-kv")
QUANTIZERS = ("kv-quant:bits=4", "kv-quant:bits=2")


def specs(methods, ratios):
    """The compression spec of each run; "" without one."""
    yield ""
    for method in methods:
        if method.startswith("kv-quant"):
            yield method
            continue
        for ratio in ratios:
            if ratio:
                yield f"{method}{',' if ':' in method else ':'}compression_ratio={ratio:g}"


def run_of(spec, arguments):
    """The lm-eval run of a spec."""
    cells = len(arguments.lengths) * len(arguments.depths)
    name = spec.replace(":", "-").replace(",", "-").replace("=", "-") or NONE
    return HarnessRun(
        model_args={
            "pretrained": str(arguments.model),
            "dtype": arguments.dtype,
            "engine": arguments.engine,
            **({"compression": spec} if spec else {}),
        },
        tasks=[TASK],
        output_path=str(arguments.out / "runs" / name),
        limit=cells * arguments.docs,
        batch_size=1 if arguments.engine == "rounds" else 8,
        metadata={
            "needle_lengths": arguments.lengths,
            "needle_depths": arguments.depths,
            "num_docs": cells * arguments.docs,
        },
    )


def write(folders, out):
    """Both files, anew."""
    maps = read_heat_maps(folders)
    (out / "heatmap.md").write_text(FORMATS["markdown"](maps), encoding="utf-8")
    (out / "heatmap.svg").write_text(to_svg(maps), encoding="utf-8")
    return maps


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder or hub name of a causal model")
    parser.add_argument("--methods", nargs="+", default=[*METHODS, *QUANTIZERS], help="compression specs")
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.25, 0.5, 0.75])
    parser.add_argument("--lengths", nargs="+", type=int, default=[256, 512, 1024])
    parser.add_argument("--depths", nargs="+", type=float, default=[0.0, 0.25, 0.5, 0.75, 1.0])
    parser.add_argument("--docs", type=int, default=8, help="documents a cell")
    parser.add_argument("--dtype", default="float32", help="of the model")
    parser.add_argument("--engine", default="packed", help="as in --model_args")
    parser.add_argument("--out", type=Path, default=Path("runs/kv-heatmap"))
    return parser


def main():
    """Do the runs that are missing, and write the maps; 1 when a run failed."""
    arguments = _parser().parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    folders = []
    try:
        for spec in specs(arguments.methods, arguments.ratios):
            run = run_of(spec, arguments)
            folders.append(Path(run.output_path))
            folders[-1].mkdir(parents=True, exist_ok=True)
            run_arm(spec or NONE, [run])
            maps = write(folders, arguments.out)
            print(f"{spec or NONE}: {100 * maps.maps[-1].overall.estimate.value:.0f} %", flush=True)
    except LotteryError as error:
        print(f"error: {error}")
        return 1
    print_maps(maps, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
