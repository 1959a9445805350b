"""The page in a real browser: Chromium where it is installed, driven by playwright where that is."""

import shutil

import pytest
from test_report_page import HOSTILE, STEPS

from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.load import load_run
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.report.build import build_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]


@pytest.fixture
def page(runs, tmp_path):
    """The open page of a study whose texts are hostile; what it complained of is in `page.complaints`."""
    pytest.importorskip("vl_convert")
    api = pytest.importorskip("playwright.sync_api")
    from lottery_plugins.results.report.page import render_page

    for rate, arm in enumerate(STUDY_ARMS):
        runs.write(arm, {"t": [1.0] * (90 + rate) + [0.0] * (10 - rate)}, model_args=arm)
        runs.write_ledger(arm, num=100, steps=STEPS)
        for path in (tmp_path / arm / "model").glob("samples_*"):
            text = path.read_text().replace('"target": "', '"target": "</script><b id=hacked>')
            path.write_text(text)
    file = tmp_path / "report.html"
    study = [load_run(runs.root / arm, arm) for arm in STUDY_ARMS]
    file.write_text(render_page(build_report(study, CompareOptions(), HOSTILE)))
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.complaints = []
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("request", lambda request: request.url.startswith("file:") or tab.complaints.append(request.url))
        tab.goto(file.as_uri())
        tab.wait_for_selector("html[data-ready]")
        yield tab
        browser.close()


def test_the_page_draws_all_charts_and_complains_of_nothing(page):
    page.wait_for_selector("[data-chart] svg")
    page.wait_for_timeout(500)
    assert page.complaints == []
    assert page.locator("[data-chart] svg").count() == page.locator("[data-chart]").count() > 2


def test_samples_are_found_and_shown_step_by_step_by_keyboard(page):
    assert page.locator("#count").inner_text() == "100 of 100 samples"
    page.select_option("#outcome", "gained")
    assert page.locator("#count").inner_text() == "3 of 100 samples"
    page.focus("#list")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#sample .arm")
    assert page.locator("#sample .arm").count() == 4
    assert page.locator("#sample .tree strong").first.inner_text() == "Part 2"
    assert page.locator("#sample .step.error summary").first.inner_text().startswith("tool")
    assert page.complaints == []


def test_on_a_narrow_screen_charts_scroll_and_the_page_does_not(page):
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_in_print_no_chart_is_cut_off(page):
    page.set_viewport_size({"width": 700, "height": 1000})
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    cut = "[...document.querySelectorAll('.chart')].filter(chart => chart.scrollWidth > chart.clientWidth + 1).length"
    assert page.evaluate(cut) == 0
    assert not page.locator("#samples").is_visible()


def test_hostile_text_does_nothing(page):
    page.focus("#list")
    page.keyboard.press("End")
    page.wait_for_selector("#sample .arm")
    for details in page.locator("#sample details").all():
        details.evaluate("element => element.open = true")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#hacked, img").count() == 0
    assert HOSTILE in page.locator("#sample").inner_text()
    assert page.complaints == []


def test_a_link_to_a_sample_opens_it(page):
    page.goto(page.url.split("#")[0] + "#sample-42")
    page.reload()
    page.wait_for_selector("#sample .arm")
    assert page.locator("#sample h3").inner_text() == "t 43"
