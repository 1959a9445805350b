"""The needle task under KV-cache methods: accuracy by length and depth of the needle, a map per method and ratio.

    python benchmarks/kv_heatmap.py --model FOLDER [--methods snapkv tova] [--ratios 0.25 0.5] [--docs 8] [--out FOLDER]

Each method and ratio is one lm-eval run of `lottery_needle` in a process of its own, as `lottery quickstart` does it,
and is not done again while its files are below --out; a run that was broken off goes on where it stopped. Ratio 0 is
one run without a method for all of them. Writes heatmap.md, heatmap.svg and heatmap.json to --out, anew after each
run; `lottery report` draws the same runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that a checkout needs no installation

from lottery_plugins.errors import LotteryError
from lottery_plugins.harness.study import HarnessRun, run_arm
from lottery_plugins.results.load import load_run
from lottery_plugins.results.samples import sample_rows

TASK, NONE = "lottery_needle", "none"
METHODS = ("key-norm", "streaming-llm", "tova", "h2o", "snapkv", "pyramid-kv")
QUANTIZERS = ("kv-quant:bits=4", "kv-quant:bits=2")
COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))  # viridis


@dataclass(frozen=True, slots=True)
class Cell:
    """Answers for needles at one depth of texts of one length."""

    right: int
    asked: int

    @property
    def accuracy(self):
        return self.right / self.asked


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One method at one ratio: cells by length and depth."""

    method: str
    ratio: str
    cells: dict[tuple[int, float], Cell]

    @property
    def accuracy(self):
        cells = self.cells.values()
        return sum(cell.right for cell in cells) / sum(cell.asked for cell in cells)


def specs(methods, ratios):
    """Method, ratio as shown, and compression spec of each run."""
    yield NONE, "0", ""
    for method in methods:
        if method.startswith("kv-quant"):
            yield method, "", method
            continue
        for ratio in ratios:
            if ratio:
                joined = "," if ":" in method else ":"
                yield method, f"{ratio:g}", f"{method}{joined}compression_ratio={ratio:g}"


def run_of(spec, arguments):
    """The lm-eval run of a spec."""
    cells = len(arguments.lengths) * len(arguments.depths)
    name = spec.replace(":", "-").replace(",", "-").replace("=", "-") or NONE
    return HarnessRun(
        model_args={
            "pretrained": str(arguments.model),
            "dtype": "float32",
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


def read(folder, method, ratio):
    """The map of a run that is done."""
    counts = defaultdict(lambda: [0, 0])
    for _, row in sample_rows(load_run(folder, method).tasks[TASK].samples_path):
        count = counts[row["doc"]["length"], row["doc"]["depth"]]
        count[0] += round(row["acc"])
        count[1] += 1
    return HeatMap(method, ratio, {place: Cell(*count) for place, count in sorted(counts.items())})


def markdown(maps):
    """One table: a row per method, ratio and depth, a column per length; accuracy in per cent."""
    lengths = sorted({length for m in maps for length, _ in m.cells})
    asked = {cell.asked for m in maps for cell in m.cells.values()}
    lines = [
        f"Accuracy of `{TASK}` in per cent, {'/'.join(map(str, sorted(asked)))} documents a cell.",
        "",
        f"| method | ratio | all | depth | {' | '.join(map(str, lengths))} |",
        f"|---|---|---|---|{'---|' * len(lengths)}",
    ]
    for m in maps:
        for row, depth in enumerate(sorted({depth for _, depth in m.cells})):
            head = (m.method, m.ratio, f"{100 * m.accuracy:.0f}") if row == 0 else ("", "", "")
            cells = [f"{100 * m.cells[length, depth].accuracy:.0f}" for length in lengths]
            lines.append(f"| {' | '.join((*head, f'{depth:g}', *cells))} |")
    return "\n".join(lines) + "\n"


def colour(share):
    """Between the colours by their brightness, as an SVG colour."""
    place = min(max(share, 0.0), 1.0) * (len(COLOURS) - 1)
    low = min(int(place), len(COLOURS) - 2)
    mixed = (a + (b - a) * (place - low) for a, b in zip(COLOURS[low], COLOURS[low + 1], strict=True))
    return f"rgb({','.join(str(round(part)) for part in mixed)})"


def svg(maps, size=26):
    """A panel per map: lengths from left to right, depths from top to bottom; a row of panels per method."""
    rows = list(dict.fromkeys(m.method for m in maps))
    width = max(len({length for length, _ in m.cells}) for m in maps) * size
    height = max(len({depth for _, depth in m.cells}) for m in maps) * size
    step_x, step_y = max(width, 110) + 60, height + 62
    across = max(sum(m.method == method for m in maps) for method in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across * step_x + 20}" height="{len(rows) * step_y + 20}" '
        'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>'
    ]
    for row, method in enumerate(rows):
        for column, m in enumerate(m for m in maps if m.method == method):
            parts.append(f'<g transform="translate({column * step_x + 50},{row * step_y + 34})">{_panel(m, size)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(m, size):
    lengths, depths = sorted({length for length, _ in m.cells}), sorted({depth for _, depth in m.cells})
    title = f"{m.method}{f', ratio {m.ratio}' if m.ratio else ''}: {100 * m.accuracy:.0f} %"
    parts = [f'<text x="0" y="-10" font-size="11" font-weight="bold">{title}</text>']
    for x, length in enumerate(lengths):
        middle = x * size + size / 2
        parts.append(f'<text x="{middle}" y="{len(depths) * size + 12}" text-anchor="middle">{length}</text>')
        for y, depth in enumerate(depths):
            share = m.cells[length, depth].accuracy
            ink = "black" if share > 0.6 else "white"
            parts.append(
                f'<rect x="{x * size}" y="{y * size}" width="{size}" height="{size}" fill="{colour(share)}"/>'
                f'<text x="{middle}" y="{y * size + size / 2 + 4}" text-anchor="middle" fill="{ink}">'
                f"{100 * share:.0f}</text>"
            )
    parts += [
        f'<text x="-6" y="{y * size + size / 2 + 4}" text-anchor="end">{d:g}</text>' for y, d in enumerate(depths)
    ]
    return "".join(parts)


def write(maps, out):
    """All three files, anew."""
    cells = [
        {"method": m.method, "ratio": m.ratio, "length": length, "depth": depth, "right": c.right, "asked": c.asked}
        for m in maps
        for (length, depth), c in m.cells.items()
    ]
    (out / "heatmap.json").write_text(json.dumps(cells, indent=1) + "\n", encoding="utf-8")
    (out / "heatmap.md").write_text(markdown(maps), encoding="utf-8")
    (out / "heatmap.svg").write_text(svg(maps), encoding="utf-8")


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder or hub name of a causal model")
    parser.add_argument("--methods", nargs="+", default=[*METHODS, *QUANTIZERS], help="compression specs")
    parser.add_argument("--ratios", nargs="+", type=float, default=[0.25, 0.5, 0.75])
    parser.add_argument("--lengths", nargs="+", type=int, default=[256, 512, 1024])
    parser.add_argument("--depths", nargs="+", type=float, default=[0.0, 0.25, 0.5, 0.75, 1.0])
    parser.add_argument("--docs", type=int, default=8, help="documents a cell")
    parser.add_argument("--engine", default="auto", help="as in --model_args")
    parser.add_argument("--out", type=Path, default=Path("runs/kv-heatmap"))
    return parser


def main():
    """Do the runs that are missing, and write the maps; 1 when a run failed."""
    arguments = _parser().parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([sys.path[0], os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    maps = []
    try:
        for method, ratio, spec in specs(arguments.methods, arguments.ratios):
            run = run_of(spec, arguments)
            Path(run.output_path).mkdir(parents=True, exist_ok=True)
            run_arm(spec or NONE, [run])
            maps.append(read(Path(run.output_path), method, ratio))
            write(maps, arguments.out)
            print(f"{spec or NONE}: {100 * maps[-1].accuracy:.0f} %", flush=True)
    except LotteryError as error:
        print(f"error: {error}")
        return 1
    print((arguments.out / "heatmap.md").read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
