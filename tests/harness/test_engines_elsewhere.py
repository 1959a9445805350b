"""Engines whose weights are not in this process, through LotteryLM: a server on loopback, and vLLM's stand-in."""

import sys
from importlib.machinery import ModuleSpec

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.errors import ConfigError, DataError, MissingExtraError
from lottery_plugins.harness.model import LotteryLM
from tests.backends import openai_standin, vllm_standin

GREEDY = {"until": ["\n\n"], "do_sample": False, "max_gen_toks": 16}


def ask(kind, *args, doc_id=0):
    return Instance(request_type=kind, doc={}, arguments=args, idx=0, metadata=("a_task", doc_id, 1))


@pytest.fixture
def server():
    with openai_standin.running() as state:
        yield state


@pytest.fixture
def vllm(monkeypatch):
    vllm_standin.install(monkeypatch)
    for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
        sys.modules[name].__spec__ = ModuleSpec(name, None)


def over(server, options="", **ours):
    return LotteryLM(engine=f"openai:base_url={server.url}:model=m{options}", **ours)


def test_plain_requests_reach_a_chat_server_as_messages_and_are_counted(server):
    lm = over(server)
    chat = lm.apply_chat_template([{"role": "system", "content": "be brief"}, {"role": "user", "content": "1+1?"}])
    assert lm.generate_until([ask("generate_until", chat, GREEDY), ask("generate_until", "plain", GREEDY)]) == [
        "hello",
        "hello",
    ]
    asked = sorted((payload["messages"] for _, payload, _ in server.requests), key=len)
    assert asked[0] == [{"role": "user", "content": "plain"}]
    assert asked[1] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "1+1?"}]
    ledger = lm.ledger("r.json")
    assert ledger.engine["name"] == "openai"
    assert (ledger.total.prompt_tokens, ledger.total.generated_tokens, ledger.total.forwarded_tokens) == (20, 6, None)


def test_reasoners_ask_the_server_step_by_step(server):
    lm = over(server, ":continues_assistant=true", reasoner="chain-of-thought")
    chat = lm.apply_chat_template([{"role": "user", "content": "1+1?"}])
    assert len(lm.generate_until([ask("generate_until", chat, GREEDY, doc_id=i) for i in range(3)])) == 3
    assert all("1+1?" in str(payload["messages"]) for _, payload, _ in server.requests)


def test_tokenizer_of_a_checkpoint_counts_and_renders_for_a_server_of_plain_text(server, tiny_model):
    lm = over(server, ":api=completions", pretrained=tiny_model)
    prompt = lm.apply_chat_template([{"role": "user", "content": "hi"}])
    lm.generate_until([ask("generate_until", prompt, GREEDY)])
    assert server.requests[-1][1]["prompt"] == "<|user|>hi\n<|assistant|>"
    assert lm.ledger("r.json").weights is None


def test_what_a_server_can_not_do_is_told(server, tiny_model):
    plain = over(server, ":api=completions")
    with pytest.raises(ConfigError, match="--apply_chat_template"):
        plain.apply_chat_template([{"role": "user", "content": "hi"}])
    with pytest.raises(ConfigError, match="type loglikelihood"):
        plain.loglikelihood([ask("loglikelihood", "a", "b")])
    with pytest.raises(ConfigError, match="type loglikelihood_rolling"):
        over(server, ":scoring=true").loglikelihood_rolling([ask("loglikelihood_rolling", "a")])
    with pytest.raises(DataError, match="task a_task, document 0"):
        over(server, ":scoring=true").loglikelihood([ask("loglikelihood", "", "b")])
    reasoner = over(server, ":api=completions", reasoner="chain-of-thought", pretrained=tiny_model)
    chat = reasoner.apply_chat_template([{"role": "user", "content": "hi"}])
    with pytest.raises(ConfigError, match="api=chat"):
        reasoner.generate_until([ask("generate_until", chat, GREEDY)])


@pytest.mark.parametrize("engine", ["vllm", "openai:base_url=http://localhost:1/v1:model=m"])
@pytest.mark.parametrize(
    ("change", "told"),
    [({"compression": "int8"}, "compression"), ({"base": "dummy"}, "base=hf"), ({"dtype": "float32"}, "dtype")],
)
def test_settings_of_a_model_in_this_process_are_refused(tiny_model, engine, change, told, vllm):
    with pytest.raises(ConfigError, match=told):
        LotteryLM(**{"pretrained": tiny_model, "engine": engine, **change})


def test_vllm_that_is_not_installed_is_told_before_anything_is_loaded(tiny_model, monkeypatch):
    monkeypatch.setattr("lottery_plugins.harness.model.load_base_model", lambda *_: pytest.fail("loaded"))
    with pytest.raises(MissingExtraError, match="pip install vllm"):
        LotteryLM(pretrained=tiny_model, engine="vllm")


def test_vllm_answers_all_three_kinds_of_requests(tiny_model, vllm):
    lm = LotteryLM(pretrained=tiny_model, engine="vllm", batch_size=4, device="cuda:0")
    texts = lm.generate_until([ask("generate_until", f"prompt {i}", GREEDY, doc_id=i) for i in range(4)])
    assert len(texts) == 4
    ((score, _),) = lm.loglikelihood([ask("loglikelihood", "context", " more")])
    (rolled,) = lm.loglikelihood_rolling([ask("loglikelihood_rolling", "some text")])
    assert score < 0
    assert rolled < 0
    assert lm.ledger("r.json").engine["name"] == "vllm"
