"""`lottery table`: published rows as published, our figures as logged, and "-" where nothing is known."""

import csv
import io

import pytest

from lottery_plugins.cli import main
from lottery_plugins.results.figures import MISSING
from lottery_plugins.results.means import mean_score
from lottery_plugins.results.paper_table import read_table
from lottery_plugins.results.published import TABLES
from lottery_plugins.results.statistics import wilson

GSM8K, SVAMP, ASQA = "lottery-paper-gsm8k", "lottery-paper-svamp", "lottery-paper-asqa"


@pytest.fixture
def two(runs, task):
    """A plain run of two tasks, and a ticket of one."""
    plain = {GSM8K: task([1.0] * 3 + [0.0] * 7, metric="acc"), SVAMP: task([0.0] * 10, metric="acc")}
    return [runs.write("plain", plain), runs.write("my_ticket|1", {GSM8K: task([1.0] * 10, metric="acc")})]


def lottery_table(*args):
    return main(["table", *map(str, args)])


def test_published_rows_have_a_figure_or_none_for_every_column():
    for table in TABLES.values():
        assert all(len(row.figures) == len(table.columns) for row in table.published)
        assert all(0 < figure < 100 for row in table.published for figure in row.figures if figure is not None)
        assert "arXiv:2502.17535" in table.source


def test_our_figures_are_means_with_wilsons_interval_and_n(two):
    plain, ticket = read_table("arithmetic", TABLES["arithmetic"], two).rows
    assert [row.name for row in (plain, ticket)] == ["plain", "my_ticket|1"]
    assert plain.figures[0].estimate == wilson(3, 10)
    assert plain.figures[0].n == 10
    assert ticket.figures[0].estimate.value == 1


def test_what_was_not_run_is_missing_and_what_scored_nothing_is_zero(two):
    plain, ticket = read_table("arithmetic", TABLES["arithmetic"], two).rows
    assert plain.figures[1].estimate.value == 0
    assert plain.figures[2:] == [None, None, None]
    assert ticket.figures[1:] == [None] * 4


def test_csv_has_every_figure_in_a_column_of_its_own(two, capsys):
    assert lottery_table("arithmetic", *two, "--format", "csv") == 0
    published, *_, plain, ticket = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (published["method"], published["GSM8K"], published["GSM8K n"]) == ("Direct, Codex", "19.7", MISSING)
    assert (plain["GSM8K"], plain["GSM8K low"], plain["GSM8K high"], plain["GSM8K n"]) == ("30.0", "10.8", "60.3", "10")
    assert (plain["SVAMP"], plain["ASDIV"], plain["ASDIV n"]) == ("0.0", MISSING, MISSING)
    assert (ticket["source"], ticket["SVAMP"]) == ("ours", MISSING)


def test_markdown_shows_ours_under_the_published_rows(two, capsys):
    assert lottery_table("arithmetic", *two, "--format", "markdown") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[2].startswith("| Direct, Codex | 19.7 | 69.9 |")
    assert lines[-2].startswith("| plain | 30.0 [10.8, 60.3] n=10 | 0.0 [0.0, 27.8] n=10 | - |")
    assert lines[-1].startswith("| my\\_ticket\\|1 | 100.0 ")
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_latex_escapes_names_and_counts_its_columns(two, capsys):
    assert lottery_table("arithmetic", *two, "--format", "latex") == 0
    text = capsys.readouterr().out
    assert r"my\_ticket\textbar{}1 & 100.0" in text
    assert r"\begin{tabular}{lrrrrr}" in text
    assert all(line.count("&") == 5 for line in text.splitlines() if line.endswith(r"\\"))


def test_the_terminal_shows_interval_and_n_below_each_figure(two, capsys):
    assert lottery_table("arithmetic", *two) == 0
    text = capsys.readouterr().out
    assert text.index("PAL, Codex") < text.index("plain") < text.index("[10.8, 60.3]") < text.index("n=10")


def test_a_file_gets_markdown_unless_another_format_is_named(two, tmp_path, capsys):
    assert lottery_table("arithmetic", *two, "--out", tmp_path / "new" / "a.md") == 0
    assert lottery_table("arithmetic", *two, "--out", tmp_path / "a.csv", "--format", "csv") == 0
    assert (tmp_path / "new" / "a.md").read_text().startswith("### Arithmetic")
    assert (tmp_path / "a.csv").read_text().startswith("method,source,GSM8K,")


def test_graded_scores_keep_their_mean_and_both_metrics_of_asqa_are_shown(runs, task):
    asqa = task([0.0, 0.5, 1.0, 0.5], metric="str_em")
    for row, hit in zip(asqa["rows"], (0.0, 0.0, 1.0, 0.0), strict=True):
        row.update(hit=hit, metrics=["str_em", "hit"])
    (row,) = read_table("knowledge", TABLES["knowledge"], [runs.write("run", {ASQA: asqa})]).rows
    assert [figure and figure.estimate.value for figure in row.figures] == [None, None, 0.5, 0.25]


def test_failed_documents_count_as_wrong_and_are_named(runs, task):
    folder = runs.write("run", {GSM8K: task([1.0] * 10, metric="acc")})
    runs.write_ledger("run", failed=(0, 1), task=GSM8K)
    results = read_table("arithmetic", TABLES["arithmetic"], [folder])
    assert results.rows[0].figures[0].estimate.value == pytest.approx(0.8)
    assert any("2 of 10 documents" in note for note in results.notes)


def test_worked_examples_are_told(runs, task):
    folder = runs.write("run", {GSM8K: task([1.0], metric="acc", num_fewshot=8)})
    assert any(f"{GSM8K} 8" in note for note in read_table("arithmetic", TABLES["arithmetic"], [folder]).notes)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["logic", "{plain}"], "has none of the tasks of the table 'logic'"),
        (["needle", "{plain}"], "has none of the tasks of the table 'needle'"),
        (["arithmetic", "{plain}", "{other}"], "other has none of the tasks"),
        (["arithmetic", "{plain}", "{plain}"], "different runs, each named once"),
        (["arithmetic", "{plain}", "--svg", "x.svg"], "heat maps alone"),
        (["arithmetic", "nowhere"], "does not exist"),
    ],
)
def test_what_does_not_fit_is_one_sentence(runs, task, two, capsys, args, sentence):
    folders = {"plain": two[0], "other": runs.write("other", {"t": [1.0]})}
    with pytest.raises(SystemExit) as ended:
        lottery_table(*(arg.format(**folders) for arg in args))
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line


def test_a_run_without_samples_is_one_sentence(runs, task, capsys):
    folder = runs.write("run", {GSM8K: task([1.0], metric="acc")}, log_samples=False)
    with pytest.raises(SystemExit):
        lottery_table("arithmetic", folder)
    assert "--log_samples" in capsys.readouterr().err


def test_mean_of_clustered_scores_is_wider_than_of_single_ones():
    scores = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 5
    clusters = [f"c{i // 4}" for i in range(40)]
    alone, together = mean_score(scores), mean_score(scores, clusters)
    assert alone.value == together.value
    assert together.high - together.low > alone.high - alone.low
    assert together.low >= 0
    assert together.high <= 1
