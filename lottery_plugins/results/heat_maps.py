"""Heat maps of the needle task: accuracy by length of the text and depth of the needle, one map a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.figures import Figure, scores_of
from lottery_plugins.results.load import Run, TaskRun
from lottery_plugins.results.means import mean_score
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.paper_table import load_runs
from lottery_plugins.results.samples import Document, document_rows, read_scores, sample_rows
from lottery_plugins.specs import parse_specs

__all__ = ["PREPROCESSED", "TASK", "HeatMap", "HeatMaps", "Place", "made_with", "read_heat_maps"]

TASK = "lottery_needle"
PLAIN, PREPROCESSED = "plain", "preprocessed"
"""The whole text in the prompt, or the chunks of it that a retriever over the prompt keeps."""

Place = tuple[int, float]
"""Length of the text in tokens, and depth of the needle from 0 to 1."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One run's map.

    Attributes:
        run: Name of the run.
        model: Model and compression, as they stand beside the map.
        methods: The same without the methods' options.
        prompt: `PLAIN` or `PREPROCESSED`.
        cells: Accuracy by place.
        overall: Accuracy over all places.
    """

    run: str
    model: str
    methods: str
    prompt: str
    cells: Mapping[Place, Figure]
    overall: Figure


@dataclass(frozen=True, slots=True)
class HeatMaps:
    """All maps, with axes that they share.

    Attributes:
        maps: Those of a model and compression after each other, the plain one first.
        lengths: Ascending.
        depths: Ascending.
        notes: What a reader should know.
    """

    maps: Sequence[HeatMap]
    lengths: Sequence[int]
    depths: Sequence[float]
    notes: Sequence[str] = ()

    @property
    def lines(self) -> list[list[HeatMap]]:
        """The maps that are shown side by side: those of the same methods, whatever their options and prompts."""
        found: dict[str, list[HeatMap]] = {}
        for heat_map in self.maps:
            found.setdefault(heat_map.methods, []).append(heat_map)
        return list(found.values())


def read_heat_maps(folders: Sequence[Path]) -> HeatMaps:
    """Read the maps of some runs.

    Raises:
        LotteryError: A run doesn't have the task, its samples can't be read, or two runs are for the same map.
    """
    runs = load_runs(folders, [TASK], "needle")
    models = {str(run.tasks[TASK].file.model_args.get("pretrained", "")) for run in runs}
    maps = [_read_map(run, with_model=len(models) > 1) for run in runs]
    rows: dict[str, dict[str, HeatMap]] = {}
    for heat_map in maps:
        row = rows.setdefault(heat_map.model, {})
        if heat_map.prompt in row:
            both = f"{row[heat_map.prompt].run} and {heat_map.run}"
            raise ConfigError(
                "lottery table needle", both, f"one run that is {heat_map.prompt} with {heat_map.model}", "Name one."
            )
        row[heat_map.prompt] = heat_map
    places = {place for heat_map in maps for place in heat_map.cells}
    lengths, depths = sorted({length for length, _ in places}), sorted({depth for _, depth in places})
    ordered = [row[prompt] for row in rows.values() for prompt in (PLAIN, PREPROCESSED) if prompt in row]
    return HeatMaps(ordered, lengths, depths, [note for run in runs for note in run.notes])


def _read_map(run: Run, *, with_model: bool) -> HeatMap:
    task = run.tasks[TASK]
    scores = read_scores(task, CompareOptions(metric="acc"))
    values = scores_of(scores)
    places = _places(task, scores.filter)
    by_place: dict[Place, list[float]] = {}
    for document, value in values.items():
        by_place.setdefault(places[document], []).append(value)
    cells = {place: _figure(found) for place, found in sorted(by_place.items())}
    overall = Figure(mean_score(list(values.values())), len(values), len(scores.failed))
    arguments = task.file.model_args
    compression, prompt = made_with(arguments)
    methods = "+".join(spec.partition(":")[0] for spec in compression.split("+"))
    before = f"{Path(str(arguments.get('pretrained', ''))).name}, " if with_model else ""
    return HeatMap(run.name, before + compression, before + methods, prompt, cells, overall)


def _figure(values: Sequence[float]) -> Figure:
    return Figure(mean_score(values), len(values))


def made_with(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Compression of a run, and whether a retriever over the prompt was in it, whatever its kind."""
    retrievers = parse_specs(str(arguments.get("retriever") or ""), "retriever")
    prompt = PREPROCESSED if any(spec.name.startswith("prompt") for spec in retrievers) else PLAIN
    return str(arguments.get("compression") or "not compressed"), prompt


def _places(task: TaskRun, chosen_filter: str) -> dict[Document, Place]:
    """Where the needle of each document is."""
    places = {}
    for line, document, row in document_rows(sample_rows(task.samples_path), chosen_filter):
        doc = row.get("doc")
        try:
            places[document] = (int(doc["length"]), float(doc["depth"]))  # type: ignore[index]  # checked by the except
        except (KeyError, TypeError, ValueError):
            raise DataError(f"{task.samples_path}, line {line}", "has no length and depth in its document") from None
    return places
