"""lm-eval's requests on an engine: which ids it gets, what does not fit, what is kept, what is counted."""

import asyncio
import json
import logging

import pytest
from engine_standin import ByteCodec, StandInEngine, use
from lm_eval.api.instance import Instance

from lottery_plugins.errors import ConfigError, DataError, RunEndedError
from lottery_plugins.harness import engine_lm, offers
from lottery_plugins.harness.engine_lm import EngineLM, answer_on_engine
from lottery_plugins.harness.gen_settings import SamplingDefaults
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.harness.resume import PlainRun

GREEDY = {"until": ["\n"], "do_sample": False, "max_gen_toks": 8}
ENDED = RunEndedError("The model gave NaN. Check its weights.")


class Base:
    """What of an lm-eval model is asked for its tokens."""

    max_length, max_gen_toks, prefix_token_id = 64, 8, 1

    def tok_encode(self, text, add_special_tokens=None):
        return list(text.encode())

    def _encode_pair(self, context, continuation):
        return self.tok_encode(context), self.tok_encode(continuation)


@pytest.fixture(autouse=True)
def forget_offers():
    yield
    offers.remember("a_task", None)


def request(kind, *args, doc_id=0):
    return Instance(request_type=kind, doc={}, arguments=args, idx=0, metadata=("a_task", doc_id, 1))


def generation(*prompts, **changes):
    return [request("generate_until", p, {**GREEDY, **changes}, doc_id=i) for i, p in enumerate(prompts)]


def answered(kind, requests, engine=None, truncation="none", defaults=None, store=None):
    engine = engine or StandInEngine()
    run = PlainRun(kind, requests, len, store)
    lm = EngineLM(engine, ByteCodec(), Base(), truncation, defaults or SamplingDefaults())
    asyncio.run(answer_on_engine(run, lm))
    return run


def test_answers_are_in_the_order_of_the_requests_and_counted():
    prompts = [f"prompt {i}" for i in range(20)]
    run = answered("generate_until", generation(*prompts))
    assert run.answers() == [p[-4:].upper() for p in prompts]
    step = run.trajectories[0].steps[0]
    assert (step.prompt_tokens, step.cached_tokens, step.forwarded_tokens, step.completion_tokens) == (8, 1, 11, 4)
    assert (step.finish_reason, step.seconds, run.trajectories[0].seconds) == ("stop", 0.5, 0.5)


def test_thousands_may_wait_but_few_sessions_are_open(monkeypatch):
    monkeypatch.setattr(engine_lm, "_MAX_WAITING", 5)
    engine = StandInEngine()
    answered("generate_until", generation(*map(str, range(40))), engine)
    assert engine.most_open == 5
    assert engine.open_sessions == 0


def test_repeats_are_told_apart_and_settings_arrive():
    engine = StandInEngine()
    (one,) = generation("a prompt", do_sample=True, temperature=0.7, until=["x", ""], seed=3)
    answered("generate_until", [one, one, one], engine, defaults=SamplingDefaults(top_k=50, top_p=0.9))
    assert sorted(p.sample for p in engine.params) == [0, 1, 2]
    got = engine.params[0]
    assert (got.do_sample, got.temperature, got.top_k, got.top_p, got.seed) == (True, 0.7, 50, 0.9, 3)
    assert (got.stop, got.max_tokens) == (("x",), 8)


def test_model_defaults_leave_greedy_requests_and_stated_settings_alone():
    defaults = SamplingDefaults(top_k=50, top_p=0.9)
    engine = StandInEngine()
    answered("generate_until", generation("p"), engine, defaults=defaults)
    answered("generate_until", generation("p", do_sample=True, top_k=0, top_p=0.5), engine, defaults=defaults)
    assert [(p.top_k, p.top_p) for p in engine.params] == [(None, None), (None, 0.5)]


@pytest.mark.parametrize("setting", [{"num_beams": 4}, {"repetition_penalty": 1.3}, {"length": 3}])
def test_setting_that_the_engine_would_ignore_is_refused_before_anything_is_computed(setting):
    engine = StandInEngine()
    with pytest.raises(ConfigError, match=rf"a_task: gen_kwargs.*{next(iter(setting))}.*engine=rounds"):
        answered("generate_until", [*generation("p"), *generation("q", **setting)], engine)
    assert engine.prompts == []


def test_setting_without_effect_is_let_through():
    assert answered("generate_until", generation("word", num_beams=1, repetition_penalty=1.0)).answers() == ["WORD"]


# ---------------------------------------------------------------- what does not fit


LONG = "".join(chr(33 + i % 90) for i in range(100))


def test_prompt_that_does_not_fit_is_an_error_that_names_document_and_ways_out():
    with pytest.raises(DataError) as caught:
        answered("generate_until", generation("short", LONG))
    told = str(caught.value)
    assert "task a_task, document 1 has a prompt of 100 tokens and may generate 8" in told
    assert "prompt_truncation=left" in told
    assert "metadata.lottery.truncation: left" in told


@pytest.mark.parametrize("asked", ["run", "task", "gen_kwargs"])
def test_prompt_is_cut_from_the_left_where_that_was_asked_for_and_said_so(asked, caplog):
    engine = StandInEngine()
    if asked == "task":
        offers.remember("a_task", {"truncation": "left"})
    settings = {"truncation": "left"} if asked == "gen_kwargs" else {}
    with caplog.at_level(logging.WARNING):
        answered("generate_until", generation("short", LONG, **settings), engine, "left" if asked == "run" else "none")
    assert [len(ids) for ids in engine.prompts] == [5, 56]
    assert bytes(engine.prompts[1]).decode() == LONG[-56:]
    assert "1 prompts did not fit" in caplog.text


def test_task_that_forbids_cutting_is_heard_over_the_run():
    offers.remember("a_task", {"truncation": "none"})
    with pytest.raises(DataError, match="document 0"):
        answered("generate_until", generation(LONG), truncation="left")


def test_more_tokens_to_generate_than_the_window_are_an_error_even_with_truncation():
    with pytest.raises(DataError, match="may generate 64"):
        answered("generate_until", generation("p", max_gen_toks=64), truncation="left")


def test_unknown_truncation_of_a_task_is_named():
    offers.remember("a_task", {"truncation": "middle"})
    with pytest.raises(ConfigError, match=r"truncation.*'middle'.*left or none"):
        answered("generate_until", generation(LONG))


def test_context_of_a_score_is_cut_and_its_continuation_never():
    fits, too_long = (LONG[:60], "abcde"), (LONG[:61], "abcde")
    engine = StandInEngine()
    answered("loglikelihood", [request("loglikelihood", *fits)], engine)
    assert len(engine.prompts[0]) == 65  # the last token is scored, never read
    with pytest.raises(DataError, match="document 0 has 61 tokens of context and 5 to score"):
        answered("loglikelihood", [request("loglikelihood", *too_long)])
    answered("loglikelihood", [request("loglikelihood", *too_long)], engine, "left")
    assert bytes(engine.prompts[1]).decode() == LONG[1:61] + "abcde"
    with pytest.raises(DataError, match="100 to score"):
        answered("loglikelihood", [request("loglikelihood", "a", LONG)], truncation="left")


# ---------------------------------------------------------------- scores


def test_scores_are_pairs_and_an_empty_context_is_the_prefix_token():
    engine = StandInEngine()
    pairs = [("context", " more"), ("", "abc"), ("", "\x01bc")]
    run = answered("loglikelihood", [request("loglikelihood", *pair) for pair in pairs], engine)
    assert run.answers() == [(-5.0, False), (-3.0, False), (-2.0, False)]
    assert sorted(engine.prompts)[0] == [1, *b"abc"]
    assert run.trajectories[0].steps[0].kind == "score"


def test_continuation_without_a_token_is_named():
    with pytest.raises(DataError, match="task a_task, document 0 has no continuation"):
        answered("loglikelihood", [request("loglikelihood", "context", "")])


def test_rolling_scores_cover_each_token_once():
    engine = StandInEngine()
    run = answered("loglikelihood_rolling", [request("loglikelihood_rolling", LONG * 2), request("x", "")], engine)
    assert run.answers() == [-200.0, 0]
    assert max(map(len, engine.prompts)) == 65


def test_engine_that_cannot_score_says_so_before_anything_is_computed():
    engine = StandInEngine(scoring=False)
    with pytest.raises(ConfigError, match=r"loglikelihood.*generation tasks only"):
        answered("loglikelihood", [request("loglikelihood", "a", "b")], engine)


# ---------------------------------------------------------------- what is kept


@pytest.fixture
def plain():
    return LotteryLM(base="dummy", engine="rounds")


def test_finished_answers_survive_a_model_that_breaks(plain):
    requests = generation(*(f"prompt {i}" for i in range(10)))
    use(plain, StandInEngine(fails_at=5, error=ENDED))
    with pytest.raises(RunEndedError, match="gave NaN"):
        plain.generate_until(requests)
    again = use(LotteryLM(base="dummy", engine="rounds"), StandInEngine())
    assert again.generate_until(requests) == [f"PT {i}" for i in range(10)]
    assert 1 <= len(again.engine.tokens.prompts) <= 9


def test_model_that_breaks_ends_a_reasoners_run_and_keeps_the_finished_samples():
    settings = {"base": "dummy", "reasoner": "chain-of-thought", "max_live": 1, "engine": "rounds"}
    requests = generation(*(f"prompt {i}" for i in range(6)))
    first = LotteryLM(**settings)
    asked = []

    class Front:
        """A front whose model breaks at the third problem."""

        def count_tokens(self, text):
            return len(text)

        def release(self, trajectory):
            pass

        async def generate(self, request):
            from lottery_plugins.generation import Completion

            asked.append(request)
            if len(asked) > 2 and breaks:
                raise ENDED
            return Completion("Answer: 1", "prompt", prompt_tokens=3, completion_tokens=2, forwarded_tokens=4)

    breaks = True
    first.engine.front = lambda is_chat: Front()
    with pytest.raises(RunEndedError, match="gave NaN"):
        first.generate_until(requests)
    breaks = False
    second = LotteryLM(**settings)
    second.engine.front = lambda is_chat: Front()
    assert second._begin().begin() in (1, 2)
    second.generate_until(requests)
    assert not any(t.error for t in second.trajectories)
    assert second.ledger("r.json").total.forwarded_tokens > 0


def test_ledger_tells_what_the_engine_did(plain):
    use(plain, StandInEngine())
    plain.generate_until(generation("one", "four"))
    ledger = plain.ledger("r.json").to_json()
    assert ledger["engine"]["name"] == "stand-in"
    assert ledger["engine"]["prompt_tokens"] == 7
    assert ledger["engine"]["hit_rate"] == pytest.approx(2 / 7)
    assert ledger["tasks"]["a_task"]["forwarded_tokens"] == 7 + 6
    json.dumps(ledger)
