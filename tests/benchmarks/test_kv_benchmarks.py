"""What benchmarks/kv_heatmap.py and kvpress_agreement.py run, read and show."""

import json
from argparse import Namespace
from pathlib import Path
from xml.etree import ElementTree

import torch

from benchmarks.kv_heatmap import METHODS, QUANTIZERS, Cell, HeatMap, colour, markdown, run_of, specs, svg, write
from benchmarks.kvpress_agreement import Agreement, agreement
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover

SETTINGS = Namespace(
    model="m", engine="packed:threads=1", out=Path("out"), lengths=[64, 128], depths=[0.0, 0.5, 1.0], docs=3
)
MAPS = [
    HeatMap(
        "none", "0", {(64, 0.0): Cell(4, 4), (64, 1.0): Cell(2, 4), (128, 0.0): Cell(1, 4), (128, 1.0): Cell(0, 4)}
    ),
    HeatMap(
        "tova", "0.5", {(64, 0.0): Cell(0, 4), (64, 1.0): Cell(3, 4), (128, 0.0): Cell(0, 4), (128, 1.0): Cell(4, 4)}
    ),
]


def test_every_method_is_run_at_every_ratio_and_none_is_run_once():
    ratios = [0.0, 0.25, 0.75]
    found, registry = list(specs([*METHODS, *QUANTIZERS], ratios)), discover()
    assert [spec for _, _, spec in found].count("") == 1
    assert len(found) == 1 + 2 * len(METHODS) + len(QUANTIZERS)
    for method, ratio, spec in found[1:]:
        (parsed,) = RunConfig.parse(run_of(spec, SETTINGS).model_args).compression
        built = registry.create("compression", parsed)
        assert built.name == method.partition(":")[0]
        assert getattr(built, "compression_ratio", "") == (float(ratio) if ratio else "")


def test_a_run_has_as_many_documents_as_its_cells_need():
    run = run_of("tova:compression_ratio=0.5", SETTINGS)
    assert (run.limit, run.metadata["num_docs"]) == (18, 18)
    assert run.output_path == "out/runs/tova-compression_ratio-0.5"


def test_the_table_has_a_row_per_depth_and_a_column_per_length():
    rows = markdown(MAPS).splitlines()
    assert rows[2:] == [
        "| method | ratio | all | depth | 64 | 128 |",
        "|---|---|---|---|---|---|",
        "| none | 0 | 44 | 0 | 100 | 25 |",
        "|  |  |  | 1 | 50 | 0 |",
        "| tova | 0.5 | 44 | 0 | 0 | 0 |",
        "|  |  |  | 1 | 75 | 100 |",
    ]


def test_the_drawing_is_well_formed_and_has_a_square_per_cell():
    root = ElementTree.fromstring(svg(MAPS))
    squares = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("fill", "").startswith("rgb")]
    assert [s.get("fill") for s in squares][:2] == [colour(1.0), colour(0.5)]
    assert len(squares) == 8


def test_files_are_written_and_say_the_same(tmp_path):
    write(MAPS, tmp_path)
    cells = json.loads((tmp_path / "heatmap.json").read_text())
    assert sum(cell["right"] for cell in cells) == 14
    assert {path.name for path in tmp_path.iterdir()} == {"heatmap.json", "heatmap.md", "heatmap.svg"}


def test_heads_are_compared_position_by_position_and_ties_are_told():
    ratings = [torch.tensor([[4.0, 3.0, 2.0, 2.0], [4.0, 3.0, 2.0, 1.0]])]
    found = agreement([["7", "3"]], ratings, [["b", "9"]])
    assert found == Agreement(heads=2, equal_heads=0, kept=5, shared=3, ties=2)
    assert agreement([["7"]], [ratings[0][:1]], [["7"]]).equal_heads == 1
