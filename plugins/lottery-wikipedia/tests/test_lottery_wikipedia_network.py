"""Requests: their repeats, waits and deadlines, and what processes tell each other."""

import email.utils
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("wikipediaapi")

from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Circuit, Clock
from lottery_wikipedia.encyclopedia import Encyclopedia
from lottery_wikipedia.errors import RefusedError, UnreachableError
from lottery_wikipedia.opening import prepare
from wikipedia_server import AGENT, error

from lottery_plugins.errors import ConfigError

NOWHERE = "http://127.0.0.1:9/w/api.php"  # the port of `discard`, where nothing listens


class FastClock(Clock):
    """Passes over sleep, and remembers it."""

    def __init__(self):
        self.slept = []
        self.ahead_s = 0.0

    def now(self):
        return super().now() + self.ahead_s

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.ahead_s += seconds


def encyclopedia(address, clock=None, **options):
    return Encyclopedia(Access(AGENT, mirror=address, **options), clock or FastClock())


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
    with pytest.raises(UnreachableError, match=r"does not answer within 0\.3 s"):
        encyclopedia(wiki.address, Clock(), deadline_s=0.3).page("Heron")
    release.set()


def test_a_failure_closes_the_circuit_and_the_first_call_afterwards_tries_once(wiki):
    clock = FastClock()
    wiki.faults = [(500, {}, b"")] * 4
    with pytest.raises(UnreachableError):
        encyclopedia(wiki.address, clock).page("Heron")
    assert len(wiki.asked) == 3
    with pytest.raises(UnreachableError, match="the next request may be made in 30 s"):
        encyclopedia(wiki.address, clock).page("Heron")
    assert len(wiki.asked) == 3
    clock.ahead_s += 31
    with pytest.raises(UnreachableError, match="out of order"):
        encyclopedia(wiki.address, clock).page("Heron")
    assert len(wiki.asked) == 4
    with pytest.raises(UnreachableError, match="in 60 s"):
        encyclopedia(wiki.address, clock).page("Heron")
    clock.ahead_s += 61
    assert encyclopedia(wiki.address, clock).page("Heron").title == "Heron"
    assert encyclopedia(wiki.address, clock).page("Łódź").title == "Łódź"


def test_being_offline_is_found_out_once_for_all_threads(wiki, monkeypatch):
    from lottery_wikipedia import network

    tried = []
    fetch = network._fetch
    monkeypatch.setattr(network, "_fetch", lambda *given: (tried.append(1), fetch(*given))[1])
    clock = Clock()  # the waits between attempts are real: nobody else may ask meanwhile

    def ask(i):
        with pytest.raises(UnreachableError) as told:
            encyclopedia(NOWHERE, clock).page(f"Page {i}")
        return str(told.value)

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(ask, range(24)))
    assert all("127.0.0.1 can't be reached" in text for text in texts)
    assert len(tried) == network.MAX_ATTEMPTS
    assert sum("the next request may be made in" in text for text in texts) == 23


def test_another_process_is_told_at_once(wiki, tmp_path):
    with pytest.raises(UnreachableError):
        encyclopedia(NOWHERE).page("Heron")
    program = (
        "from lottery_wikipedia.access import Access; from lottery_wikipedia.encyclopedia import Encyclopedia\n"
        "import lottery_wikipedia.network as network\n"
        "network._fetch = None  # asking would fail in another way\n"
        f"try: Encyclopedia(Access({AGENT!r}, mirror={NOWHERE!r})).page('Heron')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("UnreachableError 127.0.0.1 can't be reached")


def test_a_new_run_forgets_failures_and_keeps_pauses(wiki):
    access = Access(AGENT, mirror=wiki.address)
    circuit = Circuit(wiki.address, 30)
    with circuit.turn(1) as state:
        circuit.fail(state, "broken")
    prepare(access)
    with circuit.turn(1) as state:
        assert circuit.left_s(state) == 0
        circuit.pause(state, 50, "asked to")
    prepare(access)
    with circuit.turn(1) as state:
        assert 40 < circuit.left_s(state) <= 50


def test_a_state_that_was_cut_off_or_set_in_the_far_future_closes_nothing(wiki, tmp_path):
    assert encyclopedia(wiki.address, Clock()).page("Heron")
    circuit = Circuit(wiki.address, 30)
    with circuit.turn(1) as state:
        circuit.fail(state, "broken")
    (file,) = (tmp_path / "cache" / "wikipedia").glob("*.json")
    file.write_text(file.read_text()[:-5])
    with circuit.turn(1) as state:
        assert state.failures == 0
    file.write_text(json.dumps({"failures": 1, "closed_until": 9e12, "reason": ""}))
    with circuit.turn(1) as state:
        assert circuit.left_s(state) == 0


def test_one_request_at_a_time_is_made(wiki):
    busy, most = [], []

    def look():
        busy.append(1)
        most.append(len(busy))
        threading.Event().wait(0.02)
        busy.pop()

    wiki.faults = [look] * 6
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: encyclopedia(wiki.address, Clock()).page(f"Page {i}"), range(6)))
    assert most == [1] * 6


def test_a_turn_that_does_not_come_is_no_fault_of_the_server(wiki):
    circuit = Circuit(wiki.address, 30)
    with circuit.turn(1), pytest.raises(UnreachableError, match="take too long"):
        encyclopedia(wiki.address, Clock(), deadline_s=0.2).page("Heron")
    with circuit.turn(1) as state:
        assert state.failures == 0


@pytest.mark.parametrize("agent", ["", "bot", "my study", "a@b\r\nX-Header: 1", "müller@example.org"])
def test_nobody_asks_without_saying_who(agent, monkeypatch):
    monkeypatch.delenv("LOTTERY_WIKIPEDIA_USER_AGENT", raising=False)
    with pytest.raises(ConfigError, match="Wikimedia asks every program who runs it"):
        Access(agent)


def test_the_environment_may_say_who_asks(monkeypatch):
    monkeypatch.setenv("LOTTERY_WIKIPEDIA_USER_AGENT", AGENT)
    assert Access().agent == AGENT


@pytest.mark.parametrize("language", ["", "EN", "en.evil.example/", "en@evil", "../x", "e", "en\n"])
def test_a_language_can_not_name_a_host(language):
    with pytest.raises(ConfigError, match=r"wikipedia\.language"):
        Access(AGENT, language=language)


def test_the_host_follows_from_the_language():
    assert Access(AGENT, language="zh-yue").address == "https://zh-yue.wikipedia.org/w/api.php"


@pytest.mark.parametrize(
    "options",
    [{"deadline_s": 0.0}, {"deadline_s": float("nan")}, {"cool_down_s": -1.0}, {"mirror": "file:///etc/passwd"}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=f"wikipedia.{next(iter(options))}"):
        Access(AGENT, **options)
