"""The positions that our presses keep against those that kvpress keeps, layer by layer and head by head.

    python benchmarks/kvpress_agreement.py --kvpress-python PYTHON                      # a tiny random model
    python benchmarks/kvpress_agreement.py --kvpress-python PYTHON --model FOLDER       # a real one, 512 tokens
    python benchmarks/kvpress_agreement.py --kvpress-python PYTHON --record FILE        # the reference of the tests

kvpress needs an older transformers: PYTHON is that of an environment with `kvpress==0.5.5 "transformers<5.3"`. Batches
of one, since kvpress is wrong in padded ones. Differences of definition: kvpress has no ties (we round ratings to 12
bits, and the earlier position stays; the column "ties" counts what that explains); its PyramidKV falls back to equal
budgets where ours does not (the cases have none); its ObservedAttention divides the attention received by the number of
queries that could give it, and has no share for the newest, so it is compared with a press of a few lines on top of
`h2o`, which checks the attention that is observed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that a checkout needs no installation

from benchmarks.kvpress_side import RATIOS, filled_cache, kept, real_model, tiny_model
from lottery_plugins.compression import H2O, TOVA, KeyNorm, PyramidKV, SnapKV, StreamingLLM
from lottery_plugins.compression.kv.press import attached

SIDE, TEXT = Path(__file__).with_name("kvpress_side.py"), Path(__file__).with_name("compression_text.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAttention(H2O):
    """The mean attention that a position received, as kvpress has it: of a prompt that was just read."""

    def score(self, view):
        from lottery_plugins.attention_math import rounded

        return rounded(view.mass / torch.arange(view.mass.shape[-1], 0, -1))


PRESSES = {
    "key-norm": lambda ratio: KeyNorm(compression_ratio=ratio),
    "streaming-llm": lambda ratio: StreamingLLM(compression_ratio=ratio, num_sinks=4),
    "snapkv": lambda ratio: SnapKV(compression_ratio=ratio, window=8, kernel=5),
    "tova": lambda ratio: TOVA(compression_ratio=ratio),
    "pyramid-kv": lambda ratio: PyramidKV(compression_ratio=ratio, window=8, kernel=5, beta=2),
    "observed-attention": lambda ratio: ObservedAttention(compression_ratio=ratio),
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two sides agree in one case.

    Attributes:
        heads: Heads of all layers.
        equal_heads: Those in which both keep the same positions.
        kept: Positions kept by us in all of them.
        shared: How many of these kvpress keeps too.
        ties: Of those that it does not keep, how many we rate as the last one that we keep, to 11 bits.
    """

    heads: int
    equal_heads: int
    kept: int
    shared: int
    ties: int


class Watched:
    """A press whose ratings can be looked at, layer by layer."""

    def __init__(self, press):
        self._press, self.ratings = press, {}

    def __getattr__(self, name):
        return getattr(self._press, name)

    def score(self, view):
        self.ratings[view.layer] = self._press.score(view)
        return self.ratings[view.layer]


def ours(model, ids):
    """What our presses keep in every case, by "name ratio", and how they rate all positions: of each head."""
    full, found = filled_cache(model, ids), {}
    for name, build in PRESSES.items():
        for ratio in RATIOS:
            press = Watched(build(ratio))
            with attached(press, model):
                left = kept(full, filled_cache(model, ids))
            found[f"{name} {ratio}"] = left, [press.ratings[layer][0] for layer in range(len(left))]
    return found


def agreement(own, ratings, other):
    """The two masks of each head, compared."""
    heads = [
        (int(mask, 16), int(other_mask, 16), rating)
        for masks, of_layer, other_masks in zip(own, ratings, other, strict=True)
        for mask, rating, other_mask in zip(masks, of_layer, other_masks, strict=True)
    ]
    return Agreement(
        heads=len(heads),
        equal_heads=sum(a == b for a, b, _ in heads),
        kept=sum(a.bit_count() for a, _, _ in heads),
        shared=sum((a & b).bit_count() for a, b, _ in heads),
        ties=sum(ties(a, b, rating) for a, b, rating in heads),
    )


def ties(own, other, rating):
    """Positions kept here and not there whose rating is the lowest that was kept, as far as rounding can tell."""
    lowest = min(float(rating[place]) for place in range(len(rating)) if own >> place & 1)
    only_here = [place for place in range(len(rating)) if (own & ~other) >> place & 1]
    return sum(abs(float(rating[place]) - lowest) <= abs(lowest) * 2**-11 for place in only_here)


def theirs(python, arguments):
    """What kvpress keeps, from its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.json"
        subprocess.run([python, str(SIDE), str(path), *arguments], check=True)
        return json.loads(path.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kvpress-python", required=True, help="python of an environment with kvpress")
    parser.add_argument("--model", help="folder of a causal model; without it a tiny random one")
    parser.add_argument("--tokens", type=int, default=512, help="length of the prompt of a real model")
    parser.add_argument("--record", type=Path, help="write what kvpress keeps to this file")
    arguments = parser.parse_args()
    real = [arguments.model, str(TEXT), str(arguments.tokens)] if arguments.model else []
    other = theirs(arguments.kvpress_python, real)
    if arguments.record:
        arguments.record.write_text(json.dumps(other, indent=0) + "\n")
    model, ids = real_model(*real[:2], arguments.tokens) if real else tiny_model()
    columns = ("heads", "equal heads", "kept", "shared", "ties")
    table = Table("method", "ratio", *columns, title=f"{ids.shape[1]} tokens")
    for case, (own, ratings) in ours(model, ids).items():
        table.add_row(*case.split(), *map(str, astuple(agreement(own, ratings, other[case]))))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
