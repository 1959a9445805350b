"""What a run on several GPUs hands to vLLM: through `engine=vllm`, and through lm-eval's own `vllm` as the base."""

import importlib.metadata
import sys
import types
from importlib.machinery import ModuleSpec

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.model import LotteryLM
from tests.backends import vllm_standin

SPREAD = {
    "dtype": "bfloat16",
    "tensor_parallel_size": 8,
    "pipeline_parallel_size": 2,
    "max_model_len": 400,
    "gpu_memory_utilization": 0.8,
}


def ask(text="1+1"):
    settings = {"until": ["\n"], "do_sample": False, "max_gen_toks": 4}
    return Instance(request_type="generate_until", doc={}, arguments=(text, settings), idx=0, metadata=("t", 0, 1))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def ours(monkeypatch):
    vllm_standin.install(monkeypatch)
    for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
        sys.modules[name].__spec__ = ModuleSpec(name, None)


def test_options_of_our_engine_reach_vllms_arguments(ours, tiny_model):
    options = {**SPREAD, "data_parallel_size": 4, "distributed_executor_backend": "ray"}
    spec = ":".join(f"{name}={value}" for name, value in options.items())
    LotteryLM(pretrained=tiny_model, engine=f"vllm:{spec}")
    taken = vllm_standin.AsyncLLM.last.args
    assert {name: getattr(taken, name) for name in options} == options
    assert (taken.model, taken.scheduling_policy, taken.enable_prefix_caching) == (tiny_model, "priority", True)


class LLM:
    """Takes what lm-eval's `vllm` gives to vLLM, and answers every prompt with a letter."""

    last = None

    def __init__(self, **arguments):
        LLM.last = arguments
        self.llm_engine = types.SimpleNamespace(model_config=types.SimpleNamespace(max_model_len=400))

    def generate(self, prompts, sampling_params=None, **kwargs):
        return [types.SimpleNamespace(outputs=[types.SimpleNamespace(text=" x")]) for _ in prompts]


@pytest.fixture
def theirs(monkeypatch):
    """Stands where lm-eval's `vllm` imports from vLLM."""
    from transformers import AutoTokenizer

    def tokenizer(name, tokenizer_mode="auto", **kwargs):
        return AutoTokenizer.from_pretrained(name)

    contents = {
        "vllm": {"LLM": LLM, "SamplingParams": types.SimpleNamespace, "TokensPrompt": vllm_standin.TokensPrompt},
        "vllm.engine": {},
        "vllm.engine.arg_utils": {"EngineArgs": vllm_standin.AsyncEngineArgs},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": object},
        "vllm.renderers": {},
        "vllm.renderers.hf": {"resolve_chat_template": lambda *_, **__: None},
        "vllm.tokenizers": {"get_tokenizer": tokenizer},
    }
    for name, members in contents.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.32.0" if name == "vllm" else version(name))
    monkeypatch.delitem(sys.modules, "lm_eval.models.vllm_causallms", raising=False)
    yield
    sys.modules.pop("lm_eval.models.vllm_causallms", None)


@pytest.mark.parametrize("reasoner", [None, "self-consistency:samples=2:method=direct"])
def test_arguments_of_lm_evals_vllm_reach_vllms_constructor_and_its_answers_come_back(theirs, tiny_model, reasoner):
    arguments = {**SPREAD, "distributed_executor_backend": "ray", "batch_size": "auto"}
    model = LotteryLM(base="vllm", pretrained=tiny_model, reasoner=reasoner, **arguments)
    taken = {name: LLM.last[name] for name in (*SPREAD, "distributed_executor_backend")}
    assert taken == {**SPREAD, "distributed_executor_backend": "ray"}
    assert LLM.last["model"] == tiny_model
    assert model.engine.name == "rounds"
    assert model.generate_until([ask()]) == [" x"]


def test_an_argument_that_neither_lm_eval_nor_vllm_takes_is_refused_with_a_suggestion(theirs, tiny_model):
    with pytest.raises(ConfigError, match="Did you mean 'pipeline_parallel_size'"):
        LotteryLM(base="vllm", pretrained=tiny_model, pipeline_parallel_sice=2)


def test_a_method_that_needs_the_weights_is_refused_with_a_base_model_that_has_them_elsewhere(theirs, tiny_model):
    with pytest.raises(ConfigError, match="weights"):
        LotteryLM(base="vllm", pretrained=tiny_model, compression="int8", **SPREAD)
