"""What processes tell each other of a server."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("wikipediaapi")

from fast_clock import FastClock, encyclopedia
from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Circuit, Clock
from lottery_wikipedia.errors import UnreachableError
from lottery_wikipedia.opening import prepare
from wikipedia_server import AGENT

NOWHERE = "http://127.0.0.1:9/w/api.php"  # the port of `discard`, where nothing listens


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
