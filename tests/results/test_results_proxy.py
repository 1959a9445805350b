"""The work of a proxy model is counted apart, and a comparison says that there is some."""

import json
from dataclasses import replace

from lottery_plugins.ledger import Counters, Ledger
from lottery_plugins.limits import StopReason
from lottery_plugins.results.compare import compare
from lottery_plugins.trajectory import PROXY, Step, Trajectory

STEPS = (
    Step(kind="generate", tool=PROXY, prompt_tokens=10, completion_tokens=3, forwarded_tokens=12),
    Step(kind="generate", prompt_tokens=100, completion_tokens=7, forwarded_tokens=106),
    Step(kind="score", purpose="features", prompt_tokens=20, forwarded_tokens=20),
)
TRAJECTORY = Trajectory(task="t", doc_id=0, sample=0, answer="", stop_reason=StopReason.ANSWERED, steps=STEPS)


def test_steps_of_the_proxy_are_in_no_count_of_the_model():
    counters = Counters.of([TRAJECTORY])
    assert (counters.lm_calls, counters.prompt_tokens, counters.generated_tokens) == (1, 100, 7)
    assert counters.forwarded_tokens == 126
    assert (counters.proxy_calls, counters.proxy_prompt_tokens, counters.proxy_generated_tokens) == (1, 10, 3)
    assert counters.proxy_forwarded_tokens == 12


def test_a_proxy_that_measures_nothing_leaves_the_models_counts_measured():
    steps = (replace(STEPS[0], forwarded_tokens=None, prompt_tokens=None), *STEPS[1:])
    counters = Counters.of([replace(TRAJECTORY, steps=steps)])
    assert (counters.forwarded_tokens, counters.proxy_forwarded_tokens) == (126, None)


def test_a_ledger_from_before_proxy_models_had_none():
    data = Counters.of([TRAJECTORY]).to_json()
    older = {name: value for name, value in data.items() if not name.startswith("proxy")}
    assert Counters.from_json(older).proxy_forwarded_tokens == 0


def test_a_comparison_tells_of_the_proxy(runs):
    for name in ("original", "ticket"):
        runs.write(name, {"t": [1.0] * 10})
        runs.write_ledger(name, steps=STEPS if name == "ticket" else STEPS[1:])
    path = runs.root / "ticket" / "model" / "ledger.json"
    ledger = Ledger.from_json(json.loads(path.read_text()))
    proxy = {"name": "small:dtype=auto", "weights": {"stored": 12_000_000}}
    path.write_text(json.dumps(replace(ledger, proxy=proxy).to_json()))
    notes = compare(runs.root / "original", {"ticket": runs.root / "ticket"}).notes
    (told,) = [note for note in notes if "proxy" in note]
    assert told.startswith("t, ticket: a proxy model (small:dtype=auto, 12.0 MB of weights) answered 10 times")
