"""Hidden states are the model's own, whatever else runs on the same model."""

import asyncio

import pytest
import torch
from packed_models import model, runner_of

from lottery_plugins.backends.hidden_states import HiddenStates, model_hash
from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.errors import BackendError, DataError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.engine import SamplingParams


class Codec:
    """A token is a number written in decimal."""

    end_ids = frozenset()
    token_bytes = tuple(f" {i}".encode() for i in range(61))
    special_ids = {}  # noqa: RUF012 - as a protocol's attribute

    def encode(self, text):
        return [int(word) for word in text.split()]

    encode_more = encode

    def decode(self, ids):
        return "".join(f" {i}" for i in ids)

    def render(self, messages):
        return " ".join(m.content for m in messages)


def own_state(made, ids):
    with torch.inference_mode():
        return made(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0, -1].tolist()


TEXT = "3 1 4 1 5 9 2 6 5 35 8 9"


@pytest.mark.parametrize("name", ["llama-tied", "mistral-window", "gpt2"])
def test_the_state_is_the_last_one_of_the_model(name):
    made = model(name)
    found = HiddenStates(made, Codec(), 256).read(TEXT)
    assert found.values == pytest.approx(own_state(made, Codec().encode(TEXT)), abs=1e-5)
    assert found.num_tokens == 12
    assert found.seconds > 0


def test_states_and_completions_that_run_at_once_do_not_touch_each_other():
    made, codec = model("llama-tied"), Codec()
    reader = HiddenStates(made, codec, 256)
    messages = [Message("user", TEXT)]

    async def complete(engine, seed):
        session = engine.open()
        done = await engine.generate([seed, 2, 3], session, SamplingParams(max_tokens=12, ignore_end=True))
        engine.release(session)
        return done.ids

    async def together(reads):
        engine = PackedEngine(runner_of(made), codec)
        acts = [complete(engine, seed) for seed in range(4)]
        states = [reader.features(messages) for _ in range(reads)]
        found = await asyncio.gather(*(act for pair in zip(acts, states, strict=False) for act in pair), *acts[reads:])
        return [x for x in found if isinstance(x, tuple)], [x.values for x in found if not isinstance(x, tuple)]

    alone, _ = asyncio.run(together(0))
    beside, states = asyncio.run(together(4))
    assert beside == alone
    assert states == [reader.read(TEXT).values] * 4


@pytest.mark.parametrize("text", ["", " ".join(["1"] * 257)])
def test_a_text_without_a_token_or_beyond_the_window_is_told(text):
    with pytest.raises(DataError, match="1 to 256"):
        HiddenStates(model("llama-tied"), Codec(), 256).read(text)


def test_a_model_that_gives_nan_is_told():
    class Broken(torch.nn.Module):
        def forward(self, **kwargs):
            return type("Output", (), {"last_hidden_state": torch.full((1, 1, 4), torch.nan)})

    broken = type("Model", (), {"base_model": Broken(), "get_input_embeddings": model("gpt2").get_input_embeddings})()
    with pytest.raises(BackendError, match="not finite"):
        HiddenStates(broken, Codec(), 8).read("1")


def test_the_hash_tells_models_apart():
    hashes = {model_hash(model(name)) for name in ("llama-tied", "llama-grouped", "gpt2")}
    assert len(hashes) == 3
    assert model_hash(model("gpt2")) in hashes


def test_a_model_without_a_body_of_its_own_tells_its_states_all_the_same():
    made = model("gpt2")

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = made
            self.get_input_embeddings = made.get_input_embeddings

        @property
        def base_model(self):
            return self

        def forward(self, **given):
            return self.inner(**given)

    found = HiddenStates(Whole(), Codec(), 256).read(TEXT)
    assert found.values == pytest.approx(own_state(made, Codec().encode(TEXT)), abs=1e-5)
