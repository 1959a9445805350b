"""What benchmarks/kv_heatmap.py and kvpress_agreement.py run, read and show."""

from argparse import Namespace
from pathlib import Path

import torch

from benchmarks.kv_heatmap import METHODS, QUANTIZERS, run_of, specs
from benchmarks.kvpress_agreement import Agreement, agreement
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover

SETTINGS = Namespace(
    model="m",
    dtype="float32",
    engine="packed:threads=1",
    out=Path("out"),
    lengths=[64, 128],
    depths=[0.0, 0.5, 1.0],
    docs=3,
)


def test_every_method_is_run_at_every_ratio_and_none_is_run_once():
    found, registry = list(specs([*METHODS, *QUANTIZERS], [0.0, 0.25, 0.75])), discover()
    assert found.count("") == 1
    assert len(found) == 1 + 2 * len(METHODS) + len(QUANTIZERS)
    ratios = []
    for spec in found[1:]:
        (parsed,) = RunConfig.parse(run_of(spec, SETTINGS).model_args).compression
        ratios.append(getattr(registry.create("compression", parsed), "compression_ratio", None))
    assert ratios == [0.25, 0.75] * len(METHODS) + [None] * len(QUANTIZERS)


def test_a_run_has_as_many_documents_as_its_cells_need():
    run = run_of("tova:compression_ratio=0.5", SETTINGS)
    assert (run.limit, run.metadata["num_docs"]) == (18, 18)
    assert run.output_path == "out/runs/tova-compression_ratio-0.5"


def test_heads_are_compared_position_by_position_and_ties_are_told():
    ratings = [torch.tensor([[4.0, 3.0, 2.0, 2.0], [4.0, 3.0, 2.0, 1.0]])]
    found = agreement([["7", "3"]], ratings, [["b", "9"]])
    assert found == Agreement(heads=2, equal_heads=0, kept=5, shared=3, ties=2)
    assert agreement([["7"]], [ratings[0][:1]], [["7"]]).equal_heads == 1
