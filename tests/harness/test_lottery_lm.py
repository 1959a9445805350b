"""LotteryLM beside lm-eval's own `hf`: the same answers to the bit without our options, and what ours change."""

import json

import pytest
from lm_eval.api.instance import Instance
from lm_eval.api.model import CachingLM
from lm_eval.models.huggingface import HFLM

from lottery_plugins.errors import ConfigError, DataError, LotteryError, PluginNotFoundError
from lottery_plugins.harness import base_model
from lottery_plugins.harness.model import LotteryLM

TEXTS = ["the first text", "a second, longer text about nothing at all", "x", "numbers 1 2 3 4 5 6", "the end"]
GREEDY = {"until": ["\n"], "do_sample": False, "max_gen_toks": 12}


def instances(kind, *arguments, repeats=1):
    made = [
        Instance(request_type=kind, doc={"text": args[0]}, arguments=args, idx=0, metadata=("a_task", i, repeats))
        for i, args in enumerate(arguments)
    ]
    return [instance for instance in made for _ in range(repeats)]


def generation(repeats=1, **changes):
    return instances("generate_until", *((t, {**GREEDY, **changes}) for t in TEXTS), repeats=repeats)


@pytest.fixture
def arguments(tiny_model):
    return {"pretrained": tiny_model, "dtype": "float32", "device": "cpu", "batch_size": 2}


@pytest.fixture
def hf(arguments):
    return HFLM(**arguments)


def test_without_our_options_all_answers_equal_hf_to_the_bit(arguments, hf):
    ours = LotteryLM(**arguments)
    pairs = instances("loglikelihood", *((t, " and more") for t in TEXTS), ("", "from nothing"))
    rolling = instances("loglikelihood_rolling", *((t * 3,) for t in TEXTS))
    assert ours.loglikelihood(pairs) == hf.loglikelihood(pairs)
    assert ours.loglikelihood_rolling(rolling) == hf.loglikelihood_rolling(rolling)
    assert ours.generate_until(generation()) == hf.generate_until(generation())


def test_what_lm_eval_looks_up_on_a_model_is_the_base_models(arguments, hf):
    ours = LotteryLM(**arguments)
    chat = [{"role": "user", "content": "hi"}]
    assert ours.apply_chat_template(chat) == hf.apply_chat_template(chat)
    assert ours.chat_template(True) == hf.chat_template(True)
    assert ours.tokenizer_name == hf.tokenizer_name
    assert (ours.max_length, ours.batch_size, ours.rank, ours.world_size) == (hf.max_length, 2, 0, 1)
    assert ours.eot_token_id == hf.eot_token_id
    assert ours.get_model_info()["model_num_parameters"] == hf.get_model_info()["model_num_parameters"]


def test_repeats_are_answered_and_recorded_apart(arguments):
    ours = LotteryLM(**arguments)
    answers = ours.generate_until(generation(repeats=3, do_sample=True, temperature=1.0))
    assert len(answers) == 15
    assert [t.sample for t in ours.trajectories] == [0, 1, 2] * 5
    assert [t.answer for t in ours.trajectories] == answers


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"compresion": "int8"}, ConfigError, "Did you mean 'compression'"),
        ({"dtipe": "float32"}, ConfigError, "Did you mean 'dtype'"),
        ({"compression": "int9"}, PluginNotFoundError, "Did you mean 'int"),
        ({"compression": "int8+int4"}, ConfigError, "one method of each kind"),
        ({"compression": "wanda:sparsity=1.5"}, ConfigError, r"\[0, 1\)"),
        ({"reasoner": "program-aided"}, ConfigError, "needs"),
        ({"tools": "calculator"}, ConfigError, "without a reasoner"),
        ({"retriever": "bm25"}, ConfigError, "without a reasoner"),
        ({"base": "hv"}, ConfigError, "an lm-eval model"),
        ({"pretrained": "./nowhere"}, DataError, "is not a folder"),
    ],
)
def test_bad_argument_is_told_before_the_model_is_loaded(arguments, change, error, told, monkeypatch):
    def load(*_):
        pytest.fail("the model was loaded")

    monkeypatch.setattr("lottery_plugins.harness.model.load_base_model", load)
    with pytest.raises(error, match=told):
        LotteryLM(**{**arguments, **change})


def test_knowledge_base_that_the_retriever_would_ignore_is_refused(arguments, tmp_path):
    (tmp_path / "kb.jsonl").write_text('{"text": "a"}\n')
    ignored = {"reasoner": "retrieve-then-read", "retriever": "prompt", "knowledge_base": str(tmp_path / "kb.jsonl")}
    with pytest.raises(ConfigError, match="searches the problem's own context"):
        LotteryLM(**arguments, **ignored)


def test_arguments_of_the_models_config_are_let_through(arguments):
    base_model.check_base_arguments(HFLM, "hf", {**arguments, "attn_implementation": "eager", "use_cache": True})


def test_finished_answers_survive_a_broken_off_run(arguments, monkeypatch):
    whole = LotteryLM(**arguments, resume=False).generate_until(generation())
    first = LotteryLM(**arguments)
    original, calls = first.base._model_generate, []

    def breaks_at_the_second_batch(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    monkeypatch.setattr(first.base, "_model_generate", breaks_at_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        first.generate_until(generation())
    second = LotteryLM(**arguments)
    asked = []
    answer = second.base.generate_until
    monkeypatch.setattr(second.base, "generate_until", lambda r, **k: asked.extend(r) or answer(r, **k))
    assert second.generate_until(generation()) == whole
    assert len(asked) == 3


def test_loglikelihoods_survive_a_broken_off_run(arguments, monkeypatch):
    pairs = instances("loglikelihood", *((t, " and more") for t in TEXTS))
    first = LotteryLM(**arguments)
    whole = first.loglikelihood(pairs)
    second = LotteryLM(**arguments)
    monkeypatch.setattr(second.base, "loglikelihood", lambda *_: pytest.fail("computed twice"))
    assert second.loglikelihood(pairs) == whole


def test_complete_run_is_computed_afresh(arguments, monkeypatch):
    first = LotteryLM(**arguments)
    first.generate_until(generation())
    first.get_model_info()  # lm-eval asks for it when it has all answers
    second = LotteryLM(**arguments)
    asked = []
    answer = second.base.generate_until
    monkeypatch.setattr(second.base, "generate_until", lambda r, **k: asked.extend(r) or answer(r, **k))
    second.generate_until(generation())
    assert len(asked) == 5


def test_another_configuration_shares_no_answers(arguments):
    plain, other = LotteryLM(**arguments), LotteryLM(**{**arguments, "compression": "int4"})
    plain.generate_until(generation())
    assert other._begin() is not None
    assert other.store.path != plain.store.path


@pytest.mark.parametrize("compression", ["int8", "int4", "wanda:sparsity=0.5:num_calibration=2:sequence_length=32"])
def test_compressed_weights_are_used_and_measured(arguments, compression):
    ours = LotteryLM(**arguments, compression=compression)
    pairs = instances("loglikelihood", *((t, " and more") for t in TEXTS))
    assert ours.loglikelihood(pairs) != LotteryLM(**arguments).loglikelihood(pairs)
    weights = ours.ledger("r.json").weights
    assert weights.original_stored > 0
    if compression.startswith("int"):
        assert weights.stored < 0.75 * weights.original_stored
        assert weights.nominal is None
    else:
        assert weights.stored == weights.original_stored
        assert weights.nominal < weights.stored
        assert "densely" in weights.note


def test_kv_method_changes_loglikelihoods_and_is_measured(arguments, hf):
    pairs = instances("loglikelihood", *((t * 4, " and more") for t in TEXTS))
    ours = LotteryLM(**arguments, compression="key-norm:compression_ratio=0.5")
    whole = LotteryLM(**arguments, compression="key-norm:compression_ratio=0")
    assert ours.loglikelihood(pairs) != hf.loglikelihood(pairs)
    assert [round(x, 4) for x, _ in whole.loglikelihood(pairs)] == [round(x, 4) for x, _ in hf.loglikelihood(pairs)]
    ledger = ours.ledger("r.json")
    assert 0.45 < ledger.compressed_kv_bytes_per_token / ledger.kv_bytes_per_token < 0.6
    with pytest.raises(ConfigError, match="no prompt to compress"):
        ours.loglikelihood_rolling(instances("loglikelihood_rolling", ("text",)))


def test_lm_evals_request_cache_is_refused_with_options_of_ours(arguments, tmp_path):
    CachingLM(LotteryLM(**arguments), str(tmp_path / "plain.db"))
    with pytest.raises(ConfigError, match="--use_cache"):
        CachingLM(LotteryLM(**arguments, compression="int8"), str(tmp_path / "ours.db"))


def test_reasoners_solve_through_the_base_model(arguments):
    ours = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=60)
    answers = ours.generate_until(generation())
    assert len(answers) == 5
    assert [t.doc_id for t in ours.trajectories] == [0, 1, 2, 3, 4]
    assert all(t.steps and t.steps[0].prompt_tokens for t in ours.trajectories)


def test_reasoner_answers_do_not_depend_on_batch_size_or_concurrency(arguments):
    def answers(**changes):
        lm = LotteryLM(**{**arguments, **changes}, reasoner="chain-of-thought", max_new_tokens=40, resume=False)
        return lm.generate_until(generation())

    assert answers(batch_size=1) == answers(batch_size=5, max_live=2) == answers(batch_size=2, max_live=1)


def test_reasoning_goes_on_where_it_stopped(arguments, monkeypatch):
    ours = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine="rounds", max_live=1)
    answer, calls = ours.base.generate_until, []

    def stops_after_three(requests, **kwargs):
        calls.append(len(requests))
        if len(calls) > 3:
            raise KeyboardInterrupt
        return answer(requests, **kwargs)

    monkeypatch.setattr(ours.base, "generate_until", stops_after_three)
    with pytest.raises(KeyboardInterrupt):
        ours.generate_until(generation())
    again = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine="rounds", max_live=1)
    num_kept = again._begin().begin()
    assert 1 <= num_kept <= 3
    whole = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine="rounds", resume=False)
    assert again.generate_until(generation()) == whole.generate_until(generation())


def test_model_that_fails_ends_the_run_with_one_sentence_and_keeps_the_rest(arguments, monkeypatch):
    ours = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine="rounds", max_live=1)
    answer, calls = ours.base.generate_until, []

    def fails_once(requests, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return answer(requests, **kwargs)

    monkeypatch.setattr(ours.base, "generate_until", fails_once)
    with pytest.raises(LotteryError, match=r"1 of 5 problems failed.*out of memory.*max_failed=1"):
        ours.generate_until(generation())
    tolerant = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=40, engine="rounds", max_failed=1)
    assert tolerant._begin().begin() == 4


def test_document_without_a_declared_field_is_named(arguments):
    from lottery_plugins.harness import offers

    offers.remember("a_task", {"question": "query"})
    try:
        ours = LotteryLM(**arguments, reasoner="chain-of-thought")
        with pytest.raises(DataError, match="a_task, document 0 has no field 'query'"):
            ours.generate_until(generation())
    finally:
        offers.remember("a_task", None)


def test_chats_reach_the_reasoner_as_messages(arguments):
    ours = LotteryLM(**arguments, reasoner="chain-of-thought", max_new_tokens=20)
    chat = ours.apply_chat_template([{"role": "system", "content": "be brief"}, {"role": "user", "content": "1+1?"}])
    assert json.loads(chat)[1]["content"] == "1+1?"
    ours.generate_until(instances("generate_until", (chat, GREEDY)))
    assert "<|system|>be brief" in ours.trajectories[0].steps[0].prompt
