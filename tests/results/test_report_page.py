"""The page of `lottery report`, without a browser."""

import base64
import gzip
import json
import re
import sys

import pytest

from lottery_plugins.errors import ConfigError, RunsNotComparableError
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.load import load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.report.build import build_report
from lottery_plugins.results.report.charts import _front
from lottery_plugins.results.report.documents import read_samples
from lottery_plugins.trajectory import Step

HOSTILE = '</script><img src=x onerror="window.hacked = 1"><!--{{7*7}}'
STEPS = (
    Step(kind="retrieve", prompt="query", output="A heron.", tool="bm25", documents=(("d1", 0.5),), retrieved_tokens=2),
    Step(kind="tool", prompt="1+1", output=HOSTILE, tool="calculator", error="arguments"),
    Step(kind="generate", purpose="solve", prompt="p", output=HOSTILE, path="2.1", completion_tokens=3),
)


@pytest.fixture
def study(runs):
    """Four arms, of which two wrote trajectories."""
    for rate, arm in enumerate(STUDY_ARMS):
        runs.write(arm, {"t": [1.0] * (5 * rate) + [0.0] * (20 - 5 * rate)}, model_args=arm)
        if "augmented" in arm:
            runs.write_ledger(arm, failed={19}, num=20, steps=STEPS)
    return [load_run(runs.root / arm, arm) for arm in STUDY_ARMS]


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_every_document_is_there_with_every_arm(study):
    report = build_report(study, CompareOptions(), "title")
    assert [row["number"] for row in report.traces.index] == list(range(20))
    last = report.traces.index[-1]["arms"]
    assert [arm["failed"] for arm in last] == [False, True, False, True]
    (block,) = map(unpacked, report.traces.blocks)
    assert [len(arm["steps"]) for arm in block[0]["arms"]] == [0, 3, 0, 3]
    assert block[0]["arms"][1]["steps"][2]["path"] == "2.1"


def test_blocks_are_the_same_bytes_twice_and_hold_the_samples_in_order(study, monkeypatch):
    monkeypatch.setattr("lottery_plugins.results.report.traces._BLOCK", 7)
    first, second = (build_report(study, CompareOptions(), "title").traces for _ in range(2))
    assert first.blocks == second.blocks
    assert [len(unpacked(block)) for block in first.blocks] == [7, 7, 6]


def test_failed_samples_count_as_wrong_in_charts(runs):
    runs.write("one", {"t": [1.0] * 4})
    runs.write_ledger("one", failed={0, 1}, num=4)
    (sample, *_) = read_samples([load_run(runs.root / "one", "one")], "t", CompareOptions())
    assert (sample.answers["one"].score, sample.answers["one"].failed) == (1.0, True)


def test_one_run_alone_has_scores_and_no_verdict(runs):
    runs.write("one", {"t": [1.0, 0.0] * 4})
    report = build_report([load_run(runs.root / "one", "one")], CompareOptions(), "title")
    assert report.comparison.overall == ()
    assert [chart.id for chart in report.charts["Scores"]] == ["scores"]


def test_tools_stops_and_costs_are_drawn_where_they_are_known(study):
    charts = {c.id: c for section in build_report(study, CompareOptions(), "t").charts.values() for c in section}
    tools = {(r["run"], r["outcome"]): r["calls"] for r in charts["tools"].rows}
    assert tools["original-augmented", "failed"] == 20
    stops = {(r["run"], r["stop reason"]): r["samples"] for r in charts["stops"].rows}
    assert stops["compressed-augmented", "failed"] == 1
    assert not any(name.startswith("cost-") for name in charts), "two arms measured nothing"


def test_the_front_is_what_nothing_beats():
    assert _front([(1, 0.5), (2, 0.5), (2, 0.9), (3, 0.8)]) == [True, False, True, False]
    assert _front([(1, 0.5), (1, 0.5)]) == [True, True]


@pytest.fixture
def page(study):
    pytest.importorskip("vl_convert")
    from lottery_plugins.results.report.page import render_page

    report = build_report(study, CompareOptions(), f"Title {HOSTILE}")
    return render_page(report)


def markup(page):
    """The page without the code that is ours or the library's."""
    return re.sub(r'<script type="module">.*?</script>|<style>.*?</style>', "", page, flags=re.S)


def test_nothing_that_was_read_is_markup(page):
    assert HOSTILE not in page
    assert "<img" not in markup(page)
    assert "&lt;img" in markup(page)
    assert len(re.findall(r"<script\b", markup(page))) == markup(page).count("</script>")


def test_the_page_needs_no_network(page):
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", markup(page))


def test_the_page_says_the_verdict_in_words(page):
    assert re.search(r"<strong>compressed-augmented</strong>\s+is not worse than original-plain", page)
    assert page.count('<th scope="row"') > 4


def test_a_missing_library_is_one_sentence(study, monkeypatch):
    from lottery_plugins.results.report.page import render_page

    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match=r"lottery-plugins\[report\]"):
        render_page(build_report(study, CompareOptions(), "t"))


def test_samples_that_were_not_logged_are_one_sentence(runs):
    runs.write("one", {"t": [1.0]}, log_samples=False)
    with pytest.raises(RunsNotComparableError, match="--log_samples"):
        build_report([load_run(runs.root / "one", "one")], CompareOptions(), "t")


def test_a_control_is_no_headline_and_has_a_table_of_what_the_ticket_gains_over_it(runs):
    pytest.importorskip("vl_convert")
    from lottery_plugins.results.report.page import render_page

    ticket = "pretrained=small,reasoner=react,retriever=bm25"
    arms = {"original": "pretrained=large", "ticket": ticket, "placebo": f"{ticket},evidence=shuffled"}
    for right, (arm, arguments) in zip((20, 20, 5), arms.items(), strict=True):
        runs.write(arm, {"t": [1.0] * right + [0.0] * (20 - right)}, model_args=arguments)
    text = render_page(build_report([load_run(runs.root / arm, arm) for arm in arms], CompareOptions(), "title"))
    assert "Control: ticket minus placebo, which is ticket with documents of other questions" in text
    assert "+0.750" in text
    assert "<strong>ticket</strong>" in text
    assert "<strong>placebo</strong>" not in text
    assert '"shown": "ticket"' in text


def test_heat_maps_are_labelled_with_compression_and_prompt(runs, task):
    docs = [{"q": f"{i}", "length": 64 * (1 + i % 2), "depth": i // 4} for i in range(8)]
    made = {
        "plain": "pretrained=m",
        "pressed": "pretrained=m,compression=snapkv:compression_ratio=0.5,retriever=prompt",
    }
    for arm, arguments in made.items():
        runs.write(arm, {"needle": task([1.0] * 8, docs=docs)}, model_args=arguments)
    report = build_report([load_run(runs.root / arm, arm) for arm in made], CompareOptions(), "title")
    (chart,) = [c for c in report.charts["Length, depth and kind"] if c.id == "needle-length-depth"]
    assert chart.spec["facet"]["sort"] == [
        "plain|not compressed|plain",
        "pressed|snapkv:compression_ratio=0.5|preprocessed",
    ]
    assert {(row["compression"], row["prompt"]) for row in chart.rows} == {
        ("not compressed", "plain"),
        ("snapkv:compression_ratio=0.5", "preprocessed"),
    }
