"""What holds for every test: no network, no hub, one thread, a known environment."""

import os
import socket
from ipaddress import ip_address

import pytest

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from hypothesis import HealthCheck, Phase, settings  # noqa: E402

import _lottery_autoload  # noqa: E402 - after the environment is set

_lottery_autoload.install()  # as the .pth of an installation does, so that a checkout can be tested as well

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class NetworkBlockedError(RuntimeError):
    """A test that is not marked `network` tried to leave the machine."""


def _is_loopback(address):
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0]
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(request, monkeypatch):
    """Sockets reach loopback and nothing else."""
    if request.node.get_closest_marker("network"):
        return
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def guarded(self, address, real=real):
            if _is_loopback(address):
                return real(self, address)
            raise NetworkBlockedError(f"a test tried to connect to {address!r}; mark it 'network' if it must")

        monkeypatch.setattr(socket.socket, name, guarded)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    """No LOTTERY_* variable of the caller's shell reaches a test, and no index is kept in the caller's cache."""
    for name in [n for n in os.environ if n.startswith("LOTTERY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", "off")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """A tiny random Llama with a byte tokenizer and a chat template: a folder that any lm-eval model can load."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_model")
    vocab = {"<eos>": 0, "<pad>": 1, **{c: i + 2 for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>", bos_token="<eos>")
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(vocab), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, bos_token_id=0, eos_token_id=0, pad_token_id=1,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def looking_for_faults():
    """For tests that a contract suite finds a fault: the same many examples each time, and none made small."""
    before = settings.get_current_profile_name()
    settings.register_profile(
        "looking-for-faults", max_examples=200, deadline=None, derandomize=True, phases=[Phase.generate]
    )
    settings.load_profile("looking-for-faults")
    yield
    settings.load_profile(before)
