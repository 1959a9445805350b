"""Which engine a run uses, and that the packed one answers what lm-eval's `hf` answers."""

import logging

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from lottery_plugins.errors import ConfigError, LotteryError, RunEndedError
from lottery_plugins.harness import engines, offers
from lottery_plugins.harness.model import LotteryLM

TEXTS = ["the first text", "a second, longer text about nothing at all", "x", "numbers 1 2 3 4 5 6", "the end"]
GREEDY = {"until": ["\n"], "do_sample": False, "max_gen_toks": 12}
SMALL = "packed:kv_cache_gb=0.02"


def instances(kind, *arguments):
    return [
        Instance(request_type=kind, doc={}, arguments=args, idx=0, metadata=("a_task", i, 1))
        for i, args in enumerate(arguments)
    ]


def generation(**changes):
    return instances("generate_until", *((text, {**GREEDY, **changes}) for text in TEXTS))


@pytest.fixture
def arguments(tiny_model):
    return {"pretrained": tiny_model, "dtype": "float32", "device": "cpu", "batch_size": 2, "resume": False}


@pytest.fixture
def hf(tiny_model):
    return HFLM(pretrained=tiny_model, dtype="float32", device="cpu", batch_size=2)


# ---------------------------------------------------------------- which one


@pytest.mark.parametrize(
    ("ours", "name"),
    [
        ({}, "rounds"),
        ({"engine": "auto"}, "rounds"),
        ({"engine": "packed"}, "packed"),
        ({"reasoner": "chain-of-thought"}, "packed"),
        ({"reasoner": "chain-of-thought", "engine": "rounds"}, "rounds"),
        ({"compression": "int8"}, "packed"),
        ({"compression": "key-norm"}, "packed"),
        ({"compression": "key-norm", "engine": "rounds"}, "rounds"),
    ],
)
def test_engine_is_the_one_named_or_the_fastest_that_serves(arguments, ours, name):
    lm = LotteryLM(**arguments, **ours)
    assert lm.engine.name == name
    assert (lm.compressed.press is not None) == (ours.get("compression") == "key-norm" and name == "rounds")


def test_base_that_packed_does_not_serve_is_run_in_rounds_and_told_why(caplog):
    with caplog.at_level(logging.INFO):
        lm = LotteryLM(base="dummy", reasoner="chain-of-thought")
    assert lm.engine.name == "rounds"
    (line,) = [r.getMessage() for r in caplog.records if "engine=rounds" in r.getMessage()]
    assert "DummyLM (its weights are not in this process)" in line


def test_engine_asked_for_by_name_that_does_not_serve_the_model_is_an_error():
    with pytest.raises(ConfigError, match=r"engine=packed.*DummyLM"):
        LotteryLM(base="dummy", engine="packed")


def test_model_whose_own_settings_only_transformers_knows_is_run_in_rounds(arguments, monkeypatch, caplog):
    load = engines.open_engine

    def with_penalty(config, options, base, *methods):
        base._model.generation_config.repetition_penalty = 1.2
        return load(config, options, base, *methods)

    monkeypatch.setattr("lottery_plugins.harness.model.open_engine", with_penalty)
    with caplog.at_level(logging.INFO):
        lm = LotteryLM(**arguments, reasoner="chain-of-thought")
    assert lm.engine.name == "rounds"
    assert "repetition_penalty=1.2" in caplog.text
    with pytest.raises(ConfigError, match="repetition_penalty"):
        LotteryLM(**arguments, engine="packed")


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("paked", "Did you mean 'packed'"),
        ("packed+rounds", "one engine"),
        ("packed:thread=2", "Did you mean 'threads'"),
        ("packed:threads=0", "threads.*at least 1"),
        ("packed:threads=two", "threads.*int"),
        ("packed:prepack=maybe", "prepack.*auto, on or off"),
        ("rounds:threads=2", "no options"),
        ("auto:threads=2", "no options"),
    ],
)
def test_wrong_engine_is_told_before_the_model_is_loaded(arguments, engine, told, monkeypatch):
    monkeypatch.setattr("lottery_plugins.harness.model.load_base_model", lambda *_: pytest.fail("the model was loaded"))
    with pytest.raises(ConfigError, match=told):
        LotteryLM(**arguments, engine=engine)


# ---------------------------------------------------------------- the same answers


@pytest.fixture
def packed(arguments):
    return LotteryLM(**arguments, engine=SMALL)


def test_greedy_texts_are_those_of_hf(packed, hf):
    assert packed.generate_until(generation()) == hf.generate_until(generation())
    assert packed.generate_until(generation(until=["a", "e"])) == hf.generate_until(generation(until=["a", "e"]))


def test_greedy_chats_are_those_of_hf(packed, hf):
    chats = [hf.apply_chat_template([{"role": "user", "content": text}]) for text in TEXTS]
    requests = instances("generate_until", *((chat, GREEDY) for chat in chats))
    assert packed.generate_until(requests) == hf.generate_until(requests)


def test_scores_are_those_of_hf(packed, hf):
    pairs = instances("loglikelihood", *((t, " and more") for t in TEXTS), ("", "from nothing"), ("a ", "b"))
    for ours, theirs in zip(packed.loglikelihood(pairs), hf.loglikelihood(pairs), strict=True):
        assert ours[0] == pytest.approx(theirs[0], abs=1e-4)
        assert ours[1] == theirs[1]


def test_rolling_scores_are_those_of_hf(arguments, tiny_model):
    packed = LotteryLM(**arguments, max_length=32, engine=SMALL)
    hf = HFLM(pretrained=tiny_model, dtype="float32", device="cpu", batch_size=2, max_length=32)
    texts = instances("loglikelihood_rolling", *((t * 4,) for t in TEXTS), ("",))
    ours, theirs = packed.loglikelihood_rolling(texts), hf.loglikelihood_rolling(texts)
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_truncated_prompts_give_what_hf_gives_by_cutting_silently(arguments, tiny_model):
    packed = LotteryLM(**arguments, max_length=40, engine=SMALL, prompt_truncation="left")
    hf = HFLM(pretrained=tiny_model, dtype="float32", device="cpu", batch_size=1, max_length=40)
    assert packed.generate_until(generation()) == hf.generate_until(generation())


def test_kv_method_scores_alike_in_both_engines(arguments):
    pairs = instances("loglikelihood", *((t * 4, " and more") for t in TEXTS))
    settings = {**arguments, "compression": "key-norm:compression_ratio=0.5"}
    packed, rounds = (LotteryLM(**settings, engine=name) for name in (SMALL, "rounds"))
    for ours, theirs in zip(packed.loglikelihood(pairs), rounds.loglikelihood(pairs), strict=True):
        assert ours[0] == pytest.approx(theirs[0], abs=1e-4)
        assert ours[1] == theirs[1]
    kept = [lm.ledger("r.json").compressed_kv_bytes_per_token for lm in (packed, rounds)]
    assert kept[0] == pytest.approx(kept[1])
    assert packed.generate_until(generation()) == rounds.generate_until(generation())


def test_reasoner_answers_alike_in_both_engines(arguments):
    def answers(engine, **changes):
        lm = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine=engine, **changes)
        return lm.generate_until(generation()), lm

    packed, lm = answers(SMALL)
    rounds, _ = answers("rounds")
    assert packed == rounds
    assert answers(SMALL, max_live=1)[0] == packed
    told = lm.ledger("r.json").engine
    assert told["name"] == "packed"
    assert told["threads"] >= 1
    assert 0.019e9 < told["kv_cache_bytes"] <= 0.02e9
    assert lm.ledger("r.json").total.forwarded_tokens == told["forwarded_tokens"]


def test_second_call_finds_what_the_first_has_computed(packed):
    packed.generate_until(generation())
    before = packed.engine.statistics.forwarded_tokens
    packed.generate_until(generation(until=["q"]))
    assert packed.engine.statistics.forwarded_tokens - before < before


def test_sampled_answers_do_not_depend_on_the_company(arguments):
    sampled = {"do_sample": True, "temperature": 1.0, "seed": 1}
    together = LotteryLM(**arguments, engine=SMALL).generate_until(generation(**sampled))
    alone = LotteryLM(**arguments, engine=SMALL)
    assert [alone.generate_until([request])[0] for request in generation(**sampled)] == together


@pytest.mark.parametrize("asked", ["run", "task"])
def test_reasoners_prompt_that_does_not_fit_is_cut_only_where_that_was_asked_for(arguments, asked):
    settings = {**arguments, "max_length": 200, "reasoner": "chain-of-thought", "max_new_tokens": 60, "engine": SMALL}
    long = instances("generate_until", ("x y z " * 60, GREEDY))
    with pytest.raises(LotteryError, match="does not fit the model's window of 200"):
        LotteryLM(**settings).generate_until(long)
    try:
        offers.remember("a_task", {"truncation": "left"} if asked == "task" else None)
        lm = LotteryLM(**settings, prompt_truncation="left" if asked == "run" else "none")
        assert len(lm.generate_until(long)) == 1
        assert all(step.prompt_tokens < 200 for step in lm.trajectories[0].steps)
    finally:
        offers.remember("a_task", None)


def test_seconds_of_the_model_are_shared_out_over_the_tasks(packed):
    packed.generate_until(generation())
    (counters,) = packed.ledger("r.json").tasks.values()
    statistics = packed.engine.statistics
    assert counters.seconds == pytest.approx(statistics.prefill_s + statistics.decode_s)


def test_a_new_evaluation_is_counted_from_its_start(packed):
    packed.generate_until(generation())
    packed.get_model_info()  # lm-eval asks for it when it has all answers
    first = packed.ledger("r.json").engine
    packed.generate_until(generation())
    second = packed.ledger("r.json").engine
    assert first["requests"] == second["requests"] == 5
    assert second["forwarded_tokens"] < first["forwarded_tokens"]
    assert second["hit_rate"] > 0.5
    assert 0 < second["busy_share"] <= 1


@pytest.mark.parametrize("reasoner", ["direct", "chain-of-thought"])
def test_model_that_gives_nan_ends_the_run_and_what_was_finished_is_kept(arguments, reasoner):
    settings = {**arguments, "engine": SMALL, "reasoner": reasoner, "resume": True, "max_new_tokens": 30}
    lm = LotteryLM(**settings)
    lm.generate_until(generation()[:2])
    lm.base._model.model.norm.weight.data.fill_(float("nan"))
    with pytest.raises(RunEndedError, match="gave NaN"):
        lm.generate_until(generation())
    again = LotteryLM(**settings)
    again.generate_until(generation())
    assert len(again.trajectories) == 5
    fresh = LotteryLM(**{**settings, "resume": False})
    fresh.generate_until(generation()[2:])
    assert again.engine.statistics.requests == fresh.engine.statistics.requests
