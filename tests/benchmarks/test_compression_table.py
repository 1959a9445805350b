"""The table of compression methods: what it would measure, and what it shows of what is finished."""

import json

import pytest

from benchmarks.compression_arms import report, scored, specs


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "text").mkdir()
    return scored.Settings(model="org/model", limit=2, threads=1, out=tmp_path)


def test_every_installed_method_is_measured_or_left_out_with_a_reason():
    from lottery_plugins.discovery import discover

    chosen = specs.choose()
    assert chosen.specs[0] == specs.ORIGINAL
    assert len(set(chosen.specs)) == len(chosen.specs)
    for plugin in discover().plugins("compression"):
        measured = any(plugin.name in spec.replace(":", "+").split("+") for spec in chosen.specs)
        assert measured or any(plugin.name in name for name in chosen.left_out), plugin.name


def test_the_tasks_are_there_and_each_has_its_help():
    from lottery_plugins.discovery import task_paths

    there = {path.stem for folder in task_paths() for path in folder.rglob("*.yaml")}
    asked = {task for tasks in specs.ABILITIES.values() for task in tasks}
    assert asked <= there
    assert asked == specs.AUGMENTED.keys()


def test_only_takes_words_and_whole_specs():
    chosen = specs.choose(["int8", "wanda:sparsity=0.1"])
    assert {"none", "int8", "wanda:sparsity=0.1"} <= set(chosen.specs)
    assert all(spec == "none" or "int8" in spec or spec == "wanda:sparsity=0.1" for spec in chosen.specs)


def test_a_spec_that_cannot_be_made_is_left_out_with_its_reason():
    chosen = specs.choose(["int8:bits=3"])
    assert "int8:bits=3" in chosen.left_out
    assert chosen.specs == ("none",)


def test_each_spec_has_a_folder_of_its_own(settings):
    chosen = specs.choose().specs
    assert len({scored.name_of(spec) for spec in chosen}) == len(chosen)
    plain, augmented = (scored.runs_of("int8+key-norm", arm, settings) for arm in scored.ARMS)
    assert len(plain) == 1
    assert sorted(task for run in augmented for task in run.tasks) == sorted(plain[0].tasks)
    assert all(task in specs.AUGMENTED for run in augmented for task in run.tasks)
    assert all(specs.AUGMENTED[task].items() <= run.model_args.items() for run in augmented for task in run.tasks)
    assert len({run.output_path for run in [*plain, *augmented]}) == 1 + len(augmented)
    assert all(run.model_args["compression"] == "int8+key-norm" for run in [*plain, *augmented])
    assert all("reasoner" in run.model_args for run in augmented)
    assert "compression" not in scored.runs_of("none", "plain", settings)[0].model_args


def write(settings, spec, arm, scores):
    """What lm-eval would leave of some documents."""
    folder = scored.folder(spec, arm, settings) / "all"
    folder.mkdir(parents=True)
    date = "2026-11-21T23-30-19.500876"
    data = {"results": {task: {} for task in scores}, "configs": {task: {} for task in scores}, "config": {}}
    (folder / f"results_{date}.json").write_text(json.dumps(data))
    for task, values in scores.items():
        rows = [json.dumps({"doc_hash": f"{task}{i}", "acc": value}) for i, value in enumerate(values)]
        (folder / f"samples_{task}_{date}.jsonl").write_text("\n".join(rows))


def test_the_table_shows_what_is_finished(settings):
    figures = {
        "stored": 0.32, "stored_other": 0.14, "nominal": 0.27, "cache_packed": 1.0, "nll_change": 0.25,
        "nll_change_half_interval": 0.05, "speed": {"median": 0.9, "least": 0.8, "most": 1.0}, "seconds": 12.0,
    }  # fmt: skip
    report.text_file("int4", settings).write_text(json.dumps(figures))
    write(settings, "none", "plain", {"lottery_needle": [1.0] * 8 + [0.0] * 2, "lottery_arithmetic": [1.0, 0.0]})
    write(settings, "int4", "plain", {"lottery_needle": [1.0] * 5 + [0.0] * 5, "lottery_arithmetic": [1.0, 0.0]})
    shown = report.publish(["none", "int4", "int8"], {"awq": "needs\nx"}, settings)
    assert "| int4 | 0.320 | 0.140 | 0.270 | 1.000 | +0.250 ± 0.050 | 0.90 [0.80, 1.00] | 12.0 |" in shown
    row = next(line for line in shown.splitlines() if line.startswith("| int4 | 50 ["))
    assert "| -25 [" in row
    assert row.endswith("| 12 |")
    assert "augmented" not in "".join(line for line in shown.splitlines() if line.startswith("###"))
    assert "- awq is left out: needs x" in shown
    assert (settings.out / "compression.md").read_text() == shown


def test_one_spec_is_measured_on_the_text(tmp_path, monkeypatch):
    from benchmarks.compression_arms import text
    from lottery_plugins.testing.contracts.compression_files import save_tiny_model

    folder = str(save_tiny_model(tmp_path / "tiny"))
    for name, size in (("CONTEXT", 96), ("SCORED", 64), ("BLOCK", 32)):
        monkeypatch.setattr(text, name, size)
    none, int4, press = (text.measure(folder, spec, 0) for spec in ("none", "int4:group_size=32", "key-norm"))
    assert (none["stored"], none["nll_change"], none["cache_packed"]) == (1.0, 0.0, 1.0)
    assert int4["stored_other"] < 0.3
    assert int4["nll_change"] != 0.0
    assert int4["nll_change_half_interval"] > 0
    assert (press["stored"], press["nll_change_half_interval"]) == (1.0, None)
    assert press["cache_packed"] == pytest.approx(0.5, abs=0.01)
