import io
import json

import numpy as np
import pytest
from rich.console import Console

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.compare import compare, compare_study
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.render import render_json, render_markdown, render_table
from lottery_plugins.trajectory import Step

QUICK = CompareOptions(resamples=499)


def scores(n, correct):
    return [1.0] * correct + [0.0] * (n - correct)


@pytest.fixture
def study(runs, task):
    """Augmentation helps the compressed model by 30 of 100 documents and the original by none."""
    rates = dict(zip(STUDY_ARMS, (60, 60, 30, 60), strict=True))
    ability = {"ability": "operations", "margin": 0.1}
    for arm, correct in rates.items():
        tasks = {"copy": task(scores(100, correct), lottery=ability), "sums": task(scores(100, correct))}
        runs.write(arm, tasks, model_args=f"pretrained={arm}")
    return {arm: runs.root / arm for arm in STUDY_ARMS}


def shown(comparison, width=120):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    render_table(comparison, console)
    return console.file.getvalue()


def test_the_three_verdicts(runs):
    original = runs.write("original", {"t": scores(200, 120)})
    tickets = {
        "same": runs.write("same", {"t": scores(200, 120)}),
        "worse": runs.write("worse", {"t": scores(200, 60)}),
        "unclear": runs.write("unclear", {"t": scores(200, 113)}),
    }
    comparison = compare(original, tickets)
    assert {group.arm: group.verdict for group in comparison.overall} == {
        "same": "non_inferior",
        "worse": "inferior",
        "unclear": "inconclusive",
    }
    worse, unclear = comparison.tasks[0].arms[2:]
    assert worse.judged.difference.value == pytest.approx(-0.3)
    assert worse.judged.required_n is None
    assert unclear.judged.required_n > 200


def test_swapping_runs_negates_the_difference(runs):
    rng = np.random.default_rng(0)
    one, other = (runs.write(name, {"t": rng.random(40).round(2).tolist()}) for name in "ab")
    there, back = compare(one, {"b": other}, QUICK), compare(other, {"a": one}, QUICK)
    mirrored, difference = (c.tasks[0].arms[1].judged.difference for c in (back, there))
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (-difference.value, -difference.high, -difference.low)
    )


def test_graded_and_clustered_scores_take_the_bootstrap_and_binary_ones_tango(runs, task):
    docs = [{"q": str(i), "passage": i // 2} for i in range(40)]
    for name in "ab":
        clustered = task(scores(40, 20), docs=docs, lottery={"cluster": "passage"})
        runs.write(name, {"graded": [0.5] * 40, "binary": scores(40, 20), "clustered": clustered})
    comparison = compare(runs.root / "a", {"b": runs.root / "b"}, QUICK)
    found = {t.task: (t.method, t.num_documents, t.num_clusters) for t in comparison.tasks}
    assert found == {
        "graded": ("bootstrap-t", 40, 40),
        "binary": ("Tango score", 40, 40),
        "clustered": ("bootstrap-t", 40, 20),
    }


def test_few_clusters_are_pointed_out_and_never_give_a_verdict(runs, task):
    docs = [{"q": str(i), "template": i % 5} for i in range(400)]
    for name in "ab":
        runs.write(name, {"t": task(scores(400, 200), docs=docs, lottery={"cluster": "template"})})
    comparison = compare(runs.root / "a", {"b": runs.root / "b"}, QUICK)
    assert comparison.overall[0].verdict == "inconclusive"
    assert any("t has only 5 clusters" in note for note in comparison.notes)


def test_lower_is_better_shows_the_score_as_logged_and_a_gain_as_positive(runs, task):
    original = runs.write("a", {"t": task([3.0] * 30, higher=False)})
    ticket = runs.write("b", {"t": task([2.0] * 30, higher=False)})
    arms = compare(original, {"b": ticket}, QUICK).tasks[0].arms
    assert [arm.score.value for arm in arms] == [3.0, 2.0]
    assert arms[1].judged.difference.value == 1.0
    assert arms[1].judged.verdict == "non_inferior"


def test_failed_samples_lower_the_score_and_stand_beside_it(runs):
    original = runs.write("original", {"t": scores(50, 40)})
    ticket = runs.write("ticket", {"t": scores(50, 40)})
    runs.write_ledger("ticket", failed={0, 1}, num=50)
    result = compare(original, {"ticket": ticket}).tasks[0].arms[1]
    assert (result.score.value, result.failed, result.judged.difference.value) == (0.76, 2, pytest.approx(-0.04))


def test_study_reports_abilities_all_arms_and_the_interaction(study):
    comparison = compare_study(study, QUICK)
    assert [arm.arm for arm in comparison.tasks[0].arms] == list(STUDY_ARMS)
    gain = comparison.tasks[0].interaction
    assert gain.value == pytest.approx(0.3)
    assert 0.15 < gain.low < 0.3 < gain.high < 0.45
    verdicts = {(group.name, group.arm): group.verdict for group in comparison.abilities}
    assert verdicts == {
        ("operations", "original-augmented"): "non_inferior",
        ("operations", "compressed-plain"): "inferior",
        ("operations", "compressed-augmented"): "non_inferior",
    }
    assert [group.arm for group in comparison.deciding] == ["compressed-augmented"]


def test_study_without_all_arms_has_no_interaction(study):
    del study["original-augmented"]
    assert compare_study(study, QUICK).tasks[0].interaction is None


def test_study_needs_its_baseline_and_known_arms(study, tmp_path):
    with pytest.raises(DataError, match="needs original-plain"):
        compare_study({"compressed-plain": study["compressed-plain"]})
    with pytest.raises(ConfigError, match="original-plain, original-augmented"):
        compare_study({**study, "tiny": tmp_path})


@pytest.mark.parametrize("tickets", [{}, {"original": "x"}])
def test_tickets_need_names_of_their_own(study, tickets):
    with pytest.raises(ConfigError, match="tickets"):
        compare(study["original-plain"], tickets)


def test_a_verdict_that_only_the_correction_left_open_is_explained(runs):
    n, lost = 200, 4  # p = 0.02 at margin 0.05: kept by itself, not among ten tasks
    original = runs.write("a", {f"t{i}": scores(n, 100) for i in range(10)})
    ticket = runs.write("b", {f"t{i}": scores(n, 100 - lost) for i in range(10)})
    comparison = compare(original, {"b": ticket})
    judged = comparison.tasks[0].arms[1].judged
    assert judged.p_non_inferior < 0.05 < judged.p_adjusted
    assert judged.verdict == "inconclusive"
    assert any(note.startswith("t0, b: the margin is kept by itself") for note in comparison.notes)
    assert comparison.overall[0].verdict == "non_inferior"


@pytest.mark.parametrize("width", [80, 120, 200])
def test_table_shows_every_arm_at_every_width(study, runs, width):
    runs.write_ledger("compressed-augmented", task="copy", num=100)
    text = shown(compare_study(study, QUICK), width)
    words = text.replace("\n", " ")
    for word in ("copy", "sums", *STUDY_ARMS, "interaction", "non_inferior", "inferior", "134.0", "150", "measured"):
        assert word in words
    assert max(map(len, text.splitlines())) <= width


@pytest.fixture
def counted(study, runs):
    """The study with a ledger of what an engine counted, for one arm and task."""
    step = Step(kind="generate", prompt_tokens=40, cached_tokens=30, completion_tokens=2, forwarded_tokens=12)
    runs.write_ledger("compressed-augmented", task="copy", num=100, steps=(step, step))
    return compare_study(study, QUICK)


def test_costs_by_task_that_do_not_fit_the_terminal_are_left_out_and_the_notes_say_where_they_are(counted):
    narrow, wide = shown(counted, 80), shown(counted, 120)
    assert ("2,400" in narrow, "2,400" in wide) == (False, True)
    assert ("Costs by task: --markdown" in narrow, "Costs by task" in wide) == (True, False)


def test_at_80_columns_names_are_broken_after_hyphens_and_numbers_not_at_all(counted):
    words = shown(counted, 80).split()
    names = {word.rstrip(":;,.") for word in words if word.startswith(("orig", "compr", "augm", "plai"))}
    assert names <= {*STUDY_ARMS, "original-", "compressed-", "plain", "augmented", "compressed"}
    signed = [word for word in words if word.startswith(("+0", "-0", "[+", "[-"))]
    assert signed
    assert all(len(word.strip("[],")) == len("+0.300") for word in signed)
    assert "non_inferior" in words


@pytest.mark.parametrize("width", [120, 150, 200])
def test_work_that_an_engine_counted_is_shown_and_otherwise_left_out(study, counted, runs, width):
    words = shown(counted, width)
    assert "forwarded" in words
    assert "2,400" in words
    assert "75%" in words
    assert "| forwarded tokens | prompts cached |" in render_markdown(counted)
    assert "| 2,400 | 75% |" in render_markdown(counted)
    runs.write_ledger("compressed-augmented", task="copy", num=100)
    assert "forwarded" not in shown(compare_study(study, QUICK), width)


def test_costs_that_nobody_measured_are_said_to_be_not_measured(study):
    assert "tokens and seconds: not measured, as no run has a ledger.json" in shown(compare_study(study, QUICK))
    assert "| not measured |" in render_markdown(compare_study(study, QUICK))


def test_open_verdicts_say_how_many_documents_would_settle_them(runs):
    comparison = compare(runs.write("a", {"t": scores(40, 20)}), {"b": runs.write("b", {"t": scores(40, 19)})})
    needs = comparison.tasks[0].arms[1].judged
    for text in (shown(comparison, 200), render_markdown(comparison)):
        assert f"{needs.required_n_if_equal:,} documents if the runs are equal" in text
        assert f"{needs.required_n:,} documents if the difference is as observed" in text


def test_names_from_files_are_never_markup(runs):
    for name in "ab":
        runs.write(name, {"[red]x|y<b>": scores(20, 10)})
    comparison = compare(runs.root / "a", {"b": runs.root / "b"})
    assert "[red]x|y<b>" in shown(comparison)
    assert "[red]x\\|y&lt;b>" in render_markdown(comparison)


def test_json_has_a_schema_and_the_numbers_of_the_table(study):
    data = json.loads(render_json(compare_study(study, QUICK)))
    assert data["schema"] == 1
    assert data["options"]["margin"] == 0.05
    augmented = data["tasks"][0]["arms"][3]
    assert (augmented["arm"], augmented["judged"]["verdict"]) == ("compressed-augmented", "non_inferior")
    assert augmented["weights"] is None
