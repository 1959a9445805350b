"""A proxy model beside the model under test: loaded, asked, counted apart, resumed, and refused where it is no use."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Answer

TEXTS = ["the first text", "a second, longer text about nothing at all", "x"]
GREEDY = {"until": ["\n"], "do_sample": False, "max_gen_toks": 12}
SMALL = "packed:kv_cache_gb=0.02"


@dataclass(frozen=True)
class DraftsFirst:
    """Lets the proxy draft, then the model answer, each with the same prompt."""

    name: ClassVar[str] = "drafts-first"
    summary: ClassVar[str] = "Draft with the proxy."
    needs: ClassVar[tuple[str, ...]] = ()

    async def solve(self, problem, services):
        draft, answer = await asyncio.gather(
            services.generate(problem.messages, purpose="draft", proxy=True, max_tokens=6),
            services.generate(problem.messages, purpose="answer"),
        )
        assert services.has_proxy
        return Answer(f"{draft.text}|{answer.text}")


def requests():
    return [
        Instance(request_type="generate_until", doc={}, arguments=(text, GREEDY), idx=0, metadata=("a_task", i, 1))
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module")
def other_model(tiny_model, tmp_path_factory):
    """A smaller model with the same tokenizer and other weights."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("other_model")
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=258, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, bos_token_id=0, eos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def settings(tiny_model, other_model):
    return {
        "pretrained": tiny_model, "dtype": "float32", "device": "cpu", "batch_size": 2, "resume": False,
        "engine": SMALL, "reasoner": "chain-of-thought", "proxy_model": f"{other_model}:kv_cache_gb=0.01",
    }  # fmt: skip


def drafting(**settings):
    lm = LotteryLM(**settings)
    object.__setattr__(lm.assembly, "reasoner", DraftsFirst())
    return lm


def alone(model, texts, **changes):
    """What a model answers by itself."""
    lm = LotteryLM(pretrained=model, dtype="float32", device="cpu", batch_size=1, resume=False, **changes)
    gen = {**GREEDY, "max_gen_toks": 6}
    return lm.generate_until(
        [
            Instance(request_type="generate_until", doc={}, arguments=(text, gen), idx=0, metadata=("a_task", i, 1))
            for i, text in enumerate(texts)
        ]
    )


@pytest.mark.parametrize("engine", [SMALL, "rounds"])
def test_drafts_are_the_proxys_and_answers_the_models(settings, tiny_model, other_model, engine):
    lm = drafting(**{**settings, "engine": engine})
    answers = lm.generate_until(requests())
    assert [answer.split("|")[0] for answer in answers] == alone(other_model, TEXTS)
    assert [
        answer.split("|")[1][: len(own)] for answer, own in zip(answers, alone(tiny_model, TEXTS), strict=True)
    ] == (alone(tiny_model, TEXTS))
    assert lm.proxy.engine.name == "packed"


def test_what_the_proxy_does_is_counted_apart(settings):
    lm = drafting(**settings)
    lm.generate_until(requests())
    ledger = lm.ledger("r.json")
    total, proxy = ledger.total, ledger.proxy
    assert (total.lm_calls, total.proxy_calls) == (3, 3)
    assert total.forwarded_tokens == ledger.engine["forwarded_tokens"]
    assert total.proxy_forwarded_tokens == proxy["engine"]["forwarded_tokens"] > 0
    assert 0 < total.proxy_generated_tokens <= 18
    assert 0 < proxy["weights"]["stored"] < ledger.weights.stored
    assert proxy["name"] == settings["proxy_model"]
    assert ledger.to_json()["proxy"]["engine"]["name"] == "packed"
    again = type(ledger).from_json(ledger.to_json())
    assert again == ledger


def test_a_run_without_a_proxy_counts_none(settings):
    lm = LotteryLM(**{**settings, "proxy_model": None, "max_new_tokens": 20})
    lm.generate_until(requests())
    ledger = lm.ledger("r.json")
    assert (ledger.total.proxy_calls, ledger.proxy) == (0, {})


def test_drafts_are_resumed_and_never_taken_for_answers(settings, monkeypatch):
    settings = {**settings, "resume": True, "max_live": 1}
    whole = drafting(**{**settings, "resume": False}).generate_until(requests())
    first = drafting(**settings)
    solve, begun = DraftsFirst.solve, []

    async def stops_in_the_third(self, problem, services):
        begun.append(problem)
        answer = await solve(self, problem, services)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(DraftsFirst, "solve", stops_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        first.generate_until(requests())
    monkeypatch.setattr(DraftsFirst, "solve", solve)
    second = drafting(**settings)
    assert second.generate_until(requests()) == whole
    assert second.proxy.engine.statistics.requests == 0
    assert second.engine.statistics.requests == 0


def test_a_proxy_is_part_of_what_names_a_run(settings):
    one, other = (LotteryLM(**{**settings, "proxy_model": model}) for model in (settings["proxy_model"], None))
    assert one.assembly.fingerprint != other.assembly.fingerprint
    assert one.config.describe()["proxy_model"].endswith(":kv_cache_gb=0.01")


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"proxy_model": "./nowhere"}, DataError, "is not a folder"),
        ({"proxy_model": "a/b:dtipe=float32"}, ConfigError, "Did you mean 'dtype'"),
        ({"proxy_model": "a/b:kv_cache_gb=0"}, ConfigError, "kv_cache_gb"),
        ({"proxy_model": "a/b:max_length=0"}, ConfigError, "max_length"),
        ({"proxy_model": "a/b:dtype"}, ConfigError, "has no '='"),
        ({"proxy_model": ":dtype=float32"}, ConfigError, "name or folder"),
        ({"proxy_model": 3}, ConfigError, "name or folder"),
        ({"proxy_model": "a/b", "reasoner": None}, ConfigError, "without a reasoner"),
    ],
)
def test_bad_proxy_is_told_before_a_model_is_loaded(settings, change, error, told, monkeypatch):
    monkeypatch.setattr("lottery_plugins.harness.model.load_base_model", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(error, match=told):
        LotteryLM(**{**settings, **change})


def test_a_reasoner_that_asks_nobody_loads_no_proxy(settings):
    assert LotteryLM(**{**settings, "reasoner": "direct"}).proxy is None


def test_hidden_states_of_the_model_under_test_reach_the_services(settings):
    lm = LotteryLM(**settings)
    hidden = lm.engine.hidden_states(False)
    front = lm.engine.front(False)
    facilities = lm.assembly.facilities(front, hidden=hidden)
    state = asyncio.run(facilities.features([Message("user", "a text")]))
    assert len(state.values) == 64
    assert LotteryLM(base="dummy").engine.hidden_states(False) is None
