"""Requests: their repeats, waits and deadlines, and what processes tell each other."""

import email.utils
import threading

import pytest

pytest.importorskip("wikipediaapi")

from fast_clock import FastClock, encyclopedia
from lottery_wikipedia.circuit import Circuit, Clock
from lottery_wikipedia.errors import RefusedError, UnreachableError
from wikipedia_server import AGENT, error

from lottery_plugins.errors import ConfigError


def test_a_page_takes_one_request_and_says_who_asks(wiki):
    page = encyclopedia(wiki.address).page("heron")
    assert (page.title, page.summary.splitlines()[0][:6]) == ("Heron", "Herons")
    assert [section.path for section in page.sections] == [("Behaviour",), ("Behaviour", "Feeding"), ("Names",)]
    assert len(wiki.asked) == 1
    assert wiki.asked[0]["maxlag"] == "5"
    assert wiki.agents[0].startswith(AGENT)


def test_a_page_is_asked_for_once_and_after_a_failure_again(wiki):
    found = encyclopedia(wiki.address)
    wiki.faults = [(404, {}, b"")]
    with pytest.raises(RefusedError):
        found.page("Heron")
    assert found.page("Heron") == found.page("heron")
    assert found.page("Unicorn") is found.page("Unicorn") is None
    assert len(wiki.asked) == 3


def test_a_redirect_leads_to_its_page(wiki):
    assert encyclopedia(wiki.address).page("Herons").title == "Heron"


@pytest.mark.parametrize("title", ["Unicorns of Łódź", "fr:Paris", "a|b", "", "x" * 300, "a\nb\x00", "[x]"])
def test_a_page_that_is_not_there_is_none(wiki, title):
    assert encyclopedia(wiki.address).page(title) is None


def test_search_gives_titles_and_plain_snippets(wiki):
    hits, suggestion = encyclopedia(wiki.address).search("heron size", 2)
    assert [hit.title for hit in hits] == ["Grey heron", "Heron"]
    assert hits[0].snippet == "about Grey heron & co"
    assert suggestion == ""
    assert encyclopedia(wiki.address).search("zzz", 2) == ([], "heron")


@pytest.mark.parametrize(
    "fault",
    [
        (429, {"Retry-After": "3"}, b""),
        (503, {"Retry-After": "3"}, b""),
        (200, {"Retry-After": "3"}, error("maxlag")),
    ],
    ids=["429", "503", "maxlag"],
)
def test_the_wait_that_the_server_asks_for_is_kept(wiki, fault):
    clock = FastClock()
    wiki.faults = [fault]
    assert encyclopedia(wiki.address, clock).page("Heron").title == "Heron"
    assert clock.slept == [3.0]
    assert len(wiki.asked) == 2


def test_a_wait_may_be_given_as_a_date(wiki):
    clock = FastClock()
    wiki.faults = [(503, {"Retry-After": email.utils.formatdate(clock.now() + 5, usegmt=True)}, b"")]
    encyclopedia(wiki.address, clock).page("Heron")
    assert 3 <= clock.slept[0] <= 5


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"Retry-After": "-3"}])
def test_without_a_time_the_waits_grow(wiki, header):
    clock = FastClock()
    wiki.faults = [(500, header, b""), (502, header, b"")]
    assert encyclopedia(wiki.address, clock).page("Heron").title == "Heron"
    assert clock.slept == [0.5, 1.0]


def test_three_attempts_are_all(wiki):
    wiki.faults = [(500, {}, b"")] * 9
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1 is out of order \(status 500\)"):
        encyclopedia(wiki.address).page("Heron")
    assert len(wiki.asked) == 3


def test_a_wait_beyond_the_deadline_is_not_begun_and_binds_everyone(wiki):
    wiki.faults = [(429, {"Retry-After": "100"}, b"")]
    clock = FastClock()
    with pytest.raises(UnreachableError, match="asks for fewer requests"):
        encyclopedia(wiki.address, clock).page("Heron")
    assert clock.slept == []
    with pytest.raises(UnreachableError, match="the next request may be made in 100 s"):
        encyclopedia(wiki.address, clock).page("Łódź")
    assert len(wiki.asked) == 1
    clock.ahead_s += 101
    assert encyclopedia(wiki.address, clock).page("Łódź").title == "Łódź"


def test_a_short_wait_that_another_call_was_told_of_is_kept(wiki):
    clock = FastClock()
    circuit = Circuit(wiki.address, 30, clock=clock)
    with circuit.turn(1) as state:
        circuit.pause(state, 14, "asked to")
    assert encyclopedia(wiki.address, clock, deadline_s=100.0).page("Heron").title == "Heron"
    assert 4 < clock.slept[0] <= 14


@pytest.mark.parametrize("code", ["invalidtitle", "toomanyvalues"])
def test_an_error_of_the_request_is_not_repeated(wiki, code):
    wiki.faults = [(200, {}, error(code, "not like this"))]
    with pytest.raises(RefusedError, match="not like this"):
        encyclopedia(wiki.address).page("Heron")
    assert len(wiki.asked) == 1


@pytest.mark.parametrize("status", [302, 400, 404])
def test_other_answers_are_refusals_and_no_redirect_leads_to_another_host(wiki, status):
    wiki.faults = [(status, {"Location": "http://127.0.0.1:1/"}, b"")]
    with pytest.raises(RefusedError, match=f"status {status}"):
        encyclopedia(wiki.address).page("Heron")
    assert len(wiki.asked) == 1


def test_a_user_that_is_not_let_in_is_told_so(wiki):
    wiki.faults = [(403, {}, b"Please set a user agent")]
    with pytest.raises(ConfigError, match=r"wikipedia.user_agent.*Please set a user agent"):
        encyclopedia(wiki.address).page("Heron")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_what_is_no_answer_of_the_api_is_asked_for_again(wiki, body):
    wiki.faults = [(200, {}, body)]
    assert encyclopedia(wiki.address).page("Heron").title == "Heron"
    assert len(wiki.asked) == 2


def test_a_query_that_is_too_long_is_not_sent(wiki):
    with pytest.raises(RefusedError, match="at most 300 characters"):
        encyclopedia(wiki.address).search("x" * 301, 3)
    assert wiki.asked == []


def test_a_server_that_hangs_costs_the_deadline(wiki):
    release = threading.Event()
    wiki.faults = [release.wait]
    with pytest.raises(UnreachableError, match=r"does not answer within 1\.5 s"):
        encyclopedia(wiki.address, Clock(), deadline_s=1.5).page("Heron")
    release.set()
